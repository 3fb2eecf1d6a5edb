"""The bootloader: what runs, what never runs, and what a cut leaves."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vehicle.boot.device import NEW, OLD, ONE, RAW, TWO, erase, image, loader, made, send
from volant.core.errors import InputError
from volant.trust.flash import Area, MemoryFlash
from volant.vehicle.boot import Bootloader, Image, Layout, Tables, Verdict, make_image

LAYOUTS = pytest.mark.parametrize("layout", [TWO, ONE], ids=["two slots", "one slot"])


def release(boot: Bootloader) -> int | None:
    return boot.running.image.release if boot.running else None


def again(boot: Bootloader, layout: Layout = TWO) -> Bootloader:
    """After a power cut: a new bootloader on the same device, booted."""
    after = loader(boot._flash, layout)  # type: ignore[arg-type]
    after.boot()
    return after


def programmed(layout: Layout = TWO, data: bytes = NEW) -> Bootloader:
    boot = made(layout)
    erase(boot)
    send(boot, data)
    assert boot.check() is Verdict.SOUND
    assert boot.activate({}) is Verdict.SOUND
    return boot


def test_a_device_that_was_never_provisioned_stays_in_its_bootloader_and_can_be_programmed() -> (
    None
):
    boot = loader(MemoryFlash(RAW))
    assert boot.boot() is None
    erase(boot)
    send(boot, NEW)
    assert boot.check() is Verdict.SOUND
    assert boot.activate({}) is Verdict.SOUND
    boot.boot()
    assert release(boot) == 2


@LAYOUTS
def test_a_new_program_runs_after_the_next_boot_not_before(layout: Layout) -> None:
    boot = programmed(layout)
    assert release(boot) == 1
    boot.boot()
    assert release(boot) == 2


def test_of_two_slots_a_program_that_nobody_confirms_runs_twice_and_the_old_one_is_back() -> None:
    boot = programmed()
    assert [release(boot := again(boot)) for _ in range(4)] == [2, 2, 1, 1]


def test_confirmed_it_stays_and_reverted_it_goes() -> None:
    boot = again(programmed())
    assert boot.on_trial
    assert not boot.begin_erase()
    assert boot.confirm()
    assert [release(boot := again(boot)) for _ in range(4)] == [2, 2, 2, 2]
    assert not boot.revert()
    boot = again(programmed())
    assert boot.revert()
    assert release(again(boot)) == 1


@LAYOUTS
@settings(max_examples=40)
@given(st.integers(0, len(NEW) - 1), st.integers(1, 255))
def test_one_changed_byte_on_the_device_and_it_does_not_boot(
    layout: Layout, at: int, bits: int
) -> None:
    boot = programmed(layout)
    boot.boot()
    assert boot.running is not None
    content = bytearray(boot._flash.content)  # type: ignore[attr-defined]
    content[layout.slots[boot.running.slot].offset + at] ^= bits
    after = loader(MemoryFlash(RAW, bytes(content)), layout)
    after.boot()
    assert release(after) == (1 if layout is TWO else None)


@LAYOUTS
def test_one_changed_byte_of_a_signature_and_it_does_not_boot(layout: Layout) -> None:
    """A unit that asks for no signature still runs the bytes that were programmed, and no others."""
    was = Image(unit="brake", hardware="SIM-1", version="1.0", release=1, tables=Tables())
    data = make_image(was, lambda digest: digest, signature_bytes=32)
    boot = loader(MemoryFlash(RAW), layout)
    boot.provision(data)
    content = bytearray(boot._flash.content)  # type: ignore[attr-defined]
    assert release(again(boot, layout)) == 1
    content[layout.slots[0].offset + len(data) - 1] ^= 1
    after = loader(MemoryFlash(RAW, bytes(content)), layout)
    assert after.boot() is None


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (b"\x55" * 200, Verdict.BROKEN),
        (NEW[:-1] + bytes((NEW[-1] ^ 1,)), Verdict.BROKEN),
        (image(2, unit="drive"), Verdict.OTHER_UNIT),
        (image(2, hardware="SIM-2"), Verdict.OTHER_HARDWARE),
        (image(0), Verdict.OLDER),
        (image(1), Verdict.SOUND),
    ],
)
def test_what_is_not_for_this_unit_is_not_activated(data: bytes, verdict: Verdict) -> None:
    boot = made()
    erase(boot)
    send(boot, data)
    assert boot.check() is verdict
    if verdict is not Verdict.SOUND:
        assert boot.activate({}) is Verdict.NOT_WHOLE
        assert release(again(boot)) == 1


def test_tables_that_the_unit_cannot_run_by_are_refused() -> None:
    boot = loader(MemoryFlash(RAW), accepts=lambda one: one.release < 2)
    boot.provision(OLD)
    boot.boot()
    erase(boot)
    send(boot, NEW)
    assert boot.check() is Verdict.WRONG_TABLES
    with pytest.raises(InputError, match="wrong_tables"):
        boot.provision(NEW)


def test_other_units_must_have_come_so_far() -> None:
    boot = made()
    erase(boot)
    send(boot, image(2, needs={"drive": 5}))
    assert boot.check() is Verdict.SOUND
    assert boot.coming == 2
    for releases in ({}, {"drive": 4}):
        assert boot.activate(releases) is Verdict.NEEDS_OTHERS
    boot = again(boot)  # what was staged is still there
    assert release(boot) == 1
    assert boot.activate({"drive": 5}) is Verdict.SOUND


def test_with_a_key_only_what_it_signed_runs() -> None:
    key, other = (Ed25519PrivateKey.from_private_bytes(bytes((n,)) * 32) for n in (1, 2))

    def verify(digest: bytes, signature: bytes) -> bool:
        try:
            key.public_key().verify(signature, digest)
        except InvalidSignature:
            return False
        return True

    def signed(by: Ed25519PrivateKey) -> bytes:
        told = Image(unit="brake", hardware="SIM-1", version="1", release=1, tables=Tables())
        return make_image(told, by.sign, signature_bytes=64)

    boot = loader(MemoryFlash(RAW), verify=verify)
    for data in (OLD, signed(other)):
        with pytest.raises(InputError, match="not_signed"):
            boot.provision(data)
    boot.provision(signed(key))
    assert boot.boot() is not None


def test_another_sound_image_in_the_place_of_the_one_that_was_taken_does_not_boot() -> None:
    boot = made()
    slot = TWO.slots[0]
    assert len(OLD) == len(NEW)
    content = bytearray(boot.flash.read(0, RAW.size_bytes))
    content[slot.offset : slot.offset + len(NEW)] = NEW
    assert loader(MemoryFlash(RAW, bytes(content))).boot() is None


def test_a_transfer_needs_an_erase_and_its_range() -> None:
    boot = made()
    assert not boot.begin(0, len(NEW))
    erase(boot)
    assert not boot.begin(0, TWO.slots[0].length + 1)
    assert not boot.begin(64, 64)
    assert not boot.begin(0, 0)
    assert boot.begin(0, 10)
    assert not boot.finish()
    assert boot.check() is Verdict.NOT_WHOLE
    with pytest.raises(ValueError, match="more bytes"):
        boot.write(bytes(11))


@LAYOUTS
@settings(max_examples=40)
@given(st.integers(0, len(NEW)))
def test_a_transfer_that_was_cut_goes_on_where_it_was(layout: Layout, cut: int) -> None:
    boot = made(layout)
    erase(boot)
    assert boot.begin(0, len(NEW))
    boot.write(NEW[:cut])
    boot = again(boot, layout)
    assert release(boot) == (1 if layout is TWO else None)
    at, size = boot.resumes_at
    assert size == len(NEW)
    assert cut - RAW.erase_bytes < at <= cut
    send(boot, NEW, at)
    assert boot.check() is Verdict.SOUND
    assert boot.activate({}) is Verdict.SOUND
    assert release(again(boot, layout)) == 2


@LAYOUTS
def test_a_cut_within_an_erase_leaves_the_bootloader_and_programming_begins_anew(
    layout: Layout,
) -> None:
    boot = made(layout)
    assert boot.begin_erase()
    assert not boot.erase_step()
    boot = again(boot, layout)
    assert release(boot) == (1 if layout is TWO else None)
    assert not boot.begin(0, len(NEW))
    with pytest.raises(ValueError, match="no erase"):
        boot.erase_step()
    erase(boot)
    send(boot, NEW)
    assert boot.check() is Verdict.SOUND


def test_a_layout_must_fit_its_device() -> None:
    for layout in (
        Layout(Area(0, 2048), ()),
        Layout(Area(0, 2048), (Area(1024, 2048),)),
        Layout(Area(0, 2048), (Area(2048, 100),)),
        Layout(Area(0, 2048), (Area(2048, 1 << 20),)),
    ):
        with pytest.raises(ValueError, match=r"slot|area|device"):
            loader(MemoryFlash(RAW), layout)


def test_a_program_that_was_activated_but_has_not_run_cannot_be_confirmed() -> None:
    boot = programmed()
    assert not boot.confirm()
    assert boot.on_trial
    boot.revert()
    assert not boot.confirm()
    boot.boot()
    assert release(boot) == 1
    assert boot.confirm()


def test_what_is_activated_is_what_is_coming() -> None:
    boot = programmed()
    assert boot.activated is not None
    assert boot.staged is None
    assert boot.coming == 2
    boot.boot()
    assert boot.activated is None
    assert boot.coming == 2


@LAYOUTS
def test_the_program_that_was_confirmed_last_is_always_taken_back(layout: Layout) -> None:
    boot = programmed(layout)
    boot.boot()
    assert release(boot) == 2
    if layout is TWO:
        boot.revert()
        boot.boot()
    erase(boot)
    send(boot, OLD)
    assert boot.check() is Verdict.SOUND
    assert boot.activate({}) is Verdict.SOUND
    boot.boot()
    assert release(boot) == 1
    assert boot.confirm()


def test_once_the_new_one_is_confirmed_the_old_one_is_older() -> None:
    boot = programmed(ONE)
    boot.boot()
    assert boot.confirm()
    erase(boot)
    send(boot, OLD)
    assert boot.check() is Verdict.OLDER
