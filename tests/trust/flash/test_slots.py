"""The slot switch: trial, confirmation, rollback, and what is refused."""

import random
from dataclasses import replace

import msgspec
import pytest

from tests.trust.flash.device import HEADER, LAYOUT, NEW, RAW, SEGMENT, provisioned, update
from volant.core.errors import InputError, RefusedError
from volant.trust.delta import Piece
from volant.trust.flash import Area, Image, Layout, MemoryFlash, Records, Slots, Switch


def device() -> MemoryFlash:
    return MemoryFlash(RAW, provisioned(RAW))


def written(flash: MemoryFlash, image: bytes = NEW) -> Slots:
    slots = Slots(flash, LAYOUT)
    slots.begin(HEADER)
    for index in range(len(HEADER.segments)):
        at = index * SEGMENT
        slots.write(Piece(index, at, image[at : at + SEGMENT]))
    return slots


def test_a_new_image_that_is_never_confirmed_runs_twice_and_then_the_old_one_is_back() -> None:
    flash = device()
    written(flash).finish()
    ran = [Slots(flash, LAYOUT).boot() for _ in range(4)]
    assert [one.slot for one in ran] == [1, 1, 0, 0]
    assert [one.on_trial for one in ran] == [True, True, False, False]
    assert [one.rolled_back for one in ran] == [False, False, True, False]


def test_a_confirmed_image_stays() -> None:
    flash = device()
    update(flash)
    assert {Slots(flash, LAYOUT).boot().slot for _ in range(5)} == {1}


def test_one_changed_byte_and_it_does_not_boot() -> None:
    flash = device()
    update(flash)
    at = LAYOUT.slots[1].offset + 77
    content = bytearray(flash.content)
    content[at] ^= 1
    booted = Slots(MemoryFlash(RAW, bytes(content)), LAYOUT).boot()
    assert (booted.slot, booted.rolled_back) == (0, True)
    content[LAYOUT.slots[0].offset] ^= 1
    with pytest.raises(RefusedError, match="does not boot"):
        Slots(MemoryFlash(RAW, bytes(content)), LAYOUT).boot()


def test_a_trial_that_is_over_goes_on_where_the_old_image_is_lost() -> None:
    flash = device()
    written(flash).finish()
    for _ in range(2):
        Slots(flash, LAYOUT).boot()
    content = bytearray(flash.content)
    content[LAYOUT.slots[0].offset] ^= 1
    assert Slots(MemoryFlash(RAW, bytes(content)), LAYOUT).boot().slot == 1


def test_a_wrong_image_is_not_tried() -> None:
    flash = device()
    slots = written(flash, bytes(len(NEW)))
    with pytest.raises(InputError, match="another hash"):
        slots.finish()
    assert slots.progress is None
    assert Slots(flash, LAYOUT).boot().slot == 0


def test_an_update_waits_for_the_confirmation_of_the_last() -> None:
    flash = device()
    written(flash).finish()
    slots = Slots(flash, LAYOUT)
    slots.boot()
    with pytest.raises(RefusedError, match="on trial"):
        slots.begin(HEADER)


def test_another_delta_begins_anew() -> None:
    slots = Slots(device(), LAYOUT)
    slots.begin(HEADER)
    slots.write(Piece(0, 0, NEW[:SEGMENT]))
    assert slots.begin(HEADER) == 1
    assert slots.begin(replace(HEADER, source_bytes=1)) == 0


def test_what_does_not_fit_is_refused() -> None:
    slots = Slots(device(), LAYOUT)
    with pytest.raises(RefusedError, match="does not fit"):
        slots.begin(replace(HEADER, target_bytes=1 << 20))
    with pytest.raises(RefusedError, match="on blocks of"):
        slots.begin(replace(HEADER, segment_bytes=5000))
    slots.begin(HEADER)
    with pytest.raises(ValueError, match="begin at blocks"):
        slots.write(Piece(0, 1, b"x"))
    with pytest.raises(ValueError, match="behind the end"):
        slots.write(Piece(0, LAYOUT.slots[1].length, b"x"))
    slots = Slots(device(), LAYOUT)
    with pytest.raises(ValueError, match="not the next one"):
        slots.write(Piece(0, 0, b""))
    with pytest.raises(ValueError, match="no update"):
        slots.finish()


@pytest.mark.parametrize(
    "layout",
    [
        replace(LAYOUT, journal=LAYOUT.switch),
        replace(LAYOUT, slots=(LAYOUT.slots[0], Area(LAYOUT.slots[1].offset, 1000))),
        replace(LAYOUT, slots=(LAYOUT.slots[0], Area(LAYOUT.slots[1].offset, 1 << 20))),
    ],
)
def test_areas_are_blocks_of_their_own(layout: Layout) -> None:
    with pytest.raises(ValueError, match="area"):
        Slots(MemoryFlash(RAW), layout)


def test_after_a_cut_at_the_end_the_same_delta_is_not_begun_into_the_old_image() -> None:
    flash = device()
    slots = written(flash)
    journal = Records(flash, LAYOUT.journal).value
    slots.finish()
    Records(flash, LAYOUT.journal).put(journal or b"")
    slots = Slots(flash, LAYOUT)
    slots.boot()
    slots.confirm()
    assert slots.begin(HEADER) == 0


def test_a_switch_that_names_more_than_a_slot_holds_boots_nothing() -> None:
    flash = device()
    switch = Switch(0, (Image(1 << 30, bytes(32)), None))
    Records(flash, LAYOUT.switch).put(msgspec.msgpack.encode(switch))
    with pytest.raises(RefusedError, match="does not boot"):
        Slots(flash, LAYOUT).boot()


def test_noise_is_no_device() -> None:
    chance = random.Random(8)
    with pytest.raises(InputError, match="never provisioned"):
        Slots(MemoryFlash(RAW), LAYOUT).boot()
    with pytest.raises(InputError, match="never provisioned"):
        Slots(MemoryFlash(RAW, chance.randbytes(RAW.size_bytes)), LAYOUT).boot()
    flash = MemoryFlash(RAW)
    Records(flash, LAYOUT.switch).put(b"\x93\x09")
    Records(flash, LAYOUT.journal).put(b"\x93\x09")
    with pytest.raises(InputError, match="no switch record"):
        Slots(flash, LAYOUT).boot()
    with pytest.raises(InputError, match="no progress"):
        _ = Slots(flash, LAYOUT).progress
