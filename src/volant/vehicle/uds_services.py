"""Services of a UDS server beside sessions and trouble codes: data, security, routines, download.

Each is a step from a request to the state to keep and an answer; the order of checks is that of the
figures of ISO 14229-1:2020 for the service. General checks were made before, by `uds_server`.
"""

from __future__ import annotations

import hmac
from dataclasses import replace

from volant.vehicle.uds_config import Ask, Download, Routine, Told, conditions, refused
from volant.wire.uds import Did, Nrc, RoutineStep, Sid


def read_data(ask: Ask) -> Told:
    """0x22: one or more data identifiers (figure 19). The server itself knows F186, its session."""
    asked = ask.data[1:]
    if not asked or len(asked) % 2 or len(asked) > 2 * ask.config.max_dids:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    answer = bytearray()
    denied = False
    for at in range(0, len(asked), 2):
        did = int.from_bytes(asked[at : at + 2], "big")
        if did == Did.ACTIVE_SESSION:
            answer += asked[at : at + 2] + bytes((ask.state.session,))
            continue
        found = ask.config.dids.get(did)
        if found is None or found.read is None or ask.state.session not in found.read_sessions:
            continue
        if not _open(ask, found.read_level):
            denied = True
            continue
        answer += asked[at : at + 2] + found.read()
    if denied:
        return refused(ask, Nrc.SECURITY_ACCESS_DENIED)
    if not answer:
        return refused(ask, Nrc.REQUEST_OUT_OF_RANGE)
    if len(answer) + 1 > ask.config.max_response:
        return refused(ask, Nrc.RESPONSE_TOO_LONG)
    return Told(ask.state, bytes(answer))


def write_data(ask: Ask) -> Told:
    """0x2E: one data identifier (figure 24)."""
    if len(ask.data) < 4:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    found = ask.config.dids.get(int.from_bytes(ask.data[1:3], "big"))
    record = ask.data[3:]
    if found is None or found.write is None or ask.state.session not in found.write_sessions:
        return refused(ask, Nrc.REQUEST_OUT_OF_RANGE)
    if found.write_length and len(record) != found.write_length:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    if not _open(ask, found.write_level):
        return refused(ask, Nrc.SECURITY_ACCESS_DENIED)
    if (nrc := conditions(ask, Sid.WRITE_DATA, int.from_bytes(ask.data[1:3], "big"))) is not None:
        return refused(ask, nrc)
    nrc = found.write(record)
    return Told(ask.state, ask.data[1:3] if nrc is None else nrc)


def security(ask: Ask) -> Told:
    """0x27: seed and key (figures 16 and 17). A seed is good for one key."""
    asks_seed = bool(ask.sub & 1)
    level = ask.sub if asks_seed else ask.sub - 1
    if asks_seed:
        return _seed(ask, level)
    state = ask.state
    expected = state.seed
    if expected is None or state.seed_level != level:
        return refused(ask, Nrc.REQUEST_SEQUENCE_ERROR)
    key = ask.config.security[level].key(expected)
    if len(ask.data) != 2 + len(key):
        return refused(ask, Nrc.INCORRECT_LENGTH)
    used = replace(state, seed=None, seed_level=0)
    if hmac.compare_digest(key, ask.data[2:]):
        return Told(replace(used, unlocked=level, attempts=0), bytes((ask.sub,)))
    attempts = state.attempts + 1
    if attempts < ask.config.max_attempts:
        return Told(replace(used, attempts=attempts), Nrc.INVALID_KEY)
    until_ns = ask.now_ns + ask.config.delay_ns
    return Told(replace(used, attempts=0, locked_until_ns=until_ns), Nrc.EXCEEDED_ATTEMPTS)


def _seed(ask: Ask, level: int) -> Told:
    if len(ask.data) != 2:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    state = ask.state
    if ask.now_ns < state.locked_until_ns:
        return refused(ask, Nrc.DELAY_NOT_EXPIRED)
    seed = ask.config.security[level].seed()
    if not any(seed):
        raise ValueError("a seed of zeros means that the level is open")
    head = bytes((ask.sub,))
    if state.unlocked == level:
        return Told(state, head + bytes(len(seed)))
    return Told(replace(state, seed=seed, seed_level=level), head + seed)


