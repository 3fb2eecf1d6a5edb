"""Control units of the simulated car as diagnostics sees them: addresses, identifiers, values, trouble codes.

A table and the step from one row to a UDS server's configuration. Live values, seeds and the permission to act
are given by the caller. Keys are derived from the unit's name: good for trying, never for a car on a road.
Codes of the ranges 0 are recalled from SAE J2012-DA, those of range 1 are Volant's own.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from volant.core.messages import Engagement, Indicator
from volant.core.words import WordEnum
from volant.vehicle.boot import Bootloader, Identity, Tables
from volant.vehicle.boot.device import in_memory
from volant.vehicle.boot.flashing import (
    DELTA_FORM,
    FLASH_LEVEL,
    Flashing,
    Releases,
    permit_by_supply,
)
from volant.vehicle.faults import FaultMemory, FaultSpec
from volant.vehicle.uds_config import (
    ANY_SESSION,
    EXTENDED_ONLY,
    MS,
    PROGRAMMING_ONLY,
    DataId,
    Later,
    Routine,
    SecurityLevel,
    ServerConfig,
)
from volant.wire.uds import Did, Nrc, Reset, Session, Sid, dtc_code

Live = Callable[[str], float]
"""A live value by its name; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class LiveValue:
    """One measured value behind a data identifier: unsigned, big-endian, `value = raw x step + offset`."""

    did: int
    name: str
    step: float
    width: int = 2
    offset: float = 0.0
    words: tuple[str, ...] = ()
    """What the values 0, 1, ... stand for, where they are states."""

    def encode(self, value: float) -> bytes:
        """The bytes; limits hold the value, NaN becomes all ones (`not available`)."""
        top = (1 << 8 * self.width) - 1
        if math.isnan(value):
            return top.to_bytes(self.width, "big")
        raw = (
            min(max(value, self.offset), self.offset + top * self.step) - self.offset
        ) / self.step
        return min(round(raw), top - 1).to_bytes(self.width, "big")

    def decode(self, data: bytes) -> float:
        """The value, NaN for `not available` and for another length."""
        raw = int.from_bytes(data, "big")
        if len(data) != self.width or raw == (1 << 8 * self.width) - 1:
            return math.nan
        return raw * self.step + self.offset


NO_YES: Final = ("no", "yes")


def words_of(states: type[WordEnum]) -> tuple[str, ...]:
    """The words of a message's states in their order."""
    return tuple(str(state.value) for state in states)


SPEED: Final = LiveValue(0x0100, "speed_mps", 0.01, offset=-100.0)
CHARGE: Final = LiveValue(0x0101, "charge_pct", 0.01)
SUPPLY: Final = LiveValue(0x0102, "supply_v", 0.001)
ODOMETER: Final = LiveValue(0x0103, "odometer_m", 1.0, 4)
BOOT_TIME: Final = LiveValue(0x0104, "boot_time_s", 0.001, 4)
CIRCUMSTANCES: Final = (SPEED, CHARGE, SUPPLY, ODOMETER, BOOT_TIME)
"""What every freeze frame keeps."""
_FRAME: Final = tuple(value.did for value in CIRCUMSTANCES)


@dataclass(frozen=True, slots=True)
class EcuSpec:
    """One control unit."""

    name: str
    title: str
    address: int
    """Logical address over DoIP; on CAN it is asked on `can_request` and answers on `can_response`."""
    bus: str
    values: tuple[LiveValue, ...] = ()
    faults: tuple[FaultSpec, ...] = ()

    @property
    def can_request(self) -> int:
        """Identifier of requests on its bus."""
        return 0x740 + self.address - FIRST_ADDRESS

    @property
    def can_response(self) -> int:
        """Identifier of its answers."""
        return self.can_request + 0x20


FIRST_ADDRESS: Final = 0x1000
FUNCTIONAL_ADDRESS: Final = 0xE400
LOST_CODES: Final = {
    "gateway": "U0146",
    "drive": "U0110",
    "brake": "U0129",
    "steer": "U0131",
    "battery": "U0111",
    "charger": "U0298",
    "body": "U0140",
    "cockpit": "U0155",
    "pilot": "U1108",
    "radar_front": "U0235",
    "radar_front_left": "U0232",
    "radar_front_right": "U0233",
    "radar_rear_left": "U0234",
    "radar_rear_right": "U0236",
}
"""Trouble codes for each partner on the network, as in cars/network/mapping.toml; the failure type tells
what is wrong with its frames."""
_HEARD: Final = {name: code for name, code in LOST_CODES.items() if name != "pilot"} | {
    "camera": "U0265"
}
"""Whose frames the pilot's unit takes from the buses (`vehicle/cancar.py`)."""
_BUSES: Final = {"powertrain": "U0074", "body": "U0075", "adas": "U0076"}
"""Its buses besides the one that every unit has (U0073)."""


