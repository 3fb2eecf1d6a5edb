"""The version for people that stands in an image: of a control unit's program, or of an app's package."""

from __future__ import annotations

from typing import Final

from volant.app.updates_apps import PACKAGE_MOST_BYTES, PREFIX
from volant.caros.apps.package import open_package
from volant.core.errors import InputError, TrustError
from volant.core.words import plain
from volant.ota.ports import Artifact
from volant.vehicle.boot import read_image

IMAGE_MOST_BYTES: Final = 16 << 20
"""More than any image of a control unit has."""


def version_of(unit: str, image: Artifact) -> str:
    """What a unit's image calls itself; empty where it is none that can be read."""
    is_app = unit.startswith(PREFIX)
    if image.length > (PACKAGE_MOST_BYTES if is_app else IMAGE_MOST_BYTES):
        return ""
    try:
        data = image.read(0, image.length)
        return plain(open_package(data).manifest.version if is_app else read_image(data).version)
    except (InputError, TrustError, OSError):
        return ""
