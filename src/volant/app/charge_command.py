"""`volant charge`: plug, limit, times and warmth of the live car, over the socket of its signals.

A car that sleeps is woken first. What was asked is looked for in the car's own word afterwards: what the
body does not do is said with its reason, not taken for done.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from volant.app.charge_time import parse_time
from volant.app.exits import Exit
from volant.app.power_socket import ask_car, door_of
from volant.app.say import answer, answer_json, tell
from volant.app.signal_line import SignalClient
from volant.caros.power import Wish
from volant.core.errors import LinkError, RefusedError, SettingsError
from volant.core.messages import PowerState
from volant.core.units import ZERO_CELSIUS_K

_T: Final = "Vehicle.Powertrain.TractionBattery."
_C: Final = _T + "Charging."
_K: Final = _T + "BatteryConditioning."
_P: Final = "Vehicle.Cabin.HVAC.Preconditioning."
_PORT: Final = _C + "ChargingPort.AnyPosition."
KIND: Final = _C + "Station.Kind"
POWER: Final = _C + "Station.MaxPower"
FLAP: Final = _PORT + "IsFlapOpen"
LOCK: Final = _PORT + "IsChargingCableLocked"
LIMIT: Final = _C + "ChargeLimit"
WANTED: Final = _C + "StartStopCharging"
MODE: Final = _C + "Timer.Mode"
TIME: Final = _C + "Timer.Time"
BATTERY: Final = _K + "RequestedMode"
BATTERY_TIME: Final = _K + "TargetTime"
CABIN_TIME: Final = _P + "TargetTime"
GEAR: Final = "Vehicle.Powertrain.Transmission.SelectedGear"
PARK: Final = 126
"""Of the selected gear, as VSS 6.0 numbers it."""
READ: Final = {
    "charge": _T + "StateOfCharge.Current",
    "charging": _C + "IsCharging",
    "words": _C + "Words",
    "power": _C + "AveragePower",
    "left": _C + "TimeToComplete",
    "limit": LIMIT,
    "station": KIND,
    "station_power": POWER,
    "flap": FLAP,
    "locked": LOCK,
    "timer": MODE,
    "time": TIME,
    "starts": _C + "Timer.StartTime",
    "charged": _T + "AccumulatedChargedEnergy",
    "battery": _T + "Temperature.Average",
    "conditioning": BATTERY,
    "conditioning_time": BATTERY_TIME,
    "heats": _K + "IsOngoing",
    "cabin": "Vehicle.Cabin.HVAC.AmbientAirTemperature",
    "cabin_time": CABIN_TIME,
    "cabin_active": _P + "IsActive",
}
ANSWER_S: Final = 60.0
"""A car that wakes up says its values by then, on a busy machine too."""
OBEY_S: Final = 3.0
"""What it was asked is in its own word by then."""
LOOK_S: Final = 0.1


class ChargeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Charging of the live car in the answer of `volant charge ... --json`; times are ISO 8601 in UTC."""

    charge_pct: float | None
    limit_pct: float | None
    charging: bool
    words: str
    """Why it does not charge."""
    power_w: float
    left_s: float | None
    """Until the limit is reached; null: that is not to be."""
    station: str
    """none, ac or dc."""
    station_w: float
    flap_open: bool
    locked: bool
    timer: str
    time: str
    starts: str
    """When charging will begin; empty: it does not wait."""
    charged_j: float
    """Into the battery by cable, since boot."""
    battery_k: float | None
    conditioning: str
    conditioning_time: str
    battery_heats: bool
    cabin_k: float | None
    departure: str
    """For which the cabin is made ready; empty: none."""
    cabin_active: bool


def status_command(socket: Path | None, *, as_json: bool) -> Exit:
    """Run `volant charge status`."""
    with _car(socket) as client:
        return _show(client, as_json=as_json)


def plug_command(kind: str, power_kw: float | None, socket: Path | None, *, as_json: bool) -> Exit:
    """Run `volant charge plug`."""
    if kind not in ("ac", "dc"):
        raise SettingsError(f"kind: expected ac or dc; found {kind!r}")
    with _car(socket) as client:
        _park(client)
        if not _value(client, FLAP):
            _move(client, {FLAP: True})
        power_kw = {"ac": 11.0, "dc": 50.0}[kind] if power_kw is None else power_kw
        _move(client, {KIND: kind.upper(), POWER: power_kw})
        return _show(client, as_json=as_json)


def unplug_command(socket: Path | None, *, as_json: bool) -> Exit:
    """Run `volant charge unplug`."""
    with _car(socket) as client:
        if _value(client, KIND) == "NONE":
            raise RefusedError("no cable is plugged in")
        _move(client, {LOCK: False})
        _move(client, {KIND: "NONE"})
        _move(client, {FLAP: False})
        return _show(client, as_json=as_json)


