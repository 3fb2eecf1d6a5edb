"""Buses of two processes joined: frames cross once, in order, and a flood costs a bounded amount."""

from hypothesis import given, settings
from hypothesis import strategies as st

from volant.core.messages import CanFrame
from volant.vehicle.network import Frame, Media
from volant.vehicle.network.frames import QUEUE_FRAMES
from volant.vehicle.network.join import Join

BUSES = ("chassis", "body")


def can(bus: str, can_id: int, data: bytes = b"") -> CanFrame:
    return CanFrame(bus=bus, can_id=can_id, data=data)


def test_frames_cross_once_and_do_not_come_back() -> None:
    media = Media()
    unit = media("body", "BODY", None)
    join = Join(media, BUSES)
    unit.send(Frame(5, b"\x01", extended=True))
    unit.send(Frame(6, b"\x02"))
    assert join.give() == (
        CanFrame(bus="body", can_id=5, data=b"\x01", extended=True),
        can("body", 6, b"\x02"),
    )
    assert join.give() == ()
    join.take([can("body", 7, b"\x03"), can("wheels", 7)])
    assert unit.receive() == [Frame(7, b"\x03")]
    assert join.give() == (), "what came from others is theirs already"
    assert join.unknown == 1


def test_a_flood_of_high_ids_keeps_no_low_one_out() -> None:
    media = Media()
    unit = media("chassis", "DRIVE", frozenset({0x100}))
    join = Join(media, BUSES)
    flood = [can("chassis", 0x700 + place % 256) for place in range(5 * QUEUE_FRAMES)]
    join.take([*flood, can("chassis", 0x100, b"\x01"), *flood])
    assert unit.receive() == [Frame(0x100, b"\x01")]
    assert unit.lost == 10 * QUEUE_FRAMES + 1 - QUEUE_FRAMES


def test_a_flood_of_low_ids_takes_the_bus_and_is_counted() -> None:
    media = Media()
    unit = media("chassis", "DRIVE", frozenset({0x100}))
    join = Join(media, BUSES)
    join.take([*(can("chassis", 0) for _ in range(QUEUE_FRAMES)), can("chassis", 0x100)])
    assert unit.receive() == []
    assert unit.lost == 1


@settings(max_examples=100)
@given(
    ids=st.lists(
        st.tuples(st.sampled_from(["chassis", "body", "none"]), st.integers(0, 40)), max_size=700
    )
)
def test_each_bus_carries_its_most_urgent_frames_in_their_order(ids: list[tuple[str, int]]) -> None:
    media = Media()
    units = {bus: media(bus, "UNIT", None) for bus in BUSES}
    Join(media, BUSES).take([can(bus, one, bytes([n % 256])) for n, (bus, one) in enumerate(ids)])
    for bus, unit in units.items():
        sent = [(one, n % 256) for n, (name, one) in enumerate(ids) if name == bus]
        came = [(frame.can_id, frame.data[0]) for frame in unit.receive()]
        assert len(came) == min(len(sent), QUEUE_FRAMES)
        assert sorted(one for one, _ in came) == sorted(one for one, _ in sent)[:QUEUE_FRAMES]
        left = iter(sent)
        assert all(frame in left for frame in came), "order of sending"
