"""What a simulated car believes of its fleet: stored metadata, signed time, checks. All of it by `trust.uptane`, for each car.

Between two visits only the stored bytes are kept, as a real car keeps them on its disk.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import msgspec

from volant.app.fleet_units import UNITS
from volant.app.join_grant import Granted
from volant.app.update_http import UrlOf, urls_of
from volant.app.updates_source import Places
from volant.cloud.director import Tried
from volant.cloud.uptane import PREFIX
from volant.core.errors import InputError, TrustError
from volant.trust.keys import PublicKey
from volant.trust.uptane import (
    Assignment,
    Attack,
    Checker,
    Installed,
    Limits,
    Plan,
    RejectedError,
    SecureClock,
    Session,
    TrustedRepository,
    check_full,
)
from volant.trust.uptane.custom import CUSTOM
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import TARGETS
from volant.trust.uptane.secure_time import ANSWER_MOST_NS

FORGED: Final = frozenset(
    {Attack.ARBITRARY, Attack.ROLLBACK, Attack.MIX_AND_MATCH, Attack.ENDLESS, Attack.FREEZE}
)
"""What no server of ours may ever give; that nothing came, or too slowly, a busy one may."""
LOADED_MOST: Final = 8
KEPT_MOST: Final = 256


@dataclass
class Shared:
    """What all these cars share, to be small: bytes that are the same for many, and what is read of them once.

    The image repository is the same for all. What one car has believed of it, another that has stored the same bytes
    reads from here; whatever is newer each car checks itself.
    """

    limits: Limits = field(default_factory=Limits)
    campaign: str = ""
    """Only tries of this one are put down; empty: of all."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Lies that were refused, by the car that they were said of."""
    unsure: Counter[str] = field(default_factory=Counter)
    """Lies that nobody answered."""
    _bytes: dict[bytes, bytes] = field(default_factory=dict)
    _images: dict[tuple[tuple[str, bytes], ...], TrustedRepository] = field(default_factory=dict)

    def kept(self, files: dict[str, bytes]) -> dict[str, bytes]:
        """The same files, in memory once."""
        if len(self._bytes) > KEPT_MOST:
            self._bytes.clear()
        return {name: self._bytes.setdefault(data, data) for name, data in files.items()}

    def images(self, files: dict[str, bytes]) -> TrustedRepository:
        """The image repository as a car has stored it, its own to go on from."""
        key = tuple(sorted(files.items()))
        found = self._images.get(key)
        if found is None:
            if len(self._images) >= LOADED_MOST:
                self._images.clear()
            found = self._images[key] = TrustedRepository.load(IMAGE, files)
        return found.draft()


@dataclass(frozen=True, slots=True)
class Offer:
    """What the director wants a car to run."""

    name: str
    """SHA-256 of its targets, in hex."""
    tried: Tried
    assignments: tuple[Assignment, ...]


@dataclass(slots=True)
class Check:
    """One check on its way."""

    session: Session[Plan]
    director: TrustedRepository
    image: TrustedRepository


@dataclass(slots=True)
class Belief:
    """What one car believes; made of what it got when it joined."""

    shared: Shared
    url_of: UrlOf
    """Path below the server's address, by what is wanted."""
    manifest_path: str
    time_key: PublicKey
    files: dict[str, dict[str, bytes]]
    """By repository, as stored."""
    clock: SecureClock = field(default_factory=SecureClock)
    attack: Attack | None = None
    """Noticed, and the director has not heard of it yet."""
    forged: list[str] = field(default_factory=list)
    """What it could not believe."""

    @staticmethod
    def of(granted: Granted, shared: Shared) -> Belief:
        """What a car begins with."""
        places = Places.of(granted.repository_map)
        metadata = {name: f"{PREFIX}/{place}" for name, place in places.metadata.items()}
        files = {
            name: shared.kept(dict(TrustedRepository.load(name, granted.metadata[name]).files))
            for name in (DIRECTOR, IMAGE)
        }
        return Belief(
            shared,
            urls_of(metadata, f"{PREFIX}/{places.images}"),
            f"{PREFIX}/{places.manifest}",
            granted.time_key,
            files,
        )

    def hear_time(self, asked: SecureClock, answer: bytes, now_ns: int) -> None:
        """Take a signed time; a question that was long on its way is asked another time."""
        if now_ns - asked.asked_at_ns > ANSWER_MOST_NS:
            return
        try:
            self.clock = asked.hear(answer, self.time_key, now_ns)
        except (InputError, TrustError) as error:
            self.forged.append(str(error))

    def begin(self, car_id: str, runs: dict[str, Installed], now_ns: int) -> Check:
        """Begin full verification over both repositories."""
        director = TrustedRepository.load(DIRECTOR, self.files[DIRECTOR])
        image = self.shared.images(self.files[IMAGE])
        checker = Checker(car_id, UNITS, runs, primary=True)
        steps = check_full(checker, director, image, self.clock.now_s(now_ns), self.shared.limits)
        return Check(Session(steps, self.shared.limits, now_ns), director, image)

    def end(self, check: Check) -> Offer | None:
        """Keep what is believed since; what is new for the car, None: nothing, or nothing to believe."""
        for one in (check.director, check.image):
            if one.take_changes():
                self.files[one.name] = self.shared.kept(dict(one.files))
        session = check.session
        if session.wants is not None or self.rejects(session.rejected):
            return None
        if session.result.is_empty:
            return None
        top = check.director.targets[TARGETS]
        custom = top.signed.unrecognized_fields.get(CUSTOM) or {}
        tried = msgspec.convert(custom.get("campaign") or {"id": "", "attempt": 0}, Tried)
        return Offer(hashlib.sha256(top.data).hexdigest(), tried, session.result.assignments)

    def rejects(self, why: RejectedError | None) -> bool:
        """Note what was not to be believed."""
        if why is None:
            return False
        self.attack = why.attack
        if why.attack in FORGED:
            self.forged.append(f"{why.attack}: {why}")
        return True
