"""The door for people: the management API under `/api/v1`, its OpenAPI at `/api/schema`, and the console."""

from __future__ import annotations

from pathlib import Path

from litestar import Litestar

from volant.cloud.desk import Desk


def people_app(desk: Desk, static: Path | None) -> Litestar:
    """The application (ASGI).

    Args:
        desk: what it is a skin over.
        static: folder of the console, with `index.html`; None: there is none.
    """
    return Litestar(route_handlers=[], openapi_config=None)
