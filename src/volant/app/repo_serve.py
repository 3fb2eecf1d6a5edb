"""`volant repo serve`: both repositories of a folder over HTTP, a director that hears manifests, and signed time.

Enough to update one car from a folder. Keys are never served: only `director/metadata`, `image/metadata` and
`image/targets` are.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from volant.app.exits import Exit
from volant.app.repo_folder import RepoFolder
from volant.app.say import tell
from volant.caros.apps.store import write_whole
from volant.core.errors import InputError, TrustError
from volant.trust.uptane import attest, read_manifest
from volant.trust.uptane.manifest import MANIFEST_MOST_BYTES
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.secure_time import MOST_BYTES, NONCES_MOST, Nonce

HEARD: Final = "heard.json"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the source of time."""

    nonces: tuple[Nonce, ...]


def serve_command(folder: Path, host: str, port: int) -> Exit:
    """Run `volant repo serve` until a signal comes."""
    repo = RepoFolder(folder)
    repo.inventory()
    tell(f"repositories of {folder} at http://{host}:{port}/ (Ctrl-C ends)")
    uvicorn.run(repo_app(repo), host=host, port=port, log_level="warning", access_log=False)
    return Exit.DONE


def repo_app(repo: RepoFolder) -> Starlette:
    """What is served."""

    async def manifest(request: Request) -> Response:
        try:
            data = await _body(request, MANIFEST_MOST_BYTES)
            heard = read_manifest(data, repo.inventory(), _counters(repo))
        except (InputError, TrustError) as error:
            status = 403 if isinstance(error, TrustError) else 400
            return JSONResponse({"error": str(error)}, status)
        write_whole(repo.path / HEARD, json.dumps(heard.counters).encode())
        runs = {one.ecu_id: one.name for one in heard.installed}
        return JSONResponse({"runs": runs, "attacks": dict(heard.attacks)})

    async def signed_time(request: Request) -> Response:
        key = repo.key("time")
        if key is None:
            return JSONResponse({"error": "no key of time is here"}, 503)
        try:
            data = await _body(request, MOST_BYTES)
            nonces = msgspec.json.decode(data, type=Question).nonces
        except (InputError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        if not 0 < len(nonces) <= NONCES_MOST:
            return JSONResponse({"error": f"1 to {NONCES_MOST} nonces"}, 400)
        return Response(attest(int(time.time()), nonces, key), media_type="application/json")

    return Starlette(
        routes=[
            Route("/director/manifest", manifest, methods=["POST"]),
            Route("/time", signed_time, methods=["POST"]),
            Mount("/director/metadata", StaticFiles(directory=repo.metadata(DIRECTOR))),
            Mount("/image/metadata", StaticFiles(directory=repo.metadata(IMAGE))),
            Mount("/image/targets", StaticFiles(directory=repo.images)),
        ]
    )


async def _body(request: Request, most_bytes: int) -> bytes:
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > most_bytes:
            raise InputError(f"more than {most_bytes} bytes")
    return bytes(found)


def _counters(repo: RepoFolder) -> dict[str, int]:
    """Last counter of each control unit."""
    path = repo.path / HEARD
    if not path.is_file():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except msgspec.MsgspecError as error:
        raise InputError(f"no counters: {error}", file=str(path)) from error