def _fault(code: str, name: str, description: str, **more: bool) -> FaultSpec:
    return FaultSpec(dtc_code(code), name, description, _FRAME, **more)


def _partner(name: str) -> tuple[FaultSpec, ...]:
    """What can be wrong with the frames of a partner."""
    code, words = _HEARD.get(name) or LOST_CODES[name], name.replace("_", " ")
    return (
        _fault(f"{code}-87", f"{name}_lost", f"frames of unit {words} are missing"),
        _fault(f"{code}-83", f"{name}_crc", f"frames of unit {words} fail their CRC"),
        _fault(f"{code}-82", f"{name}_counter", f"frames of unit {words} repeat or skip"),
    )


def _network() -> tuple[FaultSpec, ...]:
    """What else the port over buses finds: see `cancar.codes_of` (failure types: `network.watch.Fault`)."""
    found = [
        _fault(
            f"{code}-{kind}", f"{name}_{end}", f"frames of unit {name.replace('_', ' ')} {words}"
        )
        for name, code in _HEARD.items()
        for kind, end, words in (
            ("81", "length", "have a wrong length"),
            ("86", "range", "tell what cannot be"),
            ("29", "frozen", "are sent, but not measured anew"),
        )
    ]
    off = (
        _fault(f"{code}-88", f"{name}_bus_off", f"nothing can be sent on the bus {name}")
        for name, code in _BUSES.items()
    )
    flooded = _fault("U0002-08", "bus_flooded", "a bus carries more frames than it can")
    return (*found, *off, flooded)


def _faults(partners: tuple[str, ...], *own: FaultSpec) -> tuple[FaultSpec, ...]:
    """Codes that every unit has, of its partners, and its own."""
    return (
        _fault("U3003-16", "supply_low", "supply voltage is too low"),
        _fault("U0073-88", "bus_off", "the unit's bus went off"),
        *own,
        *(spec for name in partners for spec in _partner(name)),
    )


def _radar(name: str, title: str, number: int) -> EcuSpec:
    own = _fault(f"B10{number:02d}-97", "blocked", "the radar is blocked or blind", warns=True)
    values = (LiveValue(0x0900, "returns", 1.0),)
    return EcuSpec(name, title, FIRST_ADDRESS + number, "adas", values, _faults(("brake",), own))


