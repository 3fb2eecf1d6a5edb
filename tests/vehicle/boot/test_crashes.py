"""Every state that a power cut may leave of a unit that is programmed: it boots, and gets on."""

import random

import pytest

from tests.vehicle.boot.crashes import KINDS, Kind
from tests.vehicle.boot.device import NEW, OLD, TWO
from volant.core.errors import VolantError
from volant.trust.flash import MemoryFlash, RecordingFlash, Records
from volant.vehicle.boot import Bootloader

EACH = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
TWO_SLOTS = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS.values() if kind.layout is TWO], ids=["raw", "managed"]
)


@EACH
def test_after_any_cut_the_old_or_the_new_program_boots_and_programming_gets_on(kind: Kind) -> None:
    ran = set()
    count = 0
    for state in kind.filmed().crash_states():
        ran.add(kind.gets_on(MemoryFlash(kind.geometry, state.content)))
        count += 1
    assert ran == ({OLD, NEW} if kind.layout is TWO else {OLD, NEW, None})
    assert count > 60


@EACH
def test_a_second_cut_while_it_gets_on_does_no_harm(kind: Kind) -> None:
    chance = random.Random(1)
    states = list(kind.filmed().crash_states())
    for state in chance.sample(states, 12):
        later = list(kind.filmed(RecordingFlash(kind.geometry, state.content)).crash_states())
        for second in chance.sample(later, min(6, len(later))):
            flash = MemoryFlash(kind.geometry, second.content)
            assert not kind.is_harmed(flash), (state.words, second.words)


def harmed(kind: Kind, flash: RecordingFlash) -> int:
    """How many states boot neither program."""
    count = 0
    for state in flash.crash_states():
        try:
            runs = kind.booted(MemoryFlash(kind.geometry, state.content))[1]
        except VolantError:
            runs = None
        count += runs not in {OLD, NEW}
    return count


@TWO_SLOTS
def test_the_replay_finds_a_record_without_a_second_copy(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    def place(records: Records, _length: int) -> tuple[int, int]:
        area = records._areas[0]
        records._flash.erase(area.offset, area.length)
        return 0, area.offset

    monkeypatch.setattr(Records, "_place", place)
    assert harmed(kind, kind.filmed()) > 0


class Forgetful(RecordingFlash):
    """Its flush does nothing, as on a device that lies."""

    def flush(self) -> None:
        pass


@TWO_SLOTS
def test_the_replay_finds_programming_without_flushes_where_hashes_are_not_checked(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    flash = kind.filmed(Forgetful(kind.geometry, kind.delivered))
    assert harmed(kind, flash) == 0, "the hash alone saves it"
    monkeypatch.setattr(Bootloader, "_holds", lambda *_: True)
    assert harmed(kind, flash) > 0
