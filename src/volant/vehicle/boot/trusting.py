"""A unit's own trust: it believes no tester, only what the director signed for it (Uptane 2.1, 5.4.4.1).

In its flash stand the director's root and targets, the last attested time, a counter of reports and the unit's key.
The metadata lie in one of two banks; a record says in which, so a cut leaves the old ones or the new. The unit checks
in part, which is what the standard asks of secondaries: the primary has checked both repositories before. A unit that
was not joined has no trust and takes what its bootloader takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from volant.core.errors import InputError, TrustError, VolantError
from volant.trust.flash import Area, Flash, Records
from volant.trust.keys import PUBLIC_BYTES, PublicKey, SigningKey
from volant.trust.uptane import (
    Attack,
    Checker,
    EcuReport,
    Fetch,
    Installed,
    Limits,
    RejectedError,
    SecureClock,
    TrustedRepository,
    check_partial,
    provision_partial,
    sign_report,
)
from volant.trust.uptane.custom import Counter, Word
from volant.trust.uptane.match import assignments
from volant.trust.uptane.metadata import ROOT, TARGETS
from volant.trust.uptane.session import answer_from
from volant.trust.uptane.trusted import file_of
from volant.vehicle.boot.parts import Named

REPORTS_AT_ONCE: Final = 64
"""Reports between two writes of their counter: who asks often wears no flash out."""
_Bytes32 = Annotated[bytes, msgspec.Meta(min_length=PUBLIC_BYTES, max_length=PUBLIC_BYTES)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


@dataclass(frozen=True, slots=True)
class TrustLayout:
    """Where a unit's trust lies on its device; areas begin at blocks."""

    record: Area
    banks: tuple[Area, Area]

    @property
    def metadata_bytes(self) -> int:
        """Longest metadata: root and targets together."""
        return self.banks[0].length


