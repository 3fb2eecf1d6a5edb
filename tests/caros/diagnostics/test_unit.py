"""A unit behind several doors: whose answer it is, and callables that fail."""

import pytest

from volant.caros.diagnostics import Unit
from volant.vehicle.uds_config import DataId, Later, Routine, ServerConfig
from volant.wire.uds import Sid


def broken(*_: object) -> bytes:
    raise OSError("the sensor is gone")


def unit(resets: list[int]) -> Unit:
    anywhere = frozenset({1})
    done: list[int] = []

    def work(now_ns: int) -> bytes | None:
        done.append(now_ns)
        return b"\x01" if len(done) > 2 else None

    def breaks(now_ns: int) -> bytes | None:
        return broken() if now_ns else None

    return Unit(
        ServerConfig(
            dids={0x0100: DataId(name="broken", read=broken)},
            routines={
                1: Routine(name="work", start=lambda _: Later(work), sessions=anywhere),
                2: Routine(name="breaks", start=lambda _: Later(breaks), sessions=anywhere),
            },
            on_reset=resets.append,
        )
    )


def test_a_value_that_cannot_be_read_is_refused_and_told(caplog: pytest.LogCaptureFixture) -> None:
    one = unit([])
    assert one.request("doip:0e00", b"\x22\x01\x00", 0) == (b"\x7f\x22\x10",)
    assert "uds_request_failed" in caplog.text
    assert one.request("doip:0e00", b"\x3e\x00", 0) == (b"\x7e\x00",)


def test_work_that_breaks_is_refused_and_the_unit_goes_on() -> None:
    one = unit([])
    assert one.request("can:741", bytes.fromhex("31010002"), 0) == (b"\x7f\x31\x78",)
    assert one.poll("can", 1) == ("can:741", (b"\x7f\x31\x10",))
    assert one.request("can:741", b"\x3e\x00", 2) == (b"\x7e\x00",)


def test_a_late_answer_leaves_by_the_door_it_was_asked_at() -> None:
    one = unit([])
    one.request("can:741", bytes.fromhex("31010001"), 0)
    assert one.working
    assert one.poll("doip", 1) == ("", ())
    assert one.poll("can", 1) == ("can:741", ())
    assert one.poll("can", 2) == ("can:741", (bytes.fromhex("7101000101"),))
    assert not one.working


def test_a_reset_is_told() -> None:
    resets: list[int] = []
    unit(resets).request("doip:0e00", b"\x11\x83", 0)
    assert resets == [3]


def test_a_permission_that_breaks_ends_no_door_and_the_session_by_its_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked: list[int] = []

    def permit(_sid: Sid, what: int) -> None:
        asked.append(what)
        if len(asked) > 2:
            broken()

    sessions = {number: frozenset({1, 2}) for number in (1, 2)}
    one = Unit(ServerConfig(sessions=sessions, permit=permit))
    assert one.request("doip:0e00", b"\x10\x02", 0)[0][:1] == b"\x50"
    assert one.poll("doip", 1) == ("", ())
    assert one.poll("doip", 2) == ("", ())
    assert "uds_poll_failed" in caplog.text
    assert one.state.session == 2
    one.poll("doip", one.config.s3_ns)
    assert one.state.session == 1
