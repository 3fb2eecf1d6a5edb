"""Answers as they go out: bodies, files of this machine's disk, and files that lie elsewhere, block by block."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

from volant.cloud.artifacts import Artifacts
from volant.cloud.bodies import CBOR, to_cbor
from volant.cloud.ddi import Answer, Slice
from volant.cloud.ddi.requests import HAL
from volant.cloud.limits import Seldom
from volant.core.errors import LinkError

WORDS: Final = "text/plain;charset=UTF-8"
AWAY_S: Final = 30.0
"""When to come again, at the earliest, while the database is away; up to twice as late. A choice of ours."""

T = TypeVar("T")
Run = Callable[[Callable[[], T]], Awaitable[T]]
"""Does something that waits for a database or a disk, beside the server's loop."""
Headers = list[tuple[str, str]]

_log = logging.getLogger(__name__)
_seldom = Seldom()


async def send(
    answer: Answer, scope: Any, proto: Any, artifacts: Artifacts, files: Run[Any]
) -> None:
    """Send an answer to a request as a server hands it in (RSGI 1.6).

    Raises:
        LinkError: a file that lies elsewhere breaks off; the connection then ends too early for its length.
    """
    if answer.kind == HAL and CBOR in scope.headers.get("accept", ""):
        answer = to_cbor(answer)
    headers = list(answer.headers.items())
    if answer.body or answer.file is not None:
        headers.append(("content-type", answer.kind))
    if answer.file is not None and scope.method != "HEAD":
        artifact, part = answer.file
        await _send_file(artifact.sha256, part, headers, proto, artifacts, files)
    elif answer.body:
        proto.response_bytes(answer.status, headers, answer.body)
    else:
        proto.response_empty(answer.status, headers)


async def _send_file(
    sha256: str, part: Slice, headers: Headers, proto: Any, artifacts: Artifacts, files: Run[Any]
) -> None:
    if part.end == part.begin:
        proto.response_empty(part.status, headers)
        return
    path = artifacts.path(sha256)
    if path is not None:
        proto.response_file_range(part.status, headers, str(path), part.begin, part.end)
        return
    following = partial(next, artifacts.blocks(sha256, part.begin, part.end), None)
    try:
        block = await files(following)
    except LinkError as error:
        if _seldom.lets("files", asyncio.get_running_loop().time()):
            _log.warning("files_away error=%s", error)
        away = [("retry-after", str(int(AWAY_S))), ("content-type", WORDS)]
        proto.response_str(503, away, "the files are away, come again")
        return
    stream = proto.response_stream(part.status, headers)
    while block is not None:
        await stream.send_bytes(block)
        block = await files(following)


def words(status: int, text: str) -> Answer:
    """An answer for people."""
    return Answer(status, text.encode(errors="replace"), WORDS)