class Joining(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit is given at a desk, once."""

    vehicle_id: Word
    ecu_id: Word
    hardware_id: Word
    seed: _Bytes32
    """Of the unit's Ed25519 key."""
    time_source: _Bytes32
    """Public key of who signs the time."""
    root: bytes
    """Of the director."""
    targets: bytes
    time_s: Annotated[float, msgspec.Meta(ge=0)]
    """Of the desk, Unix seconds: without one nothing would ever be past its time."""


class TrustTold(msgspec.Struct, frozen=True, array_like=True):
    """What a unit tells of its trust; MessagePack."""

    joined: bool
    root: _Count = 0
    """Version."""
    targets: _Count = 0
    time_s: float = 0.0
    """Secure time, Unix seconds."""


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """What survives a cut."""

    vehicle_id: Word
    ecu_id: Word
    hardware_id: Word
    seed: _Bytes32
    time_source: _Bytes32
    bank: Annotated[int, msgspec.Meta(ge=0, le=1)]
    length: _Count
    sha256: _Bytes32
    """Of the metadata in the bank."""
    attested_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    reports: Counter = 0
    """Every counter that was used is below it."""
    attack: Attack | None = None
    detail: Annotated[str, msgspec.Meta(max_length=256)] = ""


class _Signed(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="_type")
    version: _Count


class _File(msgspec.Struct, frozen=True):
    """As much of metadata as tells which file it is."""

    signed: _Signed


class UnitTrust:
    """The trust of one unit. Not safe for threads; a device that fails is an OSError."""

    def __init__(self, flash: Flash, layout: TrustLayout) -> None:
        self._flash, self.layout = flash, layout
        self._records = Records(flash, layout.record)
        self._kept = self._read_kept()
        self._repository: TrustedRepository | None = None
        self._clock: SecureClock | None = None
        self._next_report = self._kept.reports if self._kept else 0

    @property
    def joined(self) -> bool:
        """Whether the unit was given something to trust; else all images are taken."""
        return self._kept is not None

    @property
    def ecu_id(self) -> str:
        """Its name in the inventory; empty: it was not joined."""
        return self._kept.ecu_id if self._kept else ""

    def again(self) -> UnitTrust:
        """The same as another process sees it: read anew."""
        return UnitTrust(self._flash, self.layout)

    def join(self, given: Joining) -> None:
        """Give the unit its trust; what it trusted before is forgotten, the counter of its reports goes on.

        Raises:
            InputError: the metadata are not those of a director, or too long.
        """
        files = {file_of(ROOT): given.root, file_of(TARGETS): given.targets}
        repository = provision_partial(files)
        kept = _Kept(
            *(given.vehicle_id, given.ecu_id, given.hardware_id, given.seed, given.time_source),
            *(0, 0, bytes(PUBLIC_BYTES)),
            attested_s=given.time_s,
            reports=self._kept.reports if self._kept else 0,
        )
        self._store(kept, repository)
        self._next_report, self._clock = kept.reports, None

    def told(self, now_ns: int) -> TrustTold:
        """What it tells of itself."""
        believed = self._believed()
        if believed is None:
            return TrustTold(joined=self.joined)
        return TrustTold(
            joined=True,
            root=believed.root.signed.version,
            targets=believed.targets[TARGETS].signed.version,
            time_s=self._now(now_ns).now_s(now_ns),
        )

    def reset(self) -> None:
        """As after power-on: of the time only what was attested is known."""
        self._clock = None

    def ask_time(self, nonce: bytes, now_ns: int) -> None:
        """Remember the 16 bytes that a signed time must answer."""
        self._clock = self._now(now_ns).ask(nonce, now_ns)

    def hear_time(self, data: bytes, now_ns: int) -> None:
        """Take a signed time.

        Raises:
            InputError: it is none.
            TrustError: it is not from the source, answers nothing that was asked, came late or goes back.
        """
        kept = self._joined()
        heard = self._now(now_ns).hear(data, PublicKey(kept.time_source), now_ns)
        if heard.attested_s != kept.attested_s:
            self._put(msgspec.structs.replace(kept, attested_s=heard.attested_s))
        self._clock = heard

    def take(self, files: Iterable[bytes], installed: Installed | None, now_ns: int) -> None:
        """Believe newer roots of the director and its targets, checked in part.

        Args:
            files: roots and targets in any order.
            installed: what runs.
            now_ns: of the unit's forward counter.

        Raises:
            InputError: what came is no metadata.
            TrustError: it is not to be believed; what was believed before still is.
        """
        kept = self._joined()
        named = _by_name(files)
        self._check_room(*named.values())
        found = self._load()  # a check that fails half way must leave the believed one as it is
        if found is None:
            raise TrustError("the metadata on flash are broken: join the unit anew")
        checker = Checker(
            kept.vehicle_id,
            {kept.ecu_id: kept.hardware_id},
            {} if installed is None else {kept.ecu_id: installed},
            primary=False,
        )

        def source(fetch: Fetch) -> bytes | None:
            return named.get(fetch.name)

        try:
            now_s = self._now(now_ns).now_s(now_ns)
            answer_from(check_partial(checker, found, now_s, Limits()), source)
        except RejectedError as error:
            self._notice(kept, error)
            raise
        self._store(msgspec.structs.replace(kept, attack=None, detail=""), found)

    def named(self, data: bytes) -> Named | None:
        """What the director calls these bytes; None: it does not name them for this unit."""
        kept = self._joined()
        believed = self._believed()
        if believed is None:
            return None
        for one in assignments(believed.targets[TARGETS].signed):
            mine = (one.ecu_id, one.hardware_id) == (kept.ecu_id, kept.hardware_id)
            if mine and one.length == len(data) and _has(data, one.hashes):
                return Named(one.name, one.release_counter, tuple(one.hashes))
        return None

    def report(self, installed: Installed | None, now_ns: int) -> bytes:
        """The unit's signed word of what it runs; each has a counter of its own."""
        kept = self._joined()
        counter = self._next_report
        if counter >= kept.reports:
            kept = msgspec.structs.replace(kept, reports=counter + REPORTS_AT_ONCE)
            self._put(kept)
        self._next_report = counter + 1
        told = EcuReport(
            ecu_id=kept.ecu_id,
            installed=installed,
            attack=kept.attack,
            attack_detail=kept.detail,
            time_s=self._now(now_ns).now_s(now_ns),
            counter=counter,
        )
        return sign_report(told, SigningKey(kept.seed))

    # --- inside ----------------------------------------------------------------------------------

    def _joined(self) -> _Kept:
        if self._kept is None:
            raise TrustError("the unit was not joined to a director")
        return self._kept

    def _now(self, now_ns: int) -> SecureClock:
        if self._clock is None:
            attested_s = self._kept.attested_s if self._kept else 0.0
            self._clock = SecureClock(attested_s=attested_s, attested_at_ns=now_ns)
        return self._clock

    def _notice(self, kept: _Kept, error: RejectedError) -> None:
        """Keep it for the next report; the same attack again writes nothing."""
        if kept.attack != error.attack:
            detail = str(error)[:256]
            self._put(msgspec.structs.replace(kept, attack=error.attack, detail=detail))

    def _store(self, kept: _Kept, repository: TrustedRepository) -> None:
        """Metadata first, into the bank that does not count; then the record that makes it count."""
        names = (file_of(ROOT), file_of(TARGETS))
        data = msgspec.msgpack.encode({name: repository.files[name] for name in names})
        self._check_room(data)
        digest = hashlib.sha256(data).digest()
        if digest != kept.sha256:
            number = 1 - kept.bank
            bank, page = self.layout.banks[number], self._flash.geometry.page_bytes
            block = self._flash.geometry.erase_bytes
            self._flash.erase(bank.offset, -(-len(data) // block) * block)
            self._flash.flush()
            self._flash.write(bank.offset, data + b"\xff" * (-len(data) % page))
            self._flash.flush()
            kept = msgspec.structs.replace(kept, bank=number, length=len(data), sha256=digest)
        if kept != self._kept:
            self._put(kept)
        self._repository = repository

    def _check_room(self, *files: bytes) -> None:
        for data in files:
            if len(data) > self.layout.metadata_bytes:
                raise InputError(f"{len(data)} bytes of metadata, {self.layout.metadata_bytes} fit")

    def _put(self, kept: _Kept) -> None:
        self._records.put(msgspec.msgpack.encode(kept))
        self._kept = kept

    def _read_kept(self) -> _Kept | None:
        value = self._records.value
        try:
            return None if value is None else msgspec.msgpack.decode(value, type=_Kept)
        except msgspec.MsgspecError:
            return None

    def _believed(self) -> TrustedRepository | None:
        """What is trusted now, read when it is first asked for."""
        if self._repository is None:
            self._repository = self._load()
        return self._repository

    def _load(self) -> TrustedRepository | None:
        """The metadata as they stand on flash; None: none, or not those that were written."""
        kept = self._kept
        if kept is None or kept.length > self.layout.metadata_bytes:
            return None
        data = self._flash.read(self.layout.banks[kept.bank].offset, kept.length)
        if hashlib.sha256(data).digest() != kept.sha256:
            return None
        try:
            return provision_partial(msgspec.msgpack.decode(data, type=dict[str, bytes]))
        except (msgspec.MsgspecError, VolantError):
            return None


def newer_than(told: TrustTold, files: Iterable[bytes]) -> list[bytes]:
    """Of a director's files those that a unit must be brought: its targets, and roots above the unit's own.

    Raises:
        InputError: one is no metadata.
    """
    return [
        data
        for data in files
        if (signed := _signed(data)).kind != ROOT or signed.version > told.root
    ]


def _signed(data: bytes) -> _Signed:
    try:
        return msgspec.json.decode(data, type=_File).signed
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"no metadata: {error}") from error


def _by_name(files: Iterable[bytes]) -> dict[str, bytes]:
    """Files under the names that a check asks for."""
    found: dict[str, bytes] = {}
    for data in files:
        told = _signed(data)
        name = f"{told.version}.{file_of(ROOT)}" if told.kind == ROOT else file_of(told.kind)
        found[name] = data
    return found


def _has(data: bytes, hashes: Mapping[str, str]) -> bool:
    return all(hashlib.new(kind, data).hexdigest() == value for kind, value in hashes.items())
