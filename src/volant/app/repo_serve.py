"""`volant repo serve`: both repositories of a folder over HTTP, a director that hears manifests, and signed time.

Enough to update a few cars from a folder; those but the first have their director at `cars/VEHICLE/director`. Keys
are never served: only `metadata` of the directors, `image/metadata` and `image/targets` are.
"""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from volant.app.exits import Exit
from volant.app.repo_folder import CARS, RepoFolder
from volant.app.repo_heard import HeardCar, HeardUnit, read_heard, write_heard
from volant.app.say import tell
from volant.core.errors import InputError, TrustError
from volant.trust.uptane import attest, read_manifest
from volant.trust.uptane.manifest import MANIFEST_MOST_BYTES
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.secure_time import MOST_BYTES, NONCES_MOST, Nonce


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the source of time."""

    nonces: tuple[Nonce, ...]


def serve_command(folder: Path, host: str, port: int) -> Exit:
    """Run `volant repo serve` until a signal comes.

    Raises:
        InputError: the folder is none, or nobody can listen there.
    """
    with RepoFolder(folder).held() as repo:
        repo.inventory()
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise InputError(f"http://{host}:{port}/: {error.strerror or error}") from error
    with listening, contextlib.suppress(KeyboardInterrupt):
        number = listening.getsockname()[1]
        tell(f"repositories of {folder} at http://{host}:{number}/ (Ctrl-C ends)")
        config = uvicorn.Config(repo_app(repo), log_level="warning", access_log=False)
        uvicorn.Server(config).run([listening])
    return Exit.DONE


def repo_app(repo: RepoFolder) -> Starlette:
    """What is served: of the cars that the folder has now."""

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
            Route("/time", signed_time, methods=["POST"]),
            *(route for car in repo.cars() for route in _director(car)),
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


def _director(car: RepoFolder) -> list[BaseRoute]:
    """A car's director: what it says, and what it hears."""

    async def manifest(request: Request) -> Response:
        try:
            data = await _body(request, MANIFEST_MOST_BYTES)
            heard = read_manifest(data, car.inventory(), read_heard(car.home).counters)
        except (InputError, TrustError) as error:
            status = 403 if isinstance(error, TrustError) else 400
            return JSONResponse({"error": str(error)}, status)
        units = {ecu_id: HeardUnit.of(one) for ecu_id, one in heard.reports.items()}
        write_heard(car.home, HeardCar(at_s=time.time(), units=units))
        runs = {one.ecu_id: one.name for one in heard.installed}
        return JSONResponse({"runs": runs, "attacks": dict(heard.attacks)})

    home = f"/{CARS}/{car.vehicle}" if car.vehicle else ""
    return [
        Route(f"{home}/director/manifest", manifest, methods=["POST"]),
        Mount(f"{home}/director/metadata", StaticFiles(directory=car.metadata(DIRECTOR))),
    ]
