"""Other people's programs that judge us; a user's machine may lack them, CI may not."""

import importlib
import importlib.util
import warnings
from types import ModuleType

import pytest

from tests.data_folder import on_ci


def has_peer(name: str) -> bool:
    """Whether the peer package can be imported, without importing it."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def peer(name: str) -> ModuleType:
    """Import a peer by its module name, such as `fastsim` or `pyxodr.road_network`.

    Where it lacks, the calling test (or module) is skipped with the command that installs it; in CI
    it fails. A peer's own warnings on import are not ours to mend.
    """
    if has_peer(name):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    line = f"the peer {name} is not installed: make peers"
    if on_ci():
        pytest.fail(line, pytrace=False)
    pytest.skip(line, allow_module_level=True)
