"""A UDS server (ISO 14229-1:2020) as a step without I/O: a request and the time in, answers out.

General checks in the standard's order (figures 5 to 7), sessions with S3, `response pending` for long work,
silence where functional addressing or the suppress bit asks for it. `step` never raises on what a tester
sends. Whoever carries the bytes (`caros/diagnostics`, or code of your own) keeps the state and calls `poll`
when `next_due_ns` has come. Testers are told apart by a name, so that one cannot use another's session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from volant.vehicle.uds_config import (
    ANY_SESSION,
    BEYOND_DEFAULT,
    MS,
    PROGRAMMING_ONLY,
    Ask,
    Handler,
    Later,
    Pending,
    ServerConfig,
    Told,
    UdsState,
    conditions,
    refused,
)
from volant.vehicle.uds_dtc import clear_dtc, dtc_setting, read_dtc
from volant.vehicle.uds_services import (
    download,
    read_data,
    routine,
    security,
    transfer,
    transfer_exit,
    write_data,
)
from volant.wire.uds import (
    POSITIVE,
    SILENT_WHEN_FUNCTIONAL,
    SUPPRESS,
    DtcReport,
    Nrc,
    RoutineStep,
    Session,
    Sid,
    negative,
    session_response,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step gives: the state to keep and answers to send in order."""

    state: UdsState
    responses: tuple[bytes, ...] = ()
    reset: int = 0
    """Kind of a reset to make once the answer has left; 0: none."""


def step(
    state: UdsState,
    request: bytes,
    config: ServerConfig,
    now_ns: int,
    *,
    functional: bool = False,
    tester: str = "",
) -> Outcome:
    """Answer one request; an empty one is not answered."""
    state = _expired(state, config, now_ns)
    if not request:
        return Outcome(state)
    sid = request[0]
    if _keeps_alive(request):
        return Outcome(_fed(state, config, now_ns, tester))
    if state.pending is not None or (
        state.session != Session.DEFAULT and state.tester not in ("", tester)
    ):
        silent = functional and sid not in SERVICES
        return Outcome(state, () if silent else (negative(sid, Nrc.BUSY_REPEAT_REQUEST),))
    told = _checked(state, request, config, now_ns)
    kept = _fed(told.state, config, now_ns, tester)
    if kept.session != Session.DEFAULT and not kept.tester:
        kept = replace(kept, tester=tester)
    return _answered(kept, request, told, config, now_ns, functional=functional, tester=tester)


def poll(state: UdsState, config: ServerConfig, now_ns: int) -> Outcome:
    """Do what is due without a request: end a session, go on with long work. Answers go to who waits."""
    state = _expired(state, config, now_ns)
    waits = state.pending
    if waits is None:
        return Outcome(state)
    answer: bytes | Nrc | None = waits.later.poll(now_ns)
    if answer is None and now_ns >= waits.give_up_ns:
        answer = Nrc.GENERAL_REJECT
    if answer is None:
        if now_ns < waits.remind_ns:
            return Outcome(state)
        again = replace(waits, remind_ns=now_ns + _reminder_ns(config))
        return Outcome(replace(state, pending=again), (negative(waits.sid, Nrc.RESPONSE_PENDING),))
    done = replace(state, pending=None, session_due_ns=now_ns + config.s3_ns)
    if isinstance(answer, Nrc):
        return Outcome(done, (negative(waits.sid, answer),))
    return Outcome(done, (bytes((waits.sid + POSITIVE,)) + waits.head + answer,))


def next_due_ns(state: UdsState) -> int | None:
    """When `poll` has something to do; long work, and what `permit` may end, is asked each time: due at once."""
    if state.pending is not None or _acts(state):
        return 0
    return state.session_due_ns if state.session != Session.DEFAULT else None


def offered(config: ServerConfig) -> frozenset[int]:
    """Services that a server with this configuration supports."""
    return frozenset(sid for sid, service in SERVICES.items() if service.offers(config))


def _keeps_alive(request: bytes) -> bool:
    """`Tester present` that wants no answer is taken at any time, also while long work runs."""
    return request == bytes((Sid.TESTER_PRESENT, SUPPRESS))


