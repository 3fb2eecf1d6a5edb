"""What is known of signals besides their values, as one tree below the path that was asked for.

Static metadata is the catalogue's (VSS), dynamic metadata is the server's: `availability`, whether there is
a value now; `validate`, for which requests a token is needed; `samplerate`, how often who provides the
signal can say it, in Hz, where that was told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from volant.wire.vss import Catalogue, Leaf

DYNAMIC: Final = frozenset({"availability", "validate", "samplerate"})
CAPABILITIES: Final = {
    "server_capabilities": {
        "filter": [
            "timebased", "change", "paths", "range", "curvelog", "history", "static_metadata",
            "dynamic_metadata",
        ],
        "access_ctrl": "signalset_claim",
        "transport_protocol": ["https", "wss"],
    },
    "opt-cap": {"flt": ["paths", "range", "clog", "hist", "static"], "acc": "sset", "trp": "wss"},
}  # fmt: skip
"""What the server can (Core, appendix), under the names of the newer and of the older drafts: tokens hold
the signals themselves, and there is no MQTT."""


def static_of(leaf: Leaf) -> dict[str, Any]:
    """What the catalogue says of a signal, in the words of VSS."""
    found: dict[str, Any] = {
        "type": leaf.kind,
        "datatype": leaf.datatype,
        "unit": leaf.unit or None,
        "description": leaf.description or None,
        "comment": leaf.comment or None,
        "allowed": list(leaf.allowed) or None,
        "min": leaf.minimum,
        "max": leaf.maximum,
        "default": leaf.default,
    }
    return {key: value for key, value in found.items() if value is not None}


def tree(
    root: str,
    leaves: Iterable[Leaf],
    catalogue: Catalogue,
    of_leaf: Callable[[Leaf], Mapping[str, Any]],
    keys: tuple[str, ...],
    *,
    branches: bool,
) -> dict[str, Any]:
    """Metadata of leaves, nested by their branches, under the last name of the root's path.

    Of `keys` only these are kept, of none all; without `branches` these have children alone.
    """
    start = root.rpartition(".")[2]
    found: dict[str, Any] = {}

    def kept(words: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in words.items() if not keys or key in keys}

    def branch(path: str) -> dict[str, Any]:
        if not branches:
            return {}
        return kept({"type": "branch", "description": catalogue.branches.get(path, "")})

    for leaf in leaves:
        if leaf.path == root:
            return {start: kept(of_leaf(leaf))}
        if not found:
            found[start] = branch(root)
        node, path = found[start], root
        *above, name = leaf.path.removeprefix(f"{root}.").split(".")
        for part in above:
            path = f"{path}.{part}"
            children = node.setdefault("children", {})
            if part not in children:
                children[part] = branch(path)
            node = children[part]
        node.setdefault("children", {})[name] = kept(of_leaf(leaf))
    return found
