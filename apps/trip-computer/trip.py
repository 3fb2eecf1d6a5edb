"""The reckoning of a trip: pure, from signals with their times. Energy is counted at the battery.

The coach names what cost most above an easy drive. Its yardsticks are simple physics, with mass and size as the car
tells them: a drag coefficient of 0.26, air of 1.2 kg/m3, and what motor and battery lose either way.
"""

MASS_KG = 2200.0
AREA_M2 = 2.6
DRAG = 0.26
FRONT_SHARE = 0.85
"""Of height times width that stands in the wind."""
AIR_KG_M3 = 1.2
ROLLING = 0.009
GRAVITY_MPS2 = 9.81
FORTH = 0.9
"""Of the battery's energy that arrives at the wheels."""
BACK = 0.85
"""Of the wheels' energy that soft braking brings back."""
JOULE_PER_KWH = 3.6e6
EASY_KMH = 110.0
BRAKES_MPS2 = -0.3
HARD_MPS2 = -2.5
GAP_S = 5.0
"""A longer silence of the signals is not reckoned with."""


class Trip:
    """Sums of one trip."""

    def __init__(self, mass_kg=MASS_KG, area_m2=AREA_M2):
        self._mass_kg = mass_kg
        self._air_kg_m = 0.5 * AIR_KG_M3 * DRAG * area_m2
        self.distance_m = 0.0
        self.time_s = 0.0
        self.standing_s = 0.0
        self.used_j = 0.0
        self.back_j = 0.0
        self.top_kmh = 0.0
        self.fast_j = 0.0
        """Against the air above the easy speed, by which an easy drive would have been cheaper."""
        self.hard_j = 0.0
        """What hard braking turned into heat, and soft braking had brought back."""
        self.standing_j = 0.0
        self._phase = None
        """Of braking: hardest, what could have come back in J, what came."""
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
        if speed_mps < 0.3:
            self.standing_j += max(0.0, energy_j)
        easy_mps = EASY_KMH / 3.6
        if speed_mps > easy_mps:
            more_n = self._air_kg_m * (speed_mps**2 - easy_mps**2)
            self.fast_j += more_n * speed_mps * span_s / FORTH
        self._brake(speed_mps, span_s, energy_j)

    def _brake(self, speed_mps, span_s, energy_j):
        """Motion that braking takes, less what air and tyres take, against what the battery got."""
        if self._accel_mps2 > BRAKES_MPS2 or speed_mps < 0.3:
            self.hard_j += self._lost_j()
            self._phase = None
            return
        hardest_mps2, could_j, came_j = self._phase or (0.0, 0.0, 0.0)
        force_n = -self._accel_mps2 * self._mass_kg - ROLLING * self._mass_kg * GRAVITY_MPS2
        force_n -= self._air_kg_m * speed_mps**2
        could_j += BACK * max(0.0, force_n) * speed_mps * span_s
        came_j += max(0.0, -energy_j)
        self._phase = min(hardest_mps2, self._accel_mps2), could_j, came_j

    def _lost_j(self):
        """By the braking that goes on, where it is a hard one."""
        if self._phase is None or self._phase[0] >= HARD_MPS2:
            return 0.0
        return max(0.0, self._phase[1] - self._phase[2])

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
            (self.standing_j, "Standing took {:.2f} kWh"),
            (self.hard_j + self._lost_j(), "Earlier, softer braking would keep {:.2f} kWh or more"),
        ]
        joule, words = max(found)
        if joule < 0.02 * max(self.used_j, 1.0) or joule < 0.01 * JOULE_PER_KWH:
            return ""
        return words.format(joule / JOULE_PER_KWH)

    def card(self, reach_m):
        """Title and two lines, the first of them short enough for one; `reach_m` None: not known."""
        each = "" if self.per_100_km is None else f", {self.per_100_km:.1f} kWh/100 km"
        left = "" if reach_m is None else f"Range {reach_m / 1000.0:.0f} km"
        used = f"{self.net_kwh:.2f} kWh{each}"
        return f"Trip {self.distance_m / 1000.0:.1f} km", used[:60], (self.advice() or left)[:60]

    def record(self):
        """For what is kept, as one line of text."""
        each = "-" if self.per_100_km is None else f"{self.per_100_km:.1f}"
        return (
            f"{self.distance_m / 1000.0:.1f} km, {self.time_s / 60.0:.0f} min, "
            f"{self.net_kwh:.2f} kWh, {each} kWh/100 km, top {self.top_kmh:.0f} km/h"
        )
