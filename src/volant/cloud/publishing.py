"""How files become a release: each is taken in whole or not at all, then all of them are named at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from volant.cloud import showing, views
from volant.cloud.campaigns.plan import Name
from volant.cloud.ddi.device import Chunk
from volant.cloud.looking import SHA256, Looking, MissingError
from volant.cloud.people import Person, Right
from volant.cloud.store.ports import StoredRelease, Work
from volant.cloud.taking import Taken, artifact, check_file_name, image, measure
from volant.cloud.uptane import shelf
from volant.cloud.uptane.authority import Authority
from volant.core.errors import InputError, RefusedError

BLOCK_BYTES: Final = 1 << 20
MEASURED_MOST: Final = 256
"""As many files as a release may have."""


@dataclass
class Publishing(Looking):
    """Files and releases. Every method raises ForbiddenError when the role of `person` does not let them."""

    recognise: Callable[[Path], tuple[str, tuple[str, ...]]] = lambda _: ("", ())
    """Hardware and units that a file says it is for; no hardware: it does not say."""
    measured: dict[str, Taken] = field(default_factory=dict)
    """By SHA-256, of files that came lately."""

    def ready(self, person: Person, release: str) -> views.ReadyView:
        """Whether a release of a name can be made, and images signed."""
        self.check(person, Right.RUN)
        with self._reading(person) as work:
            free = work.release(release) is None
            try:
                shelf.check_signs(work, self._authority())
                unsigned = ""
            except RefusedError as error:
                unsigned = str(error)
        return views.ReadyView(release=release, free=free, unsigned=unsigned)

    def file(self, person: Person, sha256: str) -> views.FileView:
        """A file that was taken in before, so that it need not be sent again.

        Raises:
            MissingError: there is none.
        """
        self.check(person, Right.RUN)
        length = self.artifacts.size(sha256) if SHA256.match(sha256) else None
        if length is None:
            raise MissingError(f"no file {sha256}")
        return views.FileView(name=sha256, length=length, sha256=sha256, hardware="")

    def check_file(self, person: Person, name: str) -> None:
        """Whether somebody may send a file of a name, before it is sent.

        Raises:
            InputError: it is no name.
        """
        self.check(person, Right.RUN)
        check_file_name(name)

    def take_file(
        self,
        person: Person,
        name: str,
        file: Path,
        *,
        sha256: str = "",
        told: Callable[[int], None] | None = None,
    ) -> views.FileView:
        """Take a file in, for a release to come.

        Args:
            person: who does it.
            name: of the file, as devices see it.
            file: where it is.
            sha256: what it is to be, in hex; empty: whatever it is.
            told: is told how many bytes were read each time.

        Raises:
            InputError: it cannot be read, is another than it is to be, or its name is none.
        """
        self.check_file(person, name)
        try:
            with file.open("rb") as source:
                found = measure(_told(iter(lambda: source.read(BLOCK_BYTES), b""), told))
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", file=str(file)) from error
        if sha256 and found.sha256 != sha256:
            raise InputError(f"{name} came with SHA-256 {found.sha256}, expected {sha256}")
        artifact(name, found)
        hardware, units = self.recognise(file)
        self.artifacts.put(found.sha256, file)
        self._remember(found)
        return views.FileView(
            name=name, length=found.length, sha256=found.sha256, hardware=hardware, units=units
        )

    def publish(self, person: Person, release: str, body: views.ReleaseBody) -> views.ReleaseView:
        """Make a release of files that were taken in.

        Raises:
            InputError: a file was not taken in, or the name is none.
            RefusedError: there is a release of that name, or the keys that sign its images are elsewhere.
        """
        self.check(person, Right.RUN)
        checked(release, Name, "name of a release")
        taken = [(one, self._taken(one)) for one in body.files]
        images = tuple(image(one, found, body.version) for one, found in taken if one.hardware)
        files = tuple(artifact(one.name, found) for one, found in taken if not one.hardware)
        now_s = self.clock_s()
        with self.fleet.store.work() as work:
            if work.release(release) is not None:
                raise RefusedError(f"there is a release {release}; a release is not changed")
            if images:
                images = shelf.publish(work, self._authority(), images, now_s)
            chunks: tuple[Chunk, ...] = ()
            if files:
                number = work.number("module")
                chunks = (
                    Chunk(module_id=number, name=release, version=body.version, artifacts=files),
                )
            made = StoredRelease(
                name=release, version=body.version, made_s=now_s, by=person.name,
                chunks=chunks, images=images,
            )  # fmt: skip
            work.put_release(made)
            self._log(
                work, person, "publish", release, files={one.name: one.sha256 for one in body.files}
            )
        return showing.release(made)

    def _taken(self, body: views.FileBody) -> Taken:
        if self.artifacts.size(body.sha256) is None:
            raise InputError(f"{body.name} was not taken in: no file {body.sha256}")
        # A file's name is its content, so what was measured once stays true.
        found = self.measured.get(body.sha256)
        return found or measure(self.artifacts.blocks(body.sha256))

    def _remember(self, found: Taken) -> None:
        while len(self.measured) >= MEASURED_MOST:
            self.measured.pop(next(iter(self.measured)), None)
        self.measured[found.sha256] = found

    def _authority(self) -> Authority:
        found = self.authority()
        if found is None:
            raise RefusedError("no keys of Uptane repositories are here: volant fleet uptane")
        return found

    def _log(self, work: Work, person: Person, act: str, about: str, **data: Any) -> None:
        work.log(at_s=self.clock_s(), by=person.name, act=act, about=about, data=data)


def _told(blocks: Iterator[bytes], told: Callable[[int], None] | None) -> Iterator[bytes]:
    for block in blocks:
        if told is not None:
            told(len(block))
        yield block


def checked(value: str, kind: Any, what: str) -> str:
    """A word that came from outside.

    Raises:
        InputError: it is none of its kind.
    """
    try:
        return str(msgspec.convert(value, kind))
    except msgspec.ValidationError as error:
        raise InputError(f"no {what}: {error}") from error
