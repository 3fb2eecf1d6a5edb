"""What the update machine lets others do: checks, downloads and reports, with every answer an event."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Targets
from typer.testing import CliRunner

from volant.app.cli import app as commands
from volant.app.repo_folder import RepoFolder
from volant.app.updates_fetch import boot_id
from volant.app.updates_folder import UpdatesFolder
from volant.app.updates_source import FolderSource
from volant.app.updates_work import Work
from volant.core.errors import LinkError
from volant.ota import UnitNow
from volant.ota.events import Check, Checked, Fetch, Fetched
from volant.ota.ports import Order, Tell
from volant.trust.delta.make import make_delta
from volant.trust.uptane import Attack, Installed, SecureClock
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import TARGETS

CAR = "g3-520"
DAY_S = 86_400.0
OLD = {"sha256": "00" * 32}
SHORT = {"sha512": "11" * 64}
FOREIGN = make_delta(b"another program" * 100, b"and what follows from it" * 100)
"""A sound delta, but not from what a unit runs."""


def run(*words: str) -> Any:
    done = CliRunner().invoke(commands, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


class Port:
    """A unit that runs something old."""

    def __init__(self, name: str) -> None:
        self.name, self.hashes, self.version, self.two_slots = name, OLD, "1", True
        self.room_bytes = 0

    def now(self) -> UnitNow:
        runs = Installed(ecu_id=self.name, name="old.img", length=10, hashes=self.hashes)
        return UnitNow(
            runs=runs,
            version=self.version,
            two_slots=self.two_slots,
            room_bytes=self.room_bytes,
        )

    def stage(self, order: Order, tell: Tell) -> None:
        raise LinkError("it is not there")

    def activate(self) -> None: ...

    def reset(self) -> None: ...

    def confirm(self) -> None: ...

    def revert(self) -> None: ...

    def report(self) -> bytes:
        return b"{}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    repo, state, image = folder / "repo", folder / "state", folder / "brake-calm.img"
    run("repo", "init", str(repo), "--vehicle", "V1", "--car", CAR)
    run("ota", "join", str(repo), "--state", str(state))
    run("ecu", "image", "make", "brake", str(image), "--release", "2", "--version", "2")
    run("repo", "add", str(repo), f"brake={image}", "--title", "News")
    run("repo", "bundle", str(repo), str(folder / "stick"))
    return folder


class Bench:
    """A joined car beside its repositories, and a stick with the same."""

    def __init__(self, made: Path, path: Path) -> None:
        for name in ("repo", "state", "stick"):
            shutil.copytree(made / name, path / name)
        self.path, self.repo, self.stick = path, path / "repo", path / "stick"
        self.folder = UpdatesFolder(path / "state", CAR)
        self.folder.repoint(str(self.repo))
        self.work = self.fresh()

    def fresh(self) -> Work:
        """As after another start of the process."""
        work = Work(self.folder)
        work.ports = {one.ecu_id: Port(one.ecu_id) for one in self.folder.inventory().ecus}
        return work

    def check(self, agreed: str = "") -> Checked:
        found = self.work.do(Check(agreed), lambda _: None)
        assert isinstance(found, Checked)
        return found

    def fetch(self, found: Checked) -> Fetched:
        assert found.offer is not None, found.why
        fetched = self.work.do(Fetch(found.offer), lambda _: None)
        assert isinstance(fetched, Fetched)
        return fetched

    def sign_anew(self, change: Callable[[Targets], object], *, both: bool = True) -> None:
        """The repositories sign something else."""
        with RepoFolder(self.repo).held() as repo:
            director = repo.keeper(DIRECTOR)
            change(director.targets[TARGETS])
            director.publish(time.time(), [TARGETS])
            changes = repo.changes(director)
            if both:
                image = repo.keeper(IMAGE)
                for one in image.targets.values():
                    change(one)
                image.publish(time.time(), list(image.targets))
                changes.update(repo.changes(image))
            repo.commit(changes)

    def pass_days(self, days: float) -> None:
        now = self.folder.clock(boot_id(), time.monotonic_ns())
        later = SecureClock(
            attested_s=now.attested_s + days * DAY_S, attested_at_ns=now.attested_at_ns
        )
        self.folder.store_clock(boot_id(), later)


@pytest.fixture
def bench(made: Path, tmp_path: Path) -> Bench:
    return Bench(made, tmp_path)


def test_what_is_found_is_fetched_and_has_the_version_of_its_image(bench: Bench) -> None:
    found = bench.check()
    assert found.offer is not None
    assert found.offer.takes_s == 20.0
    fetched = bench.fetch(found)
    assert (fetched.why, fetched.versions) == ("", {"brake": "2"})


def only_sha512(targets: Targets) -> None:
    for one in targets.targets.values():
        one.hashes = {"sha512": one.hashes["sha512"]}


def test_an_image_that_is_signed_without_a_sha256_is_refused_in_words(bench: Bench) -> None:
    bench.sign_anew(only_sha512)
    found = bench.check()
    assert found.offer is None
    assert "known by sha512 only" in found.why


def short_delta(targets: Targets) -> None:
    delta = {"name": "d.delta", "length": 100, "hashes": SHORT, "base": OLD}
    for one in targets.targets.values():
        one.unrecognized_fields["custom"]["deltas"] = [{"algorithm": "volant-delta", **delta}]


def test_a_delta_without_a_sha256_is_passed_over_and_the_whole_image_comes(bench: Bench) -> None:
    bench.sign_anew(short_delta, both=False)
    fetched = bench.fetch(bench.check())
    assert (fetched.why, fetched.versions) == ("", {"brake": "2"})


def delta_of(data: bytes, length: int) -> Callable[[Targets], None]:
    """The director names a delta whose bytes should be these."""
    hashes = {"sha256": hashlib.sha256(data).hexdigest()}
    delta = {"name": "d.delta", "length": length, "hashes": hashes, "base": OLD}

    def change(targets: Targets) -> None:
        for one in targets.targets.values():
            one.unrecognized_fields["custom"]["deltas"] = [{"algorithm": "volant-delta", **delta}]

    return change


@pytest.mark.parametrize(
    ("stored", "attack"),
    [
        (None, None),
        (b"x" * 100, Attack.ARBITRARY),
        (FOREIGN, None),
    ],
    ids=["is not there", "is broken", "starts from another program"],
)
def test_when_a_delta_fails_the_whole_image_comes_instead(
    bench: Bench, stored: bytes | None, attack: Attack | None
) -> None:
    signed = FOREIGN if stored == FOREIGN else b"y" * 100
    bench.sign_anew(delta_of(signed, len(signed)), both=False)
    if stored is not None:
        name = f"{hashlib.sha256(signed).hexdigest()}.d.delta"
        (bench.repo / "image" / "targets" / name).write_bytes(stored)
    found = bench.check()
    assert found.offer is not None
    assert found.offer.size_bytes == len(signed), "the delta is the shorter way"
    told: list[Any] = []
    fetched = bench.work.do(Fetch(found.offer), told.append)
    assert isinstance(fetched, Fetched)
    assert (fetched.why, fetched.versions) == ("", {"brake": "2"})
    assert told[-1].done_bytes == told[-1].of_bytes == found.offer.units[0].target.length
    assert (bench.folder.attack() or (None,))[0] is attack


def test_a_unit_with_one_slot_gets_the_whole_image_at_once(bench: Bench) -> None:
    bench.sign_anew(delta_of(b"y" * 100, 100), both=False)
    single = Port("brake")
    single.two_slots = False
    bench.work.ports = {**bench.work.ports, "brake": single}
    found = bench.check()
    assert found.offer is not None
    assert found.offer.size_bytes == found.offer.units[0].target.length


def test_a_unit_that_lies_about_itself_costs_its_update_and_no_process(bench: Bench) -> None:
    liar = Port("brake")
    liar.hashes, liar.version, liar.two_slots = {"": "00"}, "\x1b[2Jevil", False
    bench.work.ports = {**bench.work.ports, "brake": liar}
    found = bench.check()
    assert found.offer is not None
    assert found.offer.units[0].version_before == "?[2Jevil"
    assert "known by" in bench.fetch(found).why


def test_what_was_agreed_to_stands_without_an_answer_until_it_expires(bench: Bench) -> None:
    found = bench.check()
    assert found.offer is not None
    bench.repo.rename(bench.path / "away")
    assert not bench.check().standing
    again = bench.check(found.offer.name)
    assert again.why.startswith(f"{bench.repo} does not answer")
    assert again.standing
    assert not bench.check("another").standing
    bench.pass_days(400.0)
    assert not bench.check(found.offer.name).standing


def test_an_attack_is_kept_until_the_director_has_heard_of_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.folder.keep_attack(Attack.ROLLBACK, "seen")
    heard: list[bytes] = []

    def deaf(_self: FolderSource, _manifest: bytes) -> bool:
        raise LinkError("nobody is there")

    with monkeypatch.context() as patched:
        patched.setattr(FolderSource, "tell", deaf)
        assert bench.check().offer is not None
    bench.work.usb = bench.stick
    assert bench.check().offer is not None
    bench.work = bench.fresh()
    assert bench.folder.attack() == (Attack.ROLLBACK, "seen")

    def hears(_self: FolderSource, manifest: bytes) -> bool:
        heard.append(manifest)
        return True

    monkeypatch.setattr(FolderSource, "tell", hears)
    bench.work.report()
    assert bench.folder.attack() is None
    assert len(heard) == 1


def test_a_stick_never_hears_what_the_director_is_to_be_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Path] = []

    def tell(self: FolderSource, _manifest: bytes) -> bool:
        told.append(self.path)
        return not self.mute

    monkeypatch.setattr(FolderSource, "tell", tell)
    bench.work.usb = bench.stick
    found = bench.check()
    assert found.offer is not None
    assert told == []
    bench.work.report()
    assert told == [bench.repo]
    monkeypatch.setattr(FolderSource, "tell", lambda *_: False)
    with pytest.raises(LinkError, match="nobody at"):
        bench.work.report()


def test_a_stick_serves_one_check_and_what_that_found(bench: Bench) -> None:
    bench.repo.rename(bench.path / "away")
    bench.work.usb = bench.stick
    assert bench.fetch(bench.check()).why == ""
    assert bench.check().offer is None  # at home, where nobody is now


def test_the_time_is_heard_at_home_though_a_stick_is_checked(bench: Bench) -> None:
    bench.folder.store_clock("another boot", SecureClock(attested_s=time.time() - 100.0))
    assert not bench.folder.knows_hour(boot_id())
    bench.work.usb = bench.stick
    bench.check()
    assert bench.folder.knows_hour(boot_id())


def test_a_broken_word_of_an_attack_is_none(bench: Bench) -> None:
    (bench.folder.path / "attack.json").write_bytes(b"{")
    assert bench.folder.attack() is None


def test_an_image_that_no_slot_of_its_unit_holds_is_not_offered(made: Path, tmp_path: Path) -> None:
    bench = Bench(made, tmp_path)
    bench.work.ports["brake"].room_bytes = 100  # type: ignore[attr-defined]
    found = bench.check()
    assert found.offer is None
    assert found.why.startswith("brake: an image of 0.2 KiB")
    assert "its slots hold 0.1 KiB (larger ones: volant ecu resize brake)" in found.why
    assert not found.rejected