def _fed(state: UdsState, config: ServerConfig, now_ns: int, tester: str) -> UdsState:
    if state.session == Session.DEFAULT or state.tester not in ("", tester):
        return state
    return replace(state, session_due_ns=now_ns + config.s3_ns)


def _expired(state: UdsState, config: ServerConfig, now_ns: int) -> UdsState:
    """End a session that is over, or whose acts are permitted no longer: the car has driven off meanwhile."""
    if state.session == Session.DEFAULT or state.pending is not None:
        return state
    over = now_ns >= state.session_due_ns or (
        config.permit is not None
        and any(config.permit(sid, what) is not None for sid, what in _acts(state))
    )
    return _default(state, config) if over else state


def _acts(state: UdsState) -> tuple[tuple[Sid, int], ...]:
    """What lasts of a tester's acts, as `permit` is asked for it."""
    acts: list[tuple[Sid, int]] = []
    if state.session == Session.PROGRAMMING:
        acts.append((Sid.SESSION, int(Session.PROGRAMMING)))
    if not state.records_faults:
        acts.append((Sid.DTC_SETTING, 2))
    if not (state.sends and state.receives):
        acts.append((Sid.COMMUNICATION, 3))
    return tuple(acts)


def _default(state: UdsState, config: ServerConfig) -> UdsState:
    """Back in the default session: all that a session opened or switched off is undone (clause 10.2.1)."""
    if config.faults is not None:
        config.faults.recording = True
    return UdsState(attempts=state.attempts, locked_until_ns=state.locked_until_ns)


def _reminder_ns(config: ServerConfig) -> int:
    """`Response pending` goes out well before P2* is over."""
    return config.p2_star_ms * MS * 7 // 10


def _checked(state: UdsState, request: bytes, config: ServerConfig, now_ns: int) -> Told:
    """General checks in the order of figures 5 and 6, then the service."""
    service = SERVICES.get(request[0])
    ask = Ask(state, request, 0, config, now_ns)
    if service is None or not service.offers(config):
        return refused(ask, Nrc.SERVICE_NOT_SUPPORTED)
    if state.session not in service.sessions:
        return refused(ask, Nrc.SERVICE_NOT_IN_SESSION)
    if service.subs is not None:
        if len(request) < 2:
            return refused(ask, Nrc.INCORRECT_LENGTH)
        ask = Ask(state, request, request[1] & ~SUPPRESS, config, now_ns)
        sessions = service.subs(config).get(ask.sub)
        if sessions is None:
            return refused(ask, Nrc.SUB_FUNCTION_NOT_SUPPORTED)
        if state.session not in sessions:
            return refused(ask, Nrc.SUB_FUNCTION_NOT_IN_SESSION)
    return service.handle(ask)


def _answered(
    state: UdsState,
    request: bytes,
    told: Told,
    config: ServerConfig,
    now_ns: int,
    *,
    functional: bool,
    tester: str,
) -> Outcome:
    sid, answer = request[0], told.answer
    if isinstance(answer, Later):
        done = answer.poll(now_ns)
        if done is None:
            due_ns, give_up_ns = now_ns + _reminder_ns(config), now_ns + config.work_max_ns
            waits = Pending(sid, tester, answer, due_ns, give_up_ns, told.head)
            pending = negative(sid, Nrc.RESPONSE_PENDING)
            return Outcome(replace(state, pending=waits), (pending,))
        answer = told.head + done if isinstance(done, bytes) else done
    if isinstance(answer, Nrc):
        silent = functional and answer in SILENT_WHEN_FUNCTIONAL
        return Outcome(state, () if silent else (negative(sid, answer),))
    reset = request[1] & ~SUPPRESS if sid == Sid.RESET else 0
    suppressed = SERVICES[sid].subs is not None and request[1] & SUPPRESS
    positive = () if suppressed else (bytes((sid + POSITIVE,)) + answer,)
    return Outcome(state, positive, reset)


