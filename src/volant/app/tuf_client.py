"""A plain TUF client on the same rules as the car's, with the command line that tuf-conformance drives.

`python -m volant.app.tuf_client --metadata-dir D [--metadata-url U] init ROOT | refresh | download`; exit status 0
or 1, and one line that says why (tuf-conformance, CLIENT-CLI.md).
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote

from tuf.api.metadata import TargetFile

from volant.app.update_http import UrlOf, feed, urls_of
from volant.core.errors import InputError, VolantError
from volant.trust.uptane import (
    Fetch,
    ImageCheck,
    ImageLoad,
    Limits,
    Session,
    TrustedRepository,
    find_target,
    refresh,
)
from volant.trust.uptane.session import Steps
from volant.trust.uptane.trusted import HISTORY

T = TypeVar("T")
NAME = "repository"
LIMITS = Limits()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command."""
    wish = _parser().parse_args(arguments)
    try:
        if wish.command == "init":
            wish.metadata_dir.mkdir(parents=True, exist_ok=True)
            (wish.metadata_dir / "root.json").write_bytes(wish.root.read_bytes())
        elif wish.command == "refresh":
            repository = _load(wish.metadata_dir)
            steps = refresh(repository, time.time(), LIMITS)
            _run(repository, steps, wish.metadata_dir, urls_of({NAME: wish.metadata_url}, ""))
        else:
            _download(wish)
    except (VolantError, OSError) as error:
        print(f"tuf client: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m volant.app.tuf_client", description=__doc__)
    parser.add_argument("--metadata-dir", type=Path, required=True)
    parser.add_argument("--metadata-url", default="")
    parser.add_argument("--target-name", action="append", default=[])
    parser.add_argument("--target-base-url", default="")
    parser.add_argument("--target-dir", type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("root", type=Path)
    commands.add_parser("refresh")
    commands.add_parser("download")
    return parser


def _load(folder: Path) -> TrustedRepository:
    files = {unquote(path.name): path.read_bytes() for path in folder.glob("*.json")}
    return TrustedRepository.load(NAME, files, plain=True)


def _run(repository: TrustedRepository, steps: Steps[T], folder: Path, url_of: UrlOf) -> T:
    """Run a check; what it came to believe is stored, whatever comes after."""
    session = Session(steps, LIMITS, time.monotonic_ns())
    try:
        feed(session, url_of)
        return session.result
    finally:
        for name, data in repository.take_changes().items():
            if name.startswith(HISTORY):
                continue
            path = folder / quote(name, safe="")
            if data is None:
                path.unlink(missing_ok=True)
            else:
                with _whole(path) as write:
                    write(data)


def _download(wish: argparse.Namespace) -> None:
    if wish.target_dir is None:
        raise InputError("download wants --target-dir")
    url_of = urls_of({NAME: wish.metadata_url}, wish.target_base_url)
    for name in wish.target_name:
        repository = _load(wish.metadata_dir)
        steps = find_target(repository, name, time.time(), LIMITS)
        target = _run(repository, steps, wish.metadata_dir, url_of)
        if target is None:
            raise InputError(f"no target {name!r}")
        _fetch_target(repository, target, wish.target_dir, url_of)


def _fetch_target(
    repository: TrustedRepository, target: TargetFile, folder: Path, url_of: UrlOf
) -> None:
    path = folder / quote(target.path, safe="")
    if path.is_file() and _is_right(path, target):
        return
    has_hash = repository.root.signed.consistent_snapshot is not False
    name = target.get_prefixed_paths()[0] if has_hash else target.path
    fetch = Fetch(NAME, "image", name, target.length, exact=True)
    with _whole(path) as write:
        load = ImageLoad(fetch, target.hashes, write, LIMITS, time.monotonic_ns())
        feed(load, url_of)
        load.result  # noqa: B018 - raises where the image is not right


def _is_right(path: Path, target: TargetFile) -> bool:
    check = ImageCheck(target.path, target.length, target.hashes)
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                check.feed(chunk)
        check.end()
    except VolantError:
        return False
    return True


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Callable[[bytes], int]]:
    """Write all of a file, or leave what was there."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            yield file.write
        except BaseException:
            Path(file.name).unlink()
            raise
    Path(file.name).replace(path)


if __name__ == "__main__":
    sys.exit(main())
