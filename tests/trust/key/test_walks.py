"""Long walks: phones, cars, restarts and lists in any order, beside a model that is a page long."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.key.world import DAY_S, NOON_S, Phone, World
from volant.trust.key import sharing
from volant.trust.key.capsule import Request
from volant.trust.key.codes import Code
from volant.trust.key.limits import Limits
from volant.trust.key.phone import asking
from volant.trust.key.roles import Action
from volant.trust.key.state import CarState, PhoneState

QUICK = settings(max_examples=40, deadline=None, derandomize=True)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ("open", "fast", "remote", "revoke", "owner comes", "restart", "later", "keep")
        ),
        st.integers(0, 2),
    ),
    max_size=25,
)  # fmt: skip


@dataclass
class Model:
    """What must hold of a friend, in words: revoked as soon as the car has the list, two uses, one day."""

    uses: list[int] = field(default_factory=lambda: [0, 0, 0])
    listed: set[int] = field(default_factory=set)
    in_car: set[int] = field(default_factory=set)

    def may(self, number: int, unix_s: int) -> bool:
        return number not in self.in_car and self.uses[number] < 2 and unix_s < NOON_S + DAY_S


@QUICK
@given(STEPS)
def test_no_friend_opens_the_car_when_the_model_says_no(steps: list[tuple[str, int]]) -> None:
    world = World()
    owner = world.owner()
    limits = Limits(NOON_S, NOON_S + DAY_S, uses=2)
    friends = [world.friend(owner, f"friend {number}", limits=limits) for number in range(3)]
    model = Model()
    for what, number in steps:
        _walk(world, owner, friends, model, what, number)
        assert len(world.entries) == world.car.log.count
    text = tuple(world.entries)
    world.tap(owner, Action.FIND)
    for start in range(0, len(text), 5):
        owner.car = sharing.check_log(owner.car, text[start : start + 5])
    assert owner.car.log_count == len(text)


def _walk(
    world: World, owner: Phone, friends: list[Phone], model: Model, what: str, number: int
) -> None:
    friend, unlock = friends[number], Request(Action.UNLOCK)
    if what in {"open", "fast", "remote"}:
        if what == "open" or not friend.car.session_id or friend.clock is None:
            code = world.standard(friend, unlock)
        else:
            code = world.local(friend, unlock) if what == "fast" else world.remote(friend, unlock)
        if model.may(number, world.unix_s or 0):
            # A restart in between is a new epoch, which a remote command does not know.
            assert code is Code.OK or (what == "remote" and code in {Code.TAG, Code.EXPIRY})
        else:
            assert code is not Code.OK
        model.uses[number] += code is Code.OK
    elif what == "revoke":
        world.revoke(owner, friend.key_id)
        model.listed.add(number)
    elif what == "owner comes":
        assert world.standard(owner, asking(owner.car, Request(Action.STATUS))) is Code.OK
        model.in_car |= model.listed
    elif what == "restart":
        world.restart()
    elif what == "later":
        world.unix_s = (world.unix_s or 0) + 20_000
        world.now_ns += 20_000 * 10**9
    else:
        friend.state = PhoneState.from_bytes(friend.state.to_bytes())
        world.car.state.to_bytes()
        assert CarState.from_bytes(world.car.state.to_bytes()) == world.car.state
