"""Manifests that no server may take: forged, another car's, garbage, and old ones said once more."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from volant.app.fleet_units import PRIMARY, UNITS, factory, key_of
from volant.trust.keys import SigningKey
from volant.trust.uptane import EcuReport, Installed, sign_manifest, sign_report
from volant.trust.uptane.envelope import Envelope
from volant.trust.uptane.manifest import VehicleManifest

STRANGER = "nobody"
"""Whose keys no fleet knows."""


@dataclass(frozen=True, slots=True)
class Lie:
    """One of them."""

    about: str
    """Car to whose door it is brought."""
    body: bytes


def lies(
    car_id: str, neighbour: str, claims: Mapping[str, Installed], counter: int
) -> tuple[Lie, ...]:
    """What a lying car says.

    Args:
        car_id: who it is.
        neighbour: another car; empty: there is none.
        claims: what it says that its units run, and they do not.
        counter: of its reports, the first of eight that it never used; so only what is wrong with a lie is wrong with it.
    """
    mine = {unit: key_of(car_id, unit) for unit in UNITS}
    strange = {unit: key_of(STRANGER, unit) for unit in UNITS}
    whole = _reports(claims, mine, counter)
    found = [
        # All of it by keys of nobody.
        Lie(car_id, _said(car_id, _reports(claims, strange, counter + 1), strange[PRIMARY])),
        # A primary that says what its units have not signed.
        Lie(car_id, _said(car_id, _by_primary(claims, mine, counter + 2), mine[PRIMARY])),
        # A unit that is said to be silent, and one that the car never had.
        Lie(car_id, _said(car_id, {PRIMARY: whole[PRIMARY]}, mine[PRIMARY])),
        Lie(car_id, _said(car_id, {**whole, "extra": whole[PRIMARY]}, mine[PRIMARY])),
        # One unit's report in the place of another's.
        Lie(car_id, _said(car_id, {**whole, "brake": whole["drive"]}, mine[PRIMARY])),
        # What is no manifest.
        Lie(car_id, _said(car_id, whole, mine[PRIMARY])[:-40]),
        Lie(car_id, b'{"payload":'),
    ]
    if neighbour:
        theirs = _said(neighbour, _reports(claims, mine, counter + 3), mine[PRIMARY])
        found += [
            # For another car: by its own keys, and what it may say of itself at the other's door.
            Lie(neighbour, theirs),
            Lie(neighbour, _said(car_id, _reports(claims, mine, counter + 4), mine[PRIMARY])),
            # Of another car, at its own door.
            Lie(car_id, theirs),
        ]
    return tuple(found)


def replays(car_id: str, first: bytes, last: bytes, counter: int) -> tuple[Lie, ...]:
    """Old manifests, byte by byte; and a new one with old reports of the units in it.

    Args:
        car_id: who it is.
        first: the oldest that was believed.
        last: the newest.
        counter: that no report has used.
    """
    old = msgspec.json.decode(_payload(first), type=VehicleManifest)
    key = key_of(car_id, PRIMARY)
    reports = {unit: text.encode() for unit, text in old.reports.items()}
    reports |= {PRIMARY: _report(PRIMARY, factory()[PRIMARY], key, counter)}
    mixed = _said(car_id, reports, key)
    bodies = (last, mixed) if first == last else (first, last, mixed)
    return tuple(Lie(car_id, one) for one in bodies)


def _payload(manifest: bytes) -> bytes:
    return base64.b64decode(msgspec.json.decode(manifest, type=Envelope).payload)


def _reports(
    claims: Mapping[str, Installed], keys: Mapping[str, SigningKey], counter: int
) -> dict[str, bytes]:
    return {unit: _report(unit, claims[unit], keys[unit], counter) for unit in UNITS}


def _by_primary(
    claims: Mapping[str, Installed], keys: Mapping[str, SigningKey], counter: int
) -> dict[str, bytes]:
    return _reports(claims, dict.fromkeys(UNITS, keys[PRIMARY]), counter)


def _report(unit: str, runs: Installed, key: SigningKey, counter: int) -> bytes:
    return sign_report(EcuReport(ecu_id=unit, installed=runs, time_s=0.0, counter=counter), key)


def _said(car_id: str, reports: Mapping[str, bytes], key: SigningKey) -> bytes:
    return sign_manifest(car_id, PRIMARY, reports, key)