def _session(ask: Ask) -> Told:
    """0x10. A change locks security and ends a download; the default session undoes all."""
    if len(ask.data) != 2:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    if (nrc := conditions(ask, Sid.SESSION, ask.sub)) is not None:
        return refused(ask, nrc)
    if ask.sub == Session.DEFAULT:
        state = _default(ask.state, ask.config)
    else:
        state = replace(ask.state, session=ask.sub, unlocked=None, seed=None, download=None)
    answer = session_response(ask.sub, ask.config.p2_ms, ask.config.p2_star_ms)
    return Told(state, answer[1:])


def _reset(ask: Ask) -> Told:
    """0x11. The unit is as after power-on; the caller makes the reset when the answer has left."""
    if len(ask.data) != 2:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    if (nrc := conditions(ask, Sid.RESET, ask.sub)) is not None:
        return refused(ask, nrc)
    return Told(_default(ask.state, ask.config), bytes((ask.sub,)))


def _tester_present(ask: Ask) -> Told:
    """0x3E: S3 begins anew, as with any request."""
    if len(ask.data) != 2:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    return Told(ask.state, bytes((ask.sub,)))


def _communication(ask: Ask) -> Told:
    """0x28: normal (01), network management (02) or both (03) messages; on this network only."""
    if len(ask.data) != 3:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    if not 1 <= ask.data[2] <= 3:
        return refused(ask, Nrc.REQUEST_OUT_OF_RANGE)
    if (nrc := conditions(ask, Sid.COMMUNICATION, ask.sub)) is not None:
        return refused(ask, nrc)
    state = ask.state
    if ask.data[2] & 1:
        state = replace(state, receives=ask.sub in (0, 1), sends=ask.sub in (0, 2))
    return Told(state, bytes((ask.sub,)))


Subs = Callable[[ServerConfig], dict[int, frozenset[int]]]


@dataclass(frozen=True, slots=True)
class _Service:
    handle: Handler
    offers: Callable[[ServerConfig], bool]
    sessions: frozenset[int] = ANY_SESSION
    subs: Subs | None = None
    """Sub-functions with the sessions in which they are allowed; None: the service has none."""


def _always(_config: ServerConfig) -> bool:
    return True


def _has_flash(config: ServerConfig) -> bool:
    return config.flash is not None


def _has_faults(config: ServerConfig) -> bool:
    return config.faults is not None


def _each(*subs: int) -> Subs:
    listed = dict.fromkeys(subs, ANY_SESSION)
    return lambda _config: listed


def _levels(config: ServerConfig) -> dict[int, frozenset[int]]:
    return {
        sub: level.sessions
        for number, level in config.security.items()
        for sub in (number, number + 1)
    }


SERVICES: Final[dict[int, _Service]] = {
    Sid.SESSION: _Service(_session, _always, subs=lambda config: dict(config.sessions)),
    Sid.RESET: _Service(
        _reset,
        lambda config: bool(config.resets),
        subs=lambda config: dict.fromkeys(config.resets, ANY_SESSION),
    ),
    Sid.CLEAR_DTC: _Service(clear_dtc, _has_faults),
    Sid.READ_DTC: _Service(read_dtc, _has_faults, subs=_each(*DtcReport)),
    Sid.READ_DATA: _Service(read_data, _always),
    Sid.SECURITY: _Service(
        security, lambda config: bool(config.security), BEYOND_DEFAULT, subs=_levels
    ),
    Sid.COMMUNICATION: _Service(
        _communication,
        lambda config: config.controls_communication,
        BEYOND_DEFAULT,
        subs=_each(0, 1, 2, 3),
    ),
    Sid.WRITE_DATA: _Service(
        write_data, lambda config: any(did.write for did in config.dids.values())
    ),
    Sid.ROUTINE: _Service(routine, lambda config: bool(config.routines), subs=_each(*RoutineStep)),
    Sid.DOWNLOAD: _Service(download, _has_flash, PROGRAMMING_ONLY),
    Sid.TRANSFER: _Service(transfer, _has_flash, PROGRAMMING_ONLY),
    Sid.TRANSFER_EXIT: _Service(transfer_exit, _has_flash, PROGRAMMING_ONLY),
    Sid.TESTER_PRESENT: _Service(_tester_present, _always, subs=_each(0)),
    Sid.DTC_SETTING: _Service(dtc_setting, _has_faults, BEYOND_DEFAULT, subs=_each(1, 2)),
}
"""Services in the order of their numbers."""