def routine(ask: Ask) -> Told:
    """0x31: start, stop or ask a routine (figure 27)."""
    if len(ask.data) < 4:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    number = int.from_bytes(ask.data[2:4], "big")
    option = ask.data[4:]
    found = ask.config.routines.get(number)
    if found is None or ask.state.session not in found.sessions:
        return refused(ask, Nrc.REQUEST_OUT_OF_RANGE)
    if not _open(ask, found.level):
        return refused(ask, Nrc.SECURITY_ACCESS_DENIED)
    act = {
        RoutineStep.START: found.start,
        RoutineStep.STOP: found.stop,
        RoutineStep.RESULTS: found.results,
    }[RoutineStep(ask.sub)]
    if act is None:
        return refused(ask, Nrc.SUB_FUNCTION_NOT_SUPPORTED)
    if not _option_fits(found, len(option), ask.sub):
        return refused(ask, Nrc.INCORRECT_LENGTH)
    if (nrc := conditions(ask, Sid.ROUTINE, number)) is not None:
        return refused(ask, nrc)
    head = bytes((ask.sub,)) + ask.data[2:4]
    answer = act(option)
    return Told(ask.state, head + answer if isinstance(answer, bytes) else answer, head)


def _option_fits(found: Routine, length: int, sub: int) -> bool:
    if sub != RoutineStep.START:
        return length == 0
    if found.option_most:
        return 1 <= length <= found.option_most
    return length == found.option_length


def download(ask: Ask) -> Told:
    """0x34: begin a download (figure 30); forms of data that nobody takes are refused."""
    data, state = ask.data, ask.state
    address_width, size_width = (data[2] & 0x0F, data[2] >> 4) if len(data) > 2 else (0, 0)
    if len(data) < 5:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    if not 1 <= address_width <= 5 or not 1 <= size_width <= 4:
        return refused(ask, Nrc.REQUEST_OUT_OF_RANGE)
    if len(data) != 3 + address_width + size_width:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    address = int.from_bytes(data[3 : 3 + address_width], "big")
    size = int.from_bytes(data[3 + address_width :], "big")
    if (data[1] and data[1] not in ask.config.flash_forms) or size == 0:
        return refused(ask, Nrc.REQUEST_OUT_OF_RANGE)
    if not _open(ask, ask.config.flash_level):
        return refused(ask, Nrc.SECURITY_ACCESS_DENIED)
    if (nrc := conditions(ask, Sid.DOWNLOAD, address)) is not None or state.download is not None:
        return refused(ask, nrc or Nrc.CONDITIONS_NOT_CORRECT)
    assert ask.config.flash is not None
    begin = ask.config.flash_forms[data[1]] if data[1] else ask.config.flash.begin
    if (nrc := begin(address, size)) is not None:
        return refused(ask, nrc)
    head = b"\x20" + ask.config.block_length.to_bytes(2, "big")
    return Told(replace(state, download=Download(address, size)), head)


def transfer(ask: Ask) -> Told:
    """0x36: the next block (figure 34). The last block may come again, as its answer may have been lost."""
    under_way, flash = ask.state.download, ask.config.flash
    if len(ask.data) < 2 or len(ask.data) > ask.config.block_length:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    if under_way is None or flash is None:
        return refused(ask, Nrc.REQUEST_SEQUENCE_ERROR)
    if (nrc := conditions(ask, Sid.TRANSFER, under_way.address)) is not None:
        return refused(ask, nrc)
    counter, block = ask.data[1], ask.data[2:]
    if under_way.blocks and counter == under_way.counter and block == under_way.last:
        return Told(ask.state, bytes((counter,)))
    if counter != under_way.counter + 1 & 0xFF:
        return refused(ask, Nrc.WRONG_BLOCK_COUNTER)
    if not block:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    if under_way.at + len(block) > under_way.size:
        return refused(ask, Nrc.TRANSFER_SUSPENDED)
    if (nrc := flash.write(under_way.at, block)) is not None:
        return refused(ask, nrc)
    taken = Download(
        under_way.address,
        under_way.size,
        under_way.at + len(block),
        counter,
        under_way.blocks + 1,
        block,
    )
    return Told(replace(ask.state, download=taken), bytes((counter,)))


def transfer_exit(ask: Ask) -> Told:
    """0x37: end a download that came whole (figure 36)."""
    if len(ask.data) != 1:
        return refused(ask, Nrc.INCORRECT_LENGTH)
    under_way, flash = ask.state.download, ask.config.flash
    if under_way is None or flash is None or under_way.at != under_way.size:
        return refused(ask, Nrc.REQUEST_SEQUENCE_ERROR)
    if (nrc := conditions(ask, Sid.TRANSFER_EXIT, under_way.address)) is not None:
        return refused(ask, nrc)
    return Told(replace(ask.state, download=None), flash.finish())


def _open(ask: Ask, level: int | None) -> bool:
    return level is None or ask.state.unlocked == level
