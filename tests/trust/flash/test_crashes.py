"""Every state that a power cut may leave, in an update from one image to another: it boots, and gets on."""

import random
import sys

import pytest

from tests.trust.flash.device import (
    HEADER,
    LAYOUT,
    MANAGED,
    NEW,
    OLD,
    RAW,
    SEGMENT,
    gets_on,
    image_that_runs,
    provisioned,
    update,
)
from volant.core.errors import VolantError
from volant.trust.flash import (
    CrashState,
    Geometry,
    MemoryFlash,
    RecordingFlash,
    Records,
    Slots,
    check_states,
)

KINDS = pytest.mark.parametrize("geometry", [RAW, MANAGED], ids=["raw", "managed"])


def recorded(geometry: Geometry) -> RecordingFlash:
    flash = RecordingFlash(geometry, provisioned(geometry))
    update(flash)
    return flash


@KINDS
def test_after_any_cut_the_old_or_the_new_image_boots_and_the_update_gets_on(
    geometry: Geometry, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = {OLD: 0, NEW: 0}

    def check(flash: MemoryFlash, state: CrashState) -> None:
        first = gets_on(flash)
        assert first in seen, state.words
        seen[first] += 1
        assert image_that_runs(flash) == NEW, state.words
        assert Slots(flash, LAYOUT).switch.tries_left is None

    count = check_states(recorded(geometry), check)
    assert count == sum(seen.values()) > 100
    assert min(seen.values()) > 0
    with capsys.disabled():
        sys.stdout.write(f" [{count} states after a cut] ")


@KINDS
def test_a_second_cut_while_it_gets_on_does_no_harm(geometry: Geometry) -> None:
    chance = random.Random(1)
    states = list(recorded(geometry).crash_states())
    for state in chance.sample(states, 12):
        again = RecordingFlash(geometry, state.content)
        gets_on(again)
        later = list(again.crash_states())
        for second in chance.sample(later, min(12, len(later))):
            flash = MemoryFlash(geometry, second.content)
            assert gets_on(flash) in {OLD, NEW}, (state.words, second.words)
            assert image_that_runs(flash) == NEW


@KINDS
def test_at_most_one_segment_is_sent_again(geometry: Geometry) -> None:
    """The journal is never more than one segment behind what stands on flash."""
    for state in recorded(geometry).crash_states():
        slots = Slots(MemoryFlash(geometry, state.content), LAYOUT)
        progress, now = slots.progress, slots.switch
        if progress is None or now.images[slots.idle] is not None:
            continue
        idle = slots.idle
        whole = 0
        while (
            whole < len(HEADER.segments)
            and slots.read(idle, whole * SEGMENT, HEADER.segments[whole].target_bytes)
            == NEW[whole * SEGMENT : (whole + 1) * SEGMENT]
        ):
            whole += 1
        assert progress.segments_done <= whole <= progress.segments_done + 1


class Forgetful(RecordingFlash):
    """Its flush does nothing, as on a device that lies."""

    def flush(self) -> None:
        pass


def harmed(flash: RecordingFlash) -> int:
    """How many states boot neither image."""
    count = 0
    for state in flash.crash_states():
        try:
            count += image_that_runs(MemoryFlash(flash.geometry, state.content)) not in {OLD, NEW}
        except VolantError:
            count += 1
    return count


@KINDS
def test_the_replay_finds_a_switch_without_a_second_copy(
    geometry: Geometry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def place(records: Records, _length: int) -> tuple[int, int]:
        area = records._areas[0]
        records._flash.erase(area.offset, area.length)
        return 0, area.offset

    monkeypatch.setattr(Records, "_place", place)
    assert harmed(recorded(geometry)) > 0


@KINDS
def test_the_replay_finds_an_update_without_flushes_where_hashes_are_not_checked(
    geometry: Geometry, monkeypatch: pytest.MonkeyPatch
) -> None:
    flash = Forgetful(geometry, provisioned(geometry))
    update(flash)
    assert harmed(flash) == 0, "the hash alone saves it"
    monkeypatch.setattr(Slots, "_holds", lambda *_: True)
    assert harmed(flash) > 0
