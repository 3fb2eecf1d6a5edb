"""What the screens' own tests read: `python -m tests.caros.fixtures` writes web/tests/fixtures/.

One message of each kind that a screen can get, the same in JSON beside it, so that the TypeScript
decoder is compared with msgspec and not with itself; and a frame made by the real builder.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.caros.motorway import ACTORS, LEAD_ID, Drive
from volant.caros.cockpit.frame import encode
from volant.caros.cockpit.typescript import ROOTS, generate, sample

ROOT = Path(__file__).resolve().parents[2]
TYPES = ROOT / "web" / "kit" / "messages.gen.ts"
FOLDER = ROOT / "web" / "tests" / "fixtures"


def files() -> dict[Path, bytes]:
    """Every generated file of the screens, by path."""
    samples = {kind.__name__: sample(kind) for kind in ROOTS}
    few = {track_id: ACTORS[track_id] for track_id in (LEAD_ID, 2, 7)}
    return {
        TYPES: generate().encode(),
        FOLDER / "messages.msgpack": msgspec.msgpack.encode(samples),
        FOLDER / "messages.json": msgspec.json.format(msgspec.json.encode(samples), indent=1),
        FOLDER / "frame.msgpack": encode(Drive(few).frame(4.0)),
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, content in files().items():
        path.write_bytes(content)
