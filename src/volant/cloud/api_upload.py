"""Files of releases over HTTP: one in each request, of any length, streamed to the disk and never held in memory."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Final

import anyio
from litestar import put
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import PathParameter, QueryParameter

from volant.cloud import views
from volant.cloud.api_guard import BusyError, Guard, Req
from volant.cloud.api_routes import WRONG, ReleaseName
from volant.cloud.desk import Desk
from volant.cloud.people import Person
from volant.core.errors import InputError, LinkError

FILE_MOST_BYTES: Final = 64 << 30
AT_ONCE: Final = 4
"""Files that are sent at once; choices of ours."""
WRITE_BYTES: Final = 1 << 20
SILENCE_MOST_S: Final = 60.0
"""A sender that is silent for so long is let go."""

FileName = Annotated[str, PathParameter(max_length=255, description="Name of the file.")]

FileHash = Annotated[
    str,
    QueryParameter(pattern="^([0-9a-f]{64})?$", description="SHA-256 that it is to have, in hex."),
]


class FileOperation(Operation):
    """Says in OpenAPI that the body is the file itself."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        content = {"application/octet-stream": OpenAPIMediaType(schema=schema)}
        self.request_body = RequestBody(content=content, required=True, description="The file.")


@put(
    "/releases/{release:str}/files/{name:str}",
    summary="Send a file of a release to come",
    responses=WRONG,
    request_max_body_size=None,
    operation_class=FileOperation,
)
async def send_file(
    request: Req, release: ReleaseName, name: FileName, sha256: FileHash = ""
) -> views.FileView:
    """The body is the file. Its SHA-256 in the answer is what the release then names it by.

    A file is there whole or not at all: one that breaks off, or is another than `sha256` says, leaves nothing.
    """
    del release  # for people who read addresses: files belong to no release until it is made
    guard: Guard = request.app.state.guard
    person = await guard.answer(request, partial(_may_send, name=name))
    if guard.files_coming >= AT_ONCE:
        raise BusyError(f"{AT_ONCE} files are sent already; come again")
    guard.files_coming += 1
    try:
        # It has no name: whoever kills this process leaves nothing of it.
        with tempfile.TemporaryFile(dir=guard.desk.scratch) as file:
            await _receive(request, guard, file)
            taken = guard.desk.take_file
            path = Path(f"/proc/self/fd/{file.fileno()}")
            return await guard.in_thread(lambda: taken(person, name, path, sha256=sha256))
    except OSError as error:
        raise LinkError(f"the file cannot be stored: {error.strerror or error}") from error
    finally:
        guard.files_coming -= 1


def _may_send(desk: Desk, person: Person, name: str) -> Person:
    desk.check_file(person, name)
    return person


async def _receive(request: Req, guard: Guard, file: IO[bytes]) -> None:
    """Put a request's body into a file."""
    length, waiting = 0, bytearray()
    async for block in _blocks(request):
        length += len(block)
        if length > FILE_MOST_BYTES:
            raise InputError(f"a file has at most {FILE_MOST_BYTES} bytes")
        waiting += block
        if len(waiting) >= WRITE_BYTES:
            await guard.in_thread(partial(file.write, bytes(waiting)))
            waiting.clear()
    wanted = request.headers.get("content-length")
    if wanted is not None and length != int(wanted):
        raise LinkError(f"{length} bytes came, {wanted} were to come")
    await guard.in_thread(partial(file.write, bytes(waiting)))
    await guard.in_thread(file.flush)


async def _blocks(request: Req) -> AsyncIterator[bytes]:
    """A body's pieces, as long as they come."""
    pieces = aiter(request.stream())
    while True:
        try:
            with anyio.fail_after(SILENCE_MOST_S):
                block = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise LinkError(f"nothing came for {SILENCE_MOST_S:.0f} s") from error
        yield block
