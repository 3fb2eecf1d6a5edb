"""The build hook: screens built from web/, and the data folders packed as volant/data.

A build without its screens fails here rather than at a user who opens an empty page.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent / "scripts"))

import screens

DATA_FOLDERS = ("apps", "cars", "maps", "scenarios")


class VolantBuildHook(BuildHookInterface[Any]):
    """Runs at each wheel and each editable install; does nothing that is done already."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node, only when there is something to build with it."""
        return [screens.NODE_PACKAGE] if screens.is_stale(Path(self.root)) else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the screens; a wheel also takes the data folders, an editable install has them."""
        root = Path(self.root)
        if screens.is_stale(root):
            screens.build(root)
        if version != "editable":
            build_data["force_include"].update(
                {
                    str(root / name): f"volant/data/{name}"
                    for name in DATA_FOLDERS
                    if (root / name).is_dir()
                }
            )
