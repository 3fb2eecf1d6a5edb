"""The reckoning of a trip: pure, from signals with their times. Energy is counted at the battery.

The coach names what cost most above an easy drive. Its yardsticks are simple physics of a middle-class car, not a
claim about any: 2 200 kg, drag area 0.55 m2, air of 1.2 kg/m3, 65 % of braking energy comes back.
"""

MASS_KG = 2200.0
DRAG_AREA_M2 = 0.55
AIR_KG_M3 = 1.2
BACK = 0.65
JOULE_PER_KWH = 3.6e6
EASY_KMH = 110.0
HARD_MPS2 = -2.5
GAP_S = 5.0
"""A longer silence of the signals is not reckoned with."""


class Trip:
    """Sums of one trip."""

    def __init__(self):
        self.distance_m = 0.0
        self.time_s = 0.0
        self.standing_s = 0.0
        self.used_j = 0.0
        self.back_j = 0.0
        self.top_kmh = 0.0
        self.fast_j = 0.0
        """Against the air above the easy speed, by which an easy drive would have been cheaper."""
        self.hard_j = 0.0
        """Motion that hard braking turned into heat."""
        self._stamp_ns = None
        self._power_w = 0.0
        self._speed_kmh = 0.0
        self._accel_mps2 = 0.0
        self._start_m = None

    def take(self, stamp_ns, values):
        """Take in what has changed at a time, by the last word of the path."""
        if self._stamp_ns is not None:
            self._pass(min(GAP_S, max(0.0, (stamp_ns - self._stamp_ns) / 1e9)))
        self._stamp_ns = max(stamp_ns, self._stamp_ns or 0)
        # VSS: power into the battery is positive.
        self._power_w = -values.get("CurrentPower", -self._power_w)
        self._speed_kmh = abs(values.get("Speed", self._speed_kmh))
        self._accel_mps2 = values.get("Longitudinal", self._accel_mps2)
        self.top_kmh = max(self.top_kmh, self._speed_kmh)
        if "TraveledDistance" in values:
            self._start_m = values["TraveledDistance"] if self._start_m is None else self._start_m
            self.distance_m = max(0.0, values["TraveledDistance"] - self._start_m)

    def _pass(self, span_s):
        if span_s <= 0.0:
            return
        self.time_s += span_s
        speed_mps = self._speed_kmh / 3.6
        if speed_mps < 0.3:
            self.standing_s += span_s
        energy_j = self._power_w * span_s
        if energy_j >= 0.0:
            self.used_j += energy_j
        else:
            self.back_j -= energy_j
        easy_mps = EASY_KMH / 3.6
        if speed_mps > easy_mps:
            more_n = 0.5 * AIR_KG_M3 * DRAG_AREA_M2 * (speed_mps**2 - easy_mps**2)
            self.fast_j += more_n * speed_mps * span_s
        if self._accel_mps2 < HARD_MPS2:
            more = self._accel_mps2 - HARD_MPS2
            self.hard_j += -more * MASS_KG * speed_mps * span_s * (1.0 - BACK)

    @property
    def net_kwh(self):
        """Out of the battery, what came back taken off."""
        return (self.used_j - self.back_j) / JOULE_PER_KWH

    @property
    def per_100_km(self):
        """Consumption in kWh; None on the first metres."""
        return None if self.distance_m < 200.0 else self.net_kwh / self.distance_m * 1e5

    def advice(self):
        """The one thing that would have saved most, in words; empty where nothing is worth a word."""
        found = [
            (self.fast_j, f"Above {EASY_KMH:.0f} km/h the air took {{:.2f}} kWh more"),
            (self.hard_j, "Earlier, softer braking would have kept {:.2f} kWh"),
        ]
        joule, words = max(found)
        if joule < 0.02 * max(self.used_j, 1.0) or joule < 0.01 * JOULE_PER_KWH:
            return ""
        return words.format(joule / JOULE_PER_KWH)

    def record(self):
        """For what is kept, as one line of text."""
        each = "-" if self.per_100_km is None else f"{self.per_100_km:.1f}"
        return (
            f"{self.distance_m / 1000.0:.1f} km, {self.time_s / 60.0:.0f} min, "
            f"{self.net_kwh:.2f} kWh, {each} kWh/100 km, top {self.top_kmh:.0f} km/h"
        )