def limit_command(limit_pct: float, socket: Path | None, *, as_json: bool) -> Exit:
    """Run `volant charge limit`."""
    if limit_pct != round(limit_pct):
        raise SettingsError(f"limit: expected whole per cent; found {limit_pct:g}")
    return _do({LIMIT: round(limit_pct)}, socket, as_json=as_json)


def start_command(socket: Path | None, *, as_json: bool) -> Exit:
    """Run `volant charge start`: now, whatever a timer says."""
    return _do({MODE: "INACTIVE", WANTED: "START"}, socket, as_json=as_json)


def stop_command(socket: Path | None, *, as_json: bool) -> Exit:
    """Run `volant charge stop`."""
    return _do({WANTED: "STOP"}, socket, as_json=as_json)


def schedule_command(
    at: str | None, ready_by: str | None, socket: Path | None, *, off: bool, as_json: bool
) -> Exit:
    """Run `volant charge schedule`."""
    if (at is not None) + (ready_by is not None) + off != 1:
        raise SettingsError("schedule: expected one of --at, --ready-by and --off")
    if off:
        return _do({MODE: "INACTIVE"}, socket, as_json=as_json)
    when = parse_time(at or ready_by or "", dt.datetime.now().astimezone())
    mode = "END_TIME" if at is None else "START_TIME"
    values = {TIME: when, MODE: mode, WANTED: "START"}
    return _do(values, socket, as_json=as_json)


def prepare_command(
    by: str | None, battery: str, socket: Path | None, *, cabin: bool, off: bool, as_json: bool
) -> Exit:
    """Run `volant charge prepare`."""
    modes = {
        "no": "INACTIVE",
        "drive": "DRIVING_PREPARATION",
        "charge": "FAST_CHARGING_PREPARATION",
    }
    if battery not in modes:
        raise SettingsError(f"battery: expected {', '.join(modes)}; found {battery!r}")
    if (by is not None) + off != 1:
        raise SettingsError("prepare: expected one of --by and --off")
    if off:
        values = {CABIN_TIME: "", BATTERY: "INACTIVE", BATTERY_TIME: ""}
    else:
        now = dt.datetime.now().astimezone()
        when = parse_time(by or "", now)
        if dt.datetime.fromisoformat(when) <= now:
            raise SettingsError(f"by: {when} is over")
        values = {
            CABIN_TIME: when if cabin else "",
            BATTERY: modes[battery],
            BATTERY_TIME: "" if battery == "no" else when,
        }
    return _do(values, socket, as_json=as_json)


def _do(values: dict[str, Any], socket: Path | None, *, as_json: bool) -> Exit:
    with _car(socket) as client:
        _move(client, values)
        return _show(client, as_json=as_json)


@contextlib.contextmanager
def _car(socket: Path | None) -> Iterator[SignalClient]:
    """A client of a car that is awake and tells its values."""
    with SignalClient(socket) as client:
        path, number = client.path, client.number
    if number is not None:
        _wake(number)
    limit_s = time.monotonic() + ANSWER_S
    while True:
        with SignalClient(path) as client:
            if _tells(client):
                yield client
                return
        if time.monotonic() >= limit_s:
            raise LinkError("the car does not tell how it charges")
        time.sleep(LOOK_S)


def _tells(client: SignalClient) -> bool:
    """Whether it answers, and has heard of its own body; who has just woken up may not."""
    with contextlib.suppress(LinkError):
        return None not in (_value(client, KIND), _value(client, READ["charge"]))
    return False


def _wake(number: int) -> None:
    """Wake a car that sleeps; one whose power nobody answers for is asked as it is.

    Raises:
        RefusedError: it does not wake now.
        LinkError: it does not wake in time.
    """
    door = door_of(number)
    limit_s = time.monotonic() + ANSWER_S
    told = False
    while door.is_socket():
        reply = ask_car(door, None)
        if reply.power.state not in (PowerState.SLEEP, PowerState.WAKE):
            return
        if not told:
            reply = ask_car(door, Wish.WAKE)
            if not reply.taken:
                raise RefusedError(f"the car sleeps: {reply.words}")
            tell("the car sleeps: it is woken")
            told = True
        if time.monotonic() >= limit_s:
            raise LinkError("the car does not wake up")
        time.sleep(LOOK_S)


def _park(client: SignalClient) -> None:
    """Put a car that was left in another gear in P, as who gets out to plug in does.

    Raises:
        RefusedError: it moves, or the pilot drives.
    """
    if _value(client, GEAR) == PARK:
        return
    try:
        _move(client, {GEAR: PARK})
    except RefusedError as error:
        raise RefusedError(f"a car is plugged in in P, and it is not put in P: {error}") from error
    tell("the car was not in P: it is put in P")


def _value(client: SignalClient, path: str) -> Any:
    point = client.ask(do="get", paths=[path])[path]
    return None if point is None else point[0]


