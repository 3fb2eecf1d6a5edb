"""The door for people: the management API under `/api/v1`, its OpenAPI at `/api/schema`, and the console."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from litestar import Litestar, MediaType, get
from litestar.datastructures import MutableScopeHeaders, State
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler, Message, Scope

from volant import __version__
from volant.cloud.api_guard import Guard, say_error
from volant.cloud.api_routes import routes
from volant.cloud.api_upload import send_file
from volant.cloud.desk import Desk

BODY_MOST_BYTES: Final = 512 * 1024
"""Of everything but files of releases."""
HEADERS: Final = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def _no_console(how_built: str) -> HTTPRouteHandler:
    @get("/", media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
    def words() -> str:
        hint = f": {how_built}" if how_built else ""
        return (
            f"The console of this fleet is not built here{hint}.\n"
            "The API is below /api/v1, and /api/schema describes it.\n"
        )

    return words


def people_app(desk: Desk, static: Path | None, how_built: str = "") -> Litestar:
    """The application (ASGI).

    Args:
        desk: what it is a skin over.
        static: folder of the console, with `index.html`; None: there is none.
        how_built: how one gets a console, for who comes to `/` where there is none.
    """
    pages: list[ControllerRouterHandler] = []
    if static is not None and static.is_dir():
        pages.append(create_static_files_router(path="/", directories=[static], html_mode=True))
    else:
        pages.append(_no_console(how_built))
    return Litestar(
        route_handlers=[routes(send_file), *pages],
        state=State({"guard": Guard(desk)}),
        exception_handlers={Exception: say_error},
        request_max_body_size=BODY_MOST_BYTES,
        before_send=[_put_headers],
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="Volant fleet",
            version=__version__,
            description="What people and their programs do with a fleet. Times are Unix seconds.",
            path="/api/schema",
            render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
            use_handler_docstrings=True,
            security=[{"token": []}],
            components=Components(
                security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}
            ),
        ),
    )


async def _put_headers(message: Message, _: Scope) -> None:
    """To every answer, errors and pages too."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, text in HEADERS.items():
            headers[name] = text
