"""The store: current values and targets of all signals, who hears of them and who moves them.

Pure and for one thread: no clock, no sockets, no locks. The edges (KUKSA gRPC, VISS, apps) call it from one
asyncio loop. It holds these semantics of KUKSA's broker (kuksa.val.v2, doc of val.proto; v1 where said):

- A signal without a value is `None`; a subscriber hears at once what stands, also `None`.
- A slow subscriber loses the oldest messages; `buffer_size` is 0 to 1000, and 0 keeps the latest of each
  signal. Nobody waits for anybody.
- Signals of change type `onchange` are told only when the value differs.
- A value of the wrong type, out of min/max or not among the allowed is refused, for each signal alone.
- Actuation is all or nothing and is handed on to who claimed it; it is not stored. Nobody claimed it:
  UNAVAILABLE. A second claim: ALREADY_EXISTS. A claim is all or nothing too.
- v1: a target is a stored value. With `bridge` it also goes to who claimed the actuation, which KUKSA does
  not do; without, the two channels stay apart as there.
- Metadata may be read by all. Reading needs `read`, publishing `provide:data`, moving `actuate`.

What is ours: a signal whose data somebody has claimed takes values from its owner alone (ALREADY_EXISTS
otherwise), and the arbiter can refuse an actuation with a reason (REFUSED).

Expiry of rights is the edges' matter (`Rights.expired`): nothing here asks a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from volant.caros.signals.hearing import MOST_BUFFERED, Hearers, StoreSubscription, What
from volant.caros.signals.owners import Claimed, OnActuate, Owners
from volant.caros.signals.rights import Rights
from volant.caros.signals.values import Code, SignalError, checker
from volant.caros.signals.weights import Weights, can_weigh
from volant.core.errors import InputError
from volant.wire.vss import Catalogue, Leaf, Value

CHANGEABLE: Final = ("unit", "minimum", "maximum", "allowed", "description", "comment")
"""What of a leaf `set_metadata` can change."""
BOUNDS: Final = ("unit", "minimum", "maximum", "allowed")
"""What of it decides which values are right."""

Arbiter = Callable[[str, Mapping[str, Value]], SignalError | None]
"""Asked with who and {path: value} before anything is handed on; None grants."""


class Datapoint(msgspec.Struct, frozen=True, gc=False):
    """A value with the time it was said, in nanoseconds of Unix time, as the edge or the car had it."""

    value: Value | None
    stamp_ns: int


NOTHING: Final = Datapoint(None, 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an actuation: granted as a whole, or refused as a whole with each error by id."""

    errors: Mapping[int, SignalError] = field(default_factory=dict)

    @property
    def granted(self) -> bool:
        """Whether it was handed on."""
        return not self.errors

    def raise_first(self) -> None:
        """Raise the first error, if there is one.

        Raises:
            SignalError: why it was refused.
        """
        for error in self.errors.values():
            raise error