def _move(client: SignalClient, values: dict[str, Any]) -> None:
    """Ask for values, and wait until the car says that it is so.

    Raises:
        RefusedError: it is not so.
    """
    client.ask(do="set", values=values)
    limit_s = time.monotonic() + OBEY_S
    while True:
        points = client.ask(do="get", paths=list(values))
        other = [path for path, value in values.items() if not _same(points[path], value)]
        if not other:
            return
        if time.monotonic() >= limit_s:
            found = points[other[0]]
            words = f"{other[0]} is {None if found is None else found[0]!r}"
            raise RefusedError(f"the car has not done it: {words}")
        time.sleep(LOOK_S)


def _same(point: list[Any] | None, wanted: Any) -> bool:
    """Whether a signal has the value; a time in the past comes back as another one."""
    if point is None:
        return False
    found = point[0]
    if isinstance(wanted, float):
        return abs(float(found) - wanted) <= 1e-3 * max(1.0, abs(wanted))
    if isinstance(wanted, str) and wanted[:2].isdigit():
        return bool(found)
    return bool(found == wanted)


def _show(client: SignalClient, *, as_json: bool) -> Exit:
    points = client.ask(do="get", paths=list(READ.values()))
    read = {name: None if points[path] is None else points[path][0] for name, path in READ.items()}
    found = _answer_of(read)
    if as_json:
        answer_json(found)
        return Exit.DONE
    for line in _lines(found):
        answer(line)
    return Exit.DONE


def _answer_of(read: dict[str, Any]) -> ChargeAnswer:
    def kelvin(name: str) -> float | None:
        return None if read[name] is None else round(read[name] + ZERO_CELSIUS_K, 2)

    return ChargeAnswer(
        charge_pct=read["charge"],
        limit_pct=read["limit"],
        charging=bool(read["charging"]) and not read["words"],
        words=read["words"] or "",
        power_w=round(1000.0 * (read["power"] or 0.0), 1),
        left_s=read["left"],
        station=str(read["station"]).lower(),
        station_w=round(1000.0 * (read["station_power"] or 0.0), 1),
        flap_open=bool(read["flap"]),
        locked=bool(read["locked"]),
        timer=read["timer"] or "INACTIVE",
        time=read["time"] or "",
        starts=read["starts"] or "",
        charged_j=round(3.6e6 * (read["charged"] or 0.0), 1),
        battery_k=kelvin("battery"),
        conditioning=read["conditioning"] or "INACTIVE",
        conditioning_time=read["conditioning_time"] or "",
        battery_heats=bool(read["heats"]),
        cabin_k=kelvin("cabin"),
        departure=read["cabin_time"] or "",
        cabin_active=bool(read["cabin_active"]),
    )


def _lines(found: ChargeAnswer) -> Iterator[str]:
    """For people, times as the clock on this machine's wall has them."""
    yield f"battery: {found.charge_pct:.1f} %, limit {found.limit_pct:.0f} %{_warm(found.battery_k)}"
    if found.station == "none":
        yield "station: none, no cable is plugged in"
    else:
        lock = "locked" if found.locked else "not locked"
        yield f"station: {found.station.upper()}, {found.station_w / 1000:g} kW, {lock}"
    if found.charging:
        yield f"charging: {found.power_w / 1000:.1f} kW{_left(found.left_s)}"
    else:
        fed = f"; the station feeds {found.power_w / 1000:.1f} kW" if found.power_w else ""
        yield f"charging: no, {found.words}{fed}{_left(found.left_s)}"
    if found.timer != "INACTIVE":
        does = "begins" if found.timer == "START_TIME" else "is over by"
        begins = f", begins {_clock(found.starts)}" if found.starts else ""
        yield f"timer: {does} {_clock(found.time)}{begins if does != 'begins' else ''}"
    if found.conditioning != "INACTIVE":
        heats = "heats now" if found.battery_heats else "does not heat now"
        by = f" by {_clock(found.conditioning_time)}" if found.conditioning_time else ""
        yield f"battery's warmth: {found.conditioning.lower()}{by}, {heats}"
    if found.departure:
        runs = "climate runs" if found.cabin_active else "waits"
        yield f"cabin: ready by {_clock(found.departure)}, {runs}{_warm(found.cabin_k)}"


def _warm(kelvin: float | None) -> str:
    return "" if kelvin is None else f", {kelvin - ZERO_CELSIUS_K:.0f} degrees Celsius"


def _left(left_s: float | None) -> str:
    if left_s is None:
        return ""
    minutes = round(left_s / 60.0)
    return f", limit in {minutes // 60} h {minutes % 60:02d} min"


def _clock(text: str) -> str:
    with contextlib.suppress(ValueError):
        at = dt.datetime.fromisoformat(text).astimezone()
        today = at.date() == dt.datetime.now().astimezone().date()
        return f"{at:%H:%M}" if today else f"{at:%a %d %b %H:%M}"
    return text


__all__ = [
    "ChargeAnswer", "limit_command", "plug_command", "prepare_command", "schedule_command", "start_command",
    "status_command", "stop_command", "unplug_command",
]  # fmt: skip
