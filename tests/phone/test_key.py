"""Commands of a phone over any line: what is kept, and when nothing is believed."""

import asyncio
from dataclasses import dataclass, field

import pytest

from tests.trust.key.world import World
from volant.core.errors import LinkError, RefusedError
from volant.phone import fast, standard
from volant.trust.key import Action, Code, KeyRefusedError, Link, PhoneCar, Request, Role, greet


@dataclass
class Straight:
    """A line without a radio."""

    world: World
    spoilt: bool = False
    dead: bool = False
    sent: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.link: Link = self.world.link()

    async def exchange(self, capsule: bytes, within_s: float) -> bytes:
        self.sent.append(capsule)
        if self.dead:
            raise LinkError("nobody answers")
        step = self.world.receive(self.link, capsule)
        self.link = step.link
        return step.reply[:-1] + bytes([step.reply[-1] ^ 1]) if self.spoilt else step.reply

    async def greeting(self, within_s: float) -> bytes:
        step = greet(self.world.car, self.link, self.world.moment, self.world.chance())
        self.link = step.link
        return step.reply


def test_standard_then_fast_over_a_line() -> None:
    async def play() -> None:
        world = World()
        phone = world.owner()
        line, kept = Straight(world), []
        known, answer = await standard(
            line, phone.state, phone.car, Request(Action.UNLOCK), world.chance()
        )
        assert answer.code is Code.OK
        known, answer = await fast(line, known, Request(Action.LOCK), kept.append)
        assert answer.code is Code.OK
        assert known.counter == 1
        assert [one.action for one in world.orders] == [Action.UNLOCK, Action.LOCK]

    asyncio.run(play())


def test_the_counter_is_kept_before_a_command_leaves_and_stays_when_nobody_answers() -> None:
    async def play() -> None:
        world = World()
        phone = world.owner()
        line, kept = Straight(world, dead=True), []

        def keep(car: PhoneCar) -> None:
            assert len(line.sent) == len(kept)
            kept.append(car)

        for _ in range(2):
            with pytest.raises(LinkError):
                await fast(line, kept[-1] if kept else phone.car, Request(Action.LOCK), keep)
        assert [one.counter for one in kept] == [1, 2]

    asyncio.run(play())


def test_an_answer_that_was_touched_is_not_believed() -> None:
    async def play() -> None:
        world = World()
        phone = world.owner()
        line, kept = Straight(world, spoilt=True), []
        with pytest.raises(KeyRefusedError):
            await standard(line, phone.state, phone.car, Request(Action.LOCK), world.chance())
        with pytest.raises(KeyRefusedError):
            await fast(line, phone.car, Request(Action.LOCK), kept.append)
        assert len(kept) == 1

    asyncio.run(play())


def test_a_phone_without_session_is_told_to_begin_with_an_exchange() -> None:
    async def play() -> None:
        world = World()
        phone = world.phone("new")
        with pytest.raises(RefusedError, match="exchange"):
            await fast(Straight(world), phone.car, Request(Action.LOCK), lambda _: None)
        assert phone.car.role is Role.GUEST

    asyncio.run(play())