ECUS: Final[tuple[EcuSpec, ...]] = (
    EcuSpec("gateway", "Gateway", 0x1000, "body", (), _faults(tuple(LOST_CODES)[1:])),
    EcuSpec(
        "drive",
        "Drive unit",
        0x1001,
        "powertrain",
        (
            LiveValue(0x0200, "drive_power_w", 10.0, 4, -1.0e6),
            LiveValue(0x0201, "accel_mps2", 0.01, 2, -300.0),
        ),
        _faults(
            ("brake", "battery", "pilot"),
            _fault("P0A3C-4B", "inverter_hot", "the inverter is too hot", warns=True),
            _fault(
                "P0A1B-92", "torque_off", "the motor does not give the asked torque", warns=True
            ),
        ),
    ),
    EcuSpec(
        "brake",
        "Brakes and stability",
        0x1002,
        "chassis",
        (LiveValue(0x0300, "brake_mps2", 0.01), LiveValue(0x0301, "hold", 1.0, 1, words=NO_YES)),
        _faults(
            ("drive", "steer", "pilot"),
            _fault(
                "C0035-62", "wheel_speed", "a wheel's speed does not fit the others", warns=True
            ),
            _fault("C1021-92", "pressure_off", "brakes do not give the asked force", warns=True),
        ),
    ),
    EcuSpec(
        "steer",
        "Steering",
        0x1003,
        "chassis",
        (LiveValue(0x0400, "steer_rad", 0.0001, 2, -3.0),),
        _faults(
            ("brake", "pilot"),
            _fault("C1031-92", "angle_off", "the wheels do not follow the asked angle", warns=True),
        ),
    ),
    EcuSpec(
        "battery",
        "Battery",
        0x1004,
        "powertrain",
        (
            LiveValue(0x0500, "battery_v", 0.1),
            LiveValue(0x0501, "battery_a", 0.1, 2, -3000.0),
            LiveValue(0x0502, "battery_k", 0.1),
        ),
        _faults(
            ("drive", "charger"),
            _fault(
                "P0AA6-1A", "isolation_low", "isolation of the high voltage is too low", warns=True
            ),
            _fault("P0A7E-4B", "cells_hot", "the battery is too hot", warns=True),
        ),
    ),
    EcuSpec(
        "charger",
        "Charger",
        0x1005,
        "powertrain",
        (
            LiveValue(0x0600, "charge_w", 10.0, 4),
            LiveValue(0x0601, "plugged", 1.0, 1, words=NO_YES),
        ),
        _faults(("battery",), _fault("P0D22-92", "charge_failed", "charging ended too early")),
    ),
    EcuSpec(
        "body",
        "Body",
        0x1006,
        "body",
        (
            LiveValue(0x0700, "indicator", 1.0, 1, words=words_of(Indicator)),
            LiveValue(0x0701, "doors_open", 1.0, 1, words=NO_YES),
        ),
        _faults(("cockpit",), _fault("B1061-13", "lamp_open", "a lamp's circuit is open")),
    ),
    EcuSpec("cockpit", "Cockpit", 0x1007, "body", (), _faults(("body", "pilot"))),
    EcuSpec(
        "pilot",
        "Pilot",
        0x1008,
        "adas",
        (LiveValue(0x0800, "pilot_mode", 1.0, 1, words=words_of(Engagement)),),
        _faults(
            tuple(_HEARD),
            _fault(
                "B1081-49", "pilot_lost", "the pilot has gone; the guard stops the car", warns=True
            ),
            _fault(
                "B1082-97", "camera_blocked", "the front camera is blocked or blind", warns=True
            ),
            _fault("B1083-31", "gnss_lost", "the satellite receiver tells no place"),
            _fault("B1083-64", "gnss_off", "the satellite receiver tells a wrong place"),
            _fault("B1084-97", "camera_left_blocked", "the left camera is blocked or blind"),
            _fault("B1085-97", "camera_right_blocked", "the right camera is blocked or blind"),
            _fault("B1086-97", "camera_rear_blocked", "the rear camera is blocked or blind"),
            _fault(
                "B1087-97", "parking_sensors_blocked", "the parking sensors are blocked or silent"
            ),
            *_network(),
        ),
    ),
    _radar("radar_front", "Radar, front", 9),
    _radar("radar_front_left", "Radar, front left", 10),
    _radar("radar_front_right", "Radar, front right", 11),
    _radar("radar_rear_left", "Radar, rear left", 12),
    _radar("radar_rear_right", "Radar, rear right", 13),
)
"""All control units, by rising address."""
KNOWN_DIDS: Final[Mapping[int, str]] = {
    Did.VIN: "vin",
    Did.SOFTWARE_VERSION: "software_version",
    Did.SUPPLIER_SOFTWARE_VERSION: "supplier_software_version",
    Did.ECU_SERIAL: "serial",
    Did.HARDWARE_NUMBER: "hardware",
    Did.SYSTEM_NAME: "system",
    Did.ACTIVE_SESSION: "session",
}
"""Identification that every unit has."""
NOTE: Final = 0x0110
"""Data identifier of the workshop's note: 16 bytes, written in the extended session with level 01 open."""
NOTE_LENGTH: Final = 16
WRITE_LEVEL: Final = 0x01
SELF_TEST: Final = 0x0301
"""Routine: the unit tests itself for a second; byte 00: sound, 01: only its bootloader runs."""
STANDING_MPS: Final = 0.5
"""Faster than this the car counts as moving: above the noise of the wheel speeds (estimated)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarFacts:
    """What identifies one car."""

    vin: str = "VOLANTSIM00000001"
    software: str = "0"
    """Version of the first program of its units."""
    hardware: str = "SIM-1"


def secret_of(name: str) -> bytes:
    """The simulated secret of a unit; a maker brings keys of his own."""
    return hashlib.sha256(b"volant simulated unit " + name.encode()).digest()


def key_for(secret: bytes, level: int, seed: bytes) -> bytes:
    """The key that fits a seed: 16 bytes of HMAC-SHA-256 over level and seed."""
    return hmac.digest(secret, bytes((level,)) + seed, "sha256")[:16]


def circumstances(live: Live) -> dict[int, bytes]:
    """What a freeze frame keeps, taken now."""
    return {value.did: value.encode(live(value.name)) for value in CIRCUMSTANCES}


def permit_when_standing(live: Live) -> Callable[[Sid, int], Nrc | None]:
    """Nothing that changes what a unit does or remembers is done while the car moves, or may be moving.

    Nor is flash written without a sound supply.
    Trouble codes (0x14) included: what fails while driving shall not be wiped by whom nobody sees.
    """

    def permit(sid: Sid, what: int) -> Nrc | None:
        harmless = sid is Sid.SESSION and what != Session.PROGRAMMING
        if harmless or abs(live(SPEED.name)) <= STANDING_MPS:  # NaN is not below it
            return permit_by_supply(sid, what, live(SUPPLY.name))
        return Nrc.CONDITIONS_NOT_CORRECT

    return permit


def server_config(
    spec: EcuSpec,
    facts: CarFacts,
    *,
    live: Live,
    seed: Callable[[], bytes],
    faults: FaultMemory | None = None,
    permit: Callable[[Sid, int], Nrc | None] | None = None,
    boot: Bootloader | None = None,
    releases: Releases | None = None,
    on_reset: Callable[[int], None] | None = None,
    controls_communication: bool = False,
    now_ns: Callable[[], int] = lambda: 0,
) -> ServerConfig:
    """The UDS server of one unit; it offers only what has an effect.

    Args:
        spec: the unit.
        facts: what identifies the car.
        live: gives measured values by name.
        seed: gives a fresh seed of 16 bytes that nobody can guess.
        faults: the unit's memory; without one it gets an empty one.
        permit: see `ServerConfig.permit`; without one, `permit_when_standing` by the live speed.
        boot: the unit's bootloader, booted; without one it gets one in memory, with an empty program.
        releases: what other units will run, for dependencies; without it none is known.
        on_reset: told of a reset after the bootloader has booted.
        controls_communication: whether who sends the unit's frames heeds 0x28; otherwise it is not offered.
        now_ns: the unit's forward counter, for its secure time; without one that stands still.
    """
    secret = secret_of(spec.name)
    flashing = Flashing(
        boot or in_memory(Identity(spec.name, facts.hardware), facts.software, Tables()),
        releases or dict,
        now_ns=now_ns,
        fresh=seed,
    )

    def runs() -> bool:
        return flashing.boot.running is not None

    def alive(name: str) -> float:
        """The bootloader measures nothing."""
        return live(name) if runs() else math.nan

    def reset(kind: int) -> None:
        flashing.reset()
        if on_reset is not None:
            on_reset(kind)

    def level(number: int, sessions: frozenset[int]) -> SecurityLevel:
        return SecurityLevel(
            seed=seed, key=lambda given: key_for(secret, number, given), sessions=sessions
        )

    every = frozenset({int(Session.DEFAULT), int(Session.EXTENDED), int(Session.PROGRAMMING)})
    return ServerConfig(
        dids=_dids(spec, facts, alive) | flashing.dids(),
        routines={
            SELF_TEST: Routine(
                name="self_test",
                start=lambda _: _takes(1_000 * MS, b"\x00") if runs() else b"\x01",
                results=lambda _: b"\x00" if runs() else b"\x01",
            ),
            **flashing.routines(),
        },
        security={
            WRITE_LEVEL: level(WRITE_LEVEL, EXTENDED_ONLY),
            FLASH_LEVEL: level(FLASH_LEVEL, PROGRAMMING_ONLY),
        },
        faults=faults or FaultMemory(spec.faults),
        flash=flashing,
        flash_forms={DELTA_FORM: flashing.begin_delta},
        flash_level=FLASH_LEVEL,
        sessions={
            int(Session.DEFAULT): ANY_SESSION,
            int(Session.EXTENDED): every,
            int(Session.PROGRAMMING): every - {Session.DEFAULT},
        },
        resets=frozenset({int(Reset.HARD), int(Reset.SOFT)}),
        on_reset=reset,
        controls_communication=controls_communication,
        permit=permit or permit_when_standing(live),
    )


def _dids(spec: EcuSpec, facts: CarFacts, live: Live) -> dict[int, DataId]:
    note = bytearray(NOTE_LENGTH)

    def write_note(record: bytes) -> None:
        note[:] = record

    def fixed(text: str) -> Callable[[], bytes]:
        return lambda: text.encode("ascii", "replace")

    def measured(value: LiveValue) -> Callable[[], bytes]:
        return lambda: value.encode(live(value.name))

    texts = {
        Did.VIN: facts.vin,
        Did.ECU_SERIAL: f"{facts.vin[-8:]}-{spec.address:04X}",
        Did.HARDWARE_NUMBER: facts.hardware,
        Did.SYSTEM_NAME: spec.title,
    }
    return {
        **{did: DataId(name=KNOWN_DIDS[did], read=fixed(text)) for did, text in texts.items()},
        **{
            value.did: DataId(name=value.name, read=measured(value))
            for value in (*CIRCUMSTANCES, *spec.values)
        },
        NOTE: DataId(
            name="workshop_note",
            read=lambda: bytes(note),
            write=write_note,
            write_length=NOTE_LENGTH,
            write_level=WRITE_LEVEL,
        ),
    }


def _takes(duration_ns: int, result: bytes) -> Later:
    """Work of a simulated unit that only takes its time."""
    began_ns: list[int] = []

    def poll(now_ns: int) -> bytes | None:
        began_ns.append(now_ns) if not began_ns else None
        return result if now_ns - began_ns[0] >= duration_ns else None

    return Later(poll)
