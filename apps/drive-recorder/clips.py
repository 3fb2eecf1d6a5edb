"""Which seconds are worth keeping: a ring of what was said, and clips cut from it. Pure, bounded in memory."""

BEFORE_S = 15.0
AFTER_S = 5.0
LONGEST_S = 60.0
RING_MOST = 20_000
HARD_MPS2 = -4.0
EVENTS = ("braking", "takeover", "emergency-braking", "impact")
"""A clip of several is named after the last of these."""
IMPACT_MPS2 = 20.0
"""Harder than any tyre can brake: something was hit."""
_SPEED = "Vehicle.Speed"
_ACCEL = "Vehicle.Acceleration.Longitudinal"
_LATERAL = "Vehicle.Acceleration.Lateral"
_EBA = "Vehicle.ADAS.EBA.IsEngaged"
_STATE = "Vehicle.ADAS.Pilot.State"
_ASKED = "Vehicle.ADAS.Pilot.Takeover.IsRequested"
_FELT = "Vehicle.Body.Impact.Count"
_STRUCK = "Vehicle.Body.Impact.ClosingSpeed"


def event_of(path, value, before):
    """The event that a change begins, by its name; empty: none."""
    if path == _FELT and before is not None and value > before:
        return "impact"
    if path in (_ACCEL, _LATERAL) and abs(value) >= IMPACT_MPS2:
        return "impact"
    if path == _ACCEL and value <= HARD_MPS2 and not (before is not None and before <= HARD_MPS2):
        return "braking"
    if path == _EBA and value and not before:
        return "emergency-braking"
    if path == _ASKED and value and not before:
        return "takeover"
    if path == _STATE and value in ("takeover", "minimal_risk") and value != before:
        return "takeover"
    return ""


class Recorder:
    """The last seconds, and at most one open clip."""

    def __init__(self):
        self.ring = []
        """(time in s, path, value), oldest first."""
        self.last = {}
        self.stood = {}
        """Values as they stood before the ring begins."""
        self.clip = None
        self.event, self.began_s, self._ends_s = "", 0.0, 0.0

    def take(self, at_s, path, value):
        """Take one change in; gives a finished clip: (event, when it began in s, rows), else None."""
        done = self.turn(at_s)
        row = (round(at_s, 3), path, value)
        self.ring.append(row)
        if len(self.ring) > RING_MOST:
            self._forget(RING_MOST // 4)
        event = event_of(path, value, self.last.get(path))
        self.last[path] = value
        if self.clip is not None:
            self.clip.append(row)
            if event:
                self.event = max(self.event, event, key=EVENTS.index)
                self._ends_s = min(at_s + AFTER_S, self.began_s + LONGEST_S)
        elif event:
            self.event, self.began_s, self._ends_s = event, at_s, at_s + AFTER_S
            from_s = at_s - BEFORE_S
            stood = self.stood | {path: value for at, path, value in self.ring if at < from_s}
            self.clip = [(round(from_s, 3), path, value) for path, value in sorted(stood.items())]
            self.clip += [one for one in self.ring if one[0] >= from_s]
        return done

    def _forget(self, count):
        self.stood.update((path, value) for _, path, value in self.ring[:count])
        del self.ring[:count]

    def turn(self, at_s):
        """Time passes: a clip that is over is given."""
        while self.ring and self.ring[0][0] < at_s - 2.0 * BEFORE_S:
            self._forget(max(1, len(self.ring) // 10))
        if self.clip is None or at_s < self._ends_s:
            return None
        return self.end()

    def end(self):
        """Give the open clip as it is; None: there is none."""
        if self.clip is None:
            return None
        done = self.event, self.began_s, self.clip
        self.clip = None
        return done


def text_of(rows, began_s):
    """A clip as CSV: seconds from the event, and each signal as it stood then; a row for each change."""
    paths = sorted({path for _, path, _ in rows})
    lines = [",".join(["seconds", *(path.removeprefix("Vehicle.") for path in paths)])]
    now, at_s = {}, None
    for row_s, path, value in rows:
        if at_s is not None and row_s != at_s:
            lines.append(_line(at_s - began_s, now, paths))
        at_s = row_s
        now[path] = value
    if at_s is not None:
        lines.append(_line(at_s - began_s, now, paths))
    return "\n".join(lines) + "\n"


def words_of(rows, began_s):
    """A clip in a line for people."""
    speeds = [value for at_s, path, value in rows if path == _SPEED and at_s <= began_s]
    accels = [value for _, path, value in rows if path == _ACCEL]
    struck = [value for at_s, path, value in rows if path == _STRUCK and at_s >= began_s - 0.1]
    words = [f"{rows[-1][0] - rows[0][0]:.0f} s"] if rows else []
    words += [f"from {speeds[-1]:.0f} km/h"] if speeds else []
    words += [f"braked with {max(0.0, -min(accels)):.1f} m/s2"] if accels else []
    words += [f"struck at {struck[0]:.0f} km/h"] if struck else []
    return ", ".join(words)


def _line(seconds, now, paths):
    return ",".join([f"{seconds:.2f}", *(_plain(now.get(path, "")) for path in paths)])


def _plain(value):
    return (
        f"{value:.4g}"
        if isinstance(value, float)
        else str(value).replace(",", ";").replace("\n", " ")
    )