class SignalStore:
    """Values of a catalogue's signals; see the module."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        arbiter: Arbiter | None = None,
        bridge: bool = True,
        stamp_ns: int = 0,
    ) -> None:
        """Args:
        catalogue: it may grow by `add_leaf`; the store keeps it.
        arbiter: asked before each actuation; None grants all.
        bridge: a v1 target also moves the car.
        stamp_ns: of the catalogue's defaults, which stand from the beginning as in KUKSA's broker.
        """
        self.catalogue = catalogue
        self.bridge = bridge
        self.arbiter = arbiter
        self.version = 0
        """Counts changes of what is known of signals: of the catalogue, and how often they are said."""
        self._values = {
            leaf.id: Datapoint(checker(leaf)(leaf.default), stamp_ns)
            for leaf in catalogue
            if leaf.default is not None
        }
        self._targets: dict[int, Datapoint] = {}
        self._checks = {leaf.id: checker(leaf) for leaf in catalogue}
        self._paths = {leaf.id: leaf.path for leaf in catalogue}
        self._onchange = {leaf.id for leaf in catalogue if leaf.change == "onchange"}
        self._long = {leaf.id for leaf in catalogue if can_weigh(leaf)}
        self._weights = Weights()
        self._owners = Owners()
        self._hearers = Hearers()

    # --- reading ----------------------------------------------------------------------------------

    def leaf(self, key: str | int) -> Leaf:
        """The leaf of a path or number.

        Raises:
            SignalError: NOT_FOUND.
        """
        found = self.catalogue.get(key) if isinstance(key, str) else self.catalogue.by_id(key)
        if found is None:
            raise SignalError(Code.NOT_FOUND, str(key)[:200], "no such signal")
        return found

    def get(self, key: str | int, rights: Rights) -> Datapoint | None:
        """The current value by path or number; None where there is none yet.

        Raises:
            SignalError: NOT_FOUND or ACCESS_DENIED.
        """
        return self._values.get(self._readable(key, rights))

    def target(self, key: str | int, rights: Rights) -> Datapoint | None:
        """The stored target (v1); None where nobody set one.

        Raises:
            SignalError: NOT_FOUND or ACCESS_DENIED.
        """
        return self._targets.get(self._readable(key, rights))

    def _readable(self, key: str | int, rights: Rights) -> int:
        leaf = self.leaf(key)
        if not rights.may_read(leaf.path):
            raise SignalError(Code.ACCESS_DENIED, leaf.path, "no right to read it")
        return leaf.id

    def metadata(self, pattern: str) -> tuple[Leaf, ...]:
        """All leaves that a path, branch or pattern covers, in the catalogue's order.

        Raises:
            SignalError: INVALID_ARGUMENT, it is no pattern; NOT_FOUND, nothing is covered.
        """
        try:
            found = self.catalogue.expand(pattern)
        except ValueError as error:
            raise SignalError(Code.INVALID_ARGUMENT, pattern[:200], str(error)) from error
        if not found:
            raise SignalError(Code.NOT_FOUND, pattern[:200], "no such signal or branch")
        return found

    # --- publishing -------------------------------------------------------------------------------

    def publish(
        self, rights: Rights, points: Mapping[int, Datapoint], owner: str | None = None
    ) -> dict[int, SignalError]:
        """Take values in, each for itself; gives the errors of those that were refused.

        A datapoint without a value takes the value away. `owner` is who speaks on a provider's stream: it
        must have claimed the data of each signal. Without one, a signal must be claimed by nobody.
        """
        errors: dict[int, SignalError] = {}
        told: dict[int, Datapoint] = {}
        heavy = False
        values, onchange, checks, long = self._values, self._onchange, self._checks, self._long
        paths, owner_of, allowed = self._paths, self._owners.data.get, rights.may_provide_data
        for leaf_id, point in points.items():
            check = checks.get(leaf_id)
            if check is None or owner_of(leaf_id) != owner or not allowed(paths[leaf_id]):
                errors[leaf_id] = self._not_told(leaf_id, rights)
                continue
            found, value = point, point.value
            try:
                if value is not None and (kept := check(value)) is not value:
                    found = Datapoint(kept, point.stamp_ns)
                if leaf_id in long:
                    stands = values.get(leaf_id, NOTHING).value
                    heavy |= self._weights.swap(paths[leaf_id], stands, found.value) > 0
            except SignalError as error:
                errors[leaf_id] = error
                continue
            before = values.get(leaf_id) if leaf_id in onchange else None
            values[leaf_id] = found
            if before is None or before.value != found.value:
                told[leaf_id] = found
        if told:
            self._hearers.tell("value", told, heavy)
        return errors

    def _not_told(self, leaf_id: int, rights: Rights) -> SignalError:
        """Why a value of a signal is not taken from somebody."""
        path = self._paths.get(leaf_id)
        if path is None:
            return SignalError(Code.NOT_FOUND, str(leaf_id), "no such signal")
        if not rights.may_provide_data(path):
            return SignalError(Code.ACCESS_DENIED, path, "no right to provide it")
        owner = self._owners.data.get(leaf_id)
        if owner is None:
            return SignalError(Code.NOT_CLAIMED, path, "its data was not claimed on this stream")
        return SignalError(Code.ALREADY_EXISTS, path, f"its data is provided by {owner}")

    # --- subscribing ------------------------------------------------------------------------------

    def subscribe(
        self,
        leaf_ids: Iterable[int],
        rights: Rights,
        buffer_size: int = 0,
        what: What = "value",
        wake: Callable[[], None] | None = None,
    ) -> StoreSubscription:
        """Hear of signals from now on; what stands waits at once, also None (for metadata the leaves).

        Raises:
            SignalError: NOT_FOUND, ACCESS_DENIED (of any), INVALID_ARGUMENT (buffer, nothing asked for),
                TOO_MANY.
        """
        ids = dict.fromkeys(leaf_ids)
        if not ids:
            raise SignalError(Code.INVALID_ARGUMENT, "", "no signal is asked for")
        if not 0 <= buffer_size <= MOST_BUFFERED:
            raise SignalError(
                Code.INVALID_ARGUMENT, "", f"buffer of {buffer_size}, at most {MOST_BUFFERED}"
            )
        for leaf_id in ids:
            if what == "metadata":
                self.leaf(leaf_id)
            else:
                self._readable(leaf_id, rights)
        first: dict[int, Any]
        if what == "metadata":
            first = {leaf_id: self.leaf(leaf_id) for leaf_id in ids}
        else:
            stands = self._values if what == "value" else self._targets
            first = {leaf_id: stands.get(leaf_id) for leaf_id in ids}
        return self._hearers.open(first, buffer_size, what, wake)

    def unsubscribe(self, subscription: StoreSubscription) -> None:
        """Hear no more; once more does nothing."""
        self._hearers.close(subscription)

    # --- owners -----------------------------------------------------------------------------------

    def claim(
        self,
        owner: str,
        leaf_ids: Iterable[int],
        what: Claimed,
        rights: Rights,
        on_actuate: OnActuate | None = None,
        intervals_ms: Mapping[int, int] | None = None,
    ) -> None:
        """Make an owner the one who says (`data`) or moves (`actuation`) signals; all or nothing.

        Args:
            owner: a name that nobody else has, such as the number of a connection.
            leaf_ids: claimed again by the same owner they stay its own.
            what: `actuation` needs `on_actuate`.
            rights: `provide` of each.
            on_actuate: takes what was granted: {id: value} of its own signals.
            intervals_ms: of data, the least time between two values of each; 0: not known.

        Raises:
            SignalError: NOT_FOUND, ACCESS_DENIED, ALREADY_EXISTS, INVALID_ARGUMENT (no actuator).
            ValueError: `actuation` without `on_actuate`.
        """
        if (what == "actuation") != (on_actuate is not None):
            raise ValueError("on_actuate goes with actuation")
        claims = self._owners.of(what)
        ids = dict.fromkeys(leaf_ids)
        for leaf_id in ids:
            leaf = self.leaf(leaf_id)
            allowed = rights.may_provide_data if what == "data" else rights.may_provide_actuation
            if not allowed(leaf.path):
                raise SignalError(Code.ACCESS_DENIED, leaf.path, f"no right to provide its {what}")
            if what == "actuation" and leaf.kind != "actuator":
                raise SignalError(Code.INVALID_ARGUMENT, leaf.path, "is no actuator")
            held = claims.get(leaf_id, owner)
            if held != owner:
                raise SignalError(
                    Code.ALREADY_EXISTS, leaf.path, f"its {what} is provided by {held}"
                )
        self._owners.take(owner, ids, on_actuate, intervals_ms or {})
        self.version += bool(intervals_ms)

    def interval_ms(self, leaf_id: int) -> int:
        """The least time between two values of a signal, as who provides it has it; 0: not known."""
        return self._owners.interval_ms(leaf_id)

    def release(self, owner: str) -> None:
        """Let go of all that an owner claimed: it has gone. Values that it said stay.

        Who hears of them is woken, and finds them among what is `lost`.
        """
        said = self._owners.release(owner)
        self.version += bool(said)
        self._hearers.lose(said)

    def owner_of(self, leaf_id: int, what: Claimed) -> str | None:
        """Who has claimed a signal."""
        return self._owners.of(what).get(leaf_id)

    # --- moving the car ---------------------------------------------------------------------------

    def actuate(self, rights: Rights, who: str, wanted: Mapping[int, object]) -> Outcome:
        """Hand values to who moves them: all, or none with each reason (v2 Actuate, BatchActuate).

        Errors in this order for each signal: NOT_FOUND, INVALID_ARGUMENT (no actuator), ACCESS_DENIED, the
        value's own, UNAVAILABLE. Only when there are none the arbiter is asked: REFUSED, TOO_MANY.
        """
        errors, granted, batches = self._judge(rights, wanted)
        if errors:
            return Outcome(errors)
        if self.arbiter is not None and granted:
            by_path = {self._paths[leaf_id]: value for leaf_id, value in granted.items()}
            refused = self.arbiter(who, by_path)
            if refused is not None:
                leaf = self.catalogue.get(refused.path)
                return Outcome({leaf.id if leaf is not None else next(iter(granted)): refused})
        for on_actuate, batch in batches:
            on_actuate(batch)
        return Outcome()

    def _judge(
        self, rights: Rights, wanted: Mapping[int, object]
    ) -> tuple[dict[int, SignalError], dict[int, Value], list[tuple[OnActuate, dict[int, Value]]]]:
        errors: dict[int, SignalError] = {}
        granted: dict[int, Value] = {}
        batches: dict[str, tuple[OnActuate, dict[int, Value]]] = {}
        for leaf_id, value in wanted.items():
            try:
                granted[leaf_id] = found = self._movable(rights, leaf_id, value)
                mover = self._mover(leaf_id)
            except SignalError as error:
                errors[leaf_id] = error
                continue
            owner = self._owners.moved[leaf_id]
            batches.setdefault(owner, (mover, {}))[1][leaf_id] = found
        return errors, granted, list(batches.values())

    def _mover(self, leaf_id: int) -> OnActuate:
        mover = self._owners.mover(leaf_id)
        if mover is None:
            path = self._paths[leaf_id]
            raise SignalError(Code.UNAVAILABLE, path, "nobody provides its actuation")
        return mover

    def _movable(self, rights: Rights, leaf_id: int, value: object) -> Value:
        leaf = self.leaf(leaf_id)
        if leaf.kind != "actuator":
            raise SignalError(Code.INVALID_ARGUMENT, leaf.path, "is no actuator")
        if not rights.may_actuate(leaf.path):
            raise SignalError(Code.ACCESS_DENIED, leaf.path, "no right to actuate it")
        return self._checks[leaf_id](value)

    def set_target(
        self, rights: Rights, who: str, points: Mapping[int, Datapoint]
    ) -> dict[int, SignalError]:
        """Store targets (v1 Set), each for itself; gives the errors of those that were refused.

        With `bridge` a target whose actuation is claimed is also handed on, after the arbiter; what is
        refused there is not stored. A datapoint without a value takes the target away.
        """
        errors: dict[int, SignalError] = {}
        told: dict[int, Datapoint] = {}
        heavy = False
        for leaf_id, point in points.items():
            try:
                found = self._set_one_target(rights, who, leaf_id, point)
            except SignalError as error:
                errors[leaf_id] = error
                continue
            told[leaf_id] = found
            stands = self._targets.get(leaf_id, NOTHING).value
            heavy |= self._weights.swap(self._paths[leaf_id], stands, found.value) > 0
        self._targets |= told
        if told:
            self._hearers.tell("target", told, heavy)
        return errors

    def _set_one_target(
        self, rights: Rights, who: str, leaf_id: int, point: Datapoint
    ) -> Datapoint:
        leaf = self.leaf(leaf_id)
        if point.value is None:
            if leaf.kind != "actuator":
                raise SignalError(Code.INVALID_ARGUMENT, leaf.path, "is no actuator")
            if not rights.may_actuate(leaf.path):
                raise SignalError(Code.ACCESS_DENIED, leaf.path, "no right to actuate it")
            return point
        found = self._movable(rights, leaf_id, point.value)
        stands = self._targets.get(leaf_id, NOTHING).value
        self._weights.check(leaf.path, stands, found)
        if self.bridge and leaf_id in self._owners.moved:
            self.actuate(rights, who, {leaf_id: found}).raise_first()
        return Datapoint(found, point.stamp_ns)

    # --- the tree itself --------------------------------------------------------------------------

    def add_leaf(self, rights: Rights, leaf: Leaf) -> Leaf:
        """Add a signal; returns it with its number. The same once more returns what stands.

        Raises:
            SignalError: ACCESS_DENIED, ALREADY_EXISTS (of another type), INVALID_ARGUMENT.
        """
        if not rights.may_create(leaf.path):
            raise SignalError(Code.ACCESS_DENIED, leaf.path[:200], "no right to create it")
        stands = self.catalogue.get(leaf.path)
        if stands is not None:
            if (stands.kind, stands.datatype) == (leaf.kind, leaf.datatype):
                return stands
            raise SignalError(
                Code.ALREADY_EXISTS, leaf.path, f"is {stands.kind} {stands.datatype} already"
            )
        try:
            added = self.catalogue.add(leaf)
        except InputError as error:
            raise SignalError(Code.INVALID_ARGUMENT, leaf.path[:200], error.message) from error
        self._learn(added)
        return added

    def set_metadata(self, rights: Rights, path: str, /, **changes: Any) -> Leaf:
        """Change words and bounds of a signal (v1): any of `CHANGEABLE`. A value that stands stays.

        Unit and bounds of what somebody has claimed are its owner's: narrower ones would shut out its values.

        Raises:
            SignalError: NOT_FOUND, ACCESS_DENIED (needs `create`), ALREADY_EXISTS, INVALID_ARGUMENT.
        """
        leaf = self.leaf(path)
        if not rights.may_create(path):
            raise SignalError(Code.ACCESS_DENIED, path, "no right to change its metadata")
        unknown = set(changes) - set(CHANGEABLE)
        if unknown:
            raise SignalError(Code.INVALID_ARGUMENT, path, f"{min(unknown)} cannot be changed")
        owned = leaf.id in self._owners.data or leaf.id in self._owners.moved
        if owned and any(
            changes[name] != getattr(leaf, name) for name in set(changes) & set(BOUNDS)
        ):
            raise SignalError(
                Code.ALREADY_EXISTS, path, "somebody else tells or moves it; its bounds are theirs"
            )
        try:
            changed = self.catalogue.replace(replace(leaf, **changes))
        except InputError as error:
            raise SignalError(Code.INVALID_ARGUMENT, path, error.message) from error
        self._learn(changed)
        self._hearers.tell("metadata", {changed.id: changed})
        return changed

    def _learn(self, leaf: Leaf) -> None:
        self._checks[leaf.id] = checker(leaf)
        self._paths[leaf.id] = leaf.path
        if leaf.change == "onchange":
            self._onchange.add(leaf.id)
        if can_weigh(leaf):
            self._long.add(leaf.id)
        self.version += 1


__all__ = [
    "MOST_BUFFERED", "Arbiter", "Claimed", "Datapoint", "OnActuate", "Outcome", "SignalStore",
    "StoreSubscription", "What",
]  # fmt: skip
