"""What `volant drive --json` prints; docs/reference/drive-json.md says each key, a test pins them."""

from __future__ import annotations

from volant import __version__
from volant.core.messages import (
    ContactVerdict,
    Intervention,
    JudgeFinding,
    Message,
    TroubleCode,
)


class DriveAnswer(Message, frozen=True, kw_only=True):
    """The drive in one object. A null means that there was nothing to measure, as each key says."""

    arrived: bool
    """By ground truth: the car stands at its destination and has passed all of `via`."""
    reason: str
    """Why the drive ended, in words: `arrived`, `contact with a lorry`, `interrupted by Ctrl-C`, ..."""
    distance_m: float
    """Driven, by the true odometer."""
    duration_s: float
    """Of virtual time."""
    real_time_factor: float
    """Virtual seconds by real seconds, start-up not counted."""
    contacts: int
    """Touches of the own car with anything."""
    min_gap_m: float | None
    """Least true gap, bumper to bumper, to a road user ahead in the own lane; null: there was none."""
    interventions: int
    """From ground truth; `intervention_list` says which."""
    intervention_list: tuple[Intervention, ...]
    max_lane_offset_m: float | None
    """Largest true distance of the car from its lane's centre; null: it never was on a lane."""
    accel_min_mps2: float | None
    """Hardest true braking outside emergencies, along the car; null: not one such tick was driven."""
    accel_max_mps2: float | None
    """Strongest true acceleration outside emergencies, along the car."""
    jerk_p99_mps3: float | None
    """99th percentile of true jerk, the larger of longitudinal (mean over 1 s) and lateral (0.5 s)."""
    contacts_at_fault: int
    """Contacts that the own car is to blame for; `contact_list` says which and why."""
    contact_list: tuple[ContactVerdict, ...]
    needless_brakings: int
    """Emergency or harsh braking that ground truth did not require."""
    rule_breaks: tuple[JudgeFinding, ...]
    """Rules of the road broken."""
    interventions_per_100_km: float | None
    """null: nothing was driven."""
    lane_offset_rms_m: float | None
    """Root mean square of the true offset from the lane's centre, R from 125 m, no lane changes."""
    lateral_accel_p99_mps2: float | None
    """99th percentile of the size of true lateral acceleration."""
    via: tuple[str, ...]
    """Places asked to be passed."""
    via_passed: int
    """So many of them, in their order, were truly passed."""
    journal: str | None
    """Path of the journal; null: none was written."""
    journal_sha256: str | None
    """Over (topic, stamp, payload) of every message; null: none was written, or a part was lost."""
    journal_lost: int
    """Messages that could not be written."""
    seed: int
    car: str
    road: str
    sensors: str
    cars: int
    bus: str | None = None
    """Kind of the buses that joined the car's units; null: none did."""
    trouble_codes: tuple[TroubleCode, ...] = ()
    """Found on the buses in this drive, with freeze frames; empty: none, or no bus."""
    version: str = __version__
