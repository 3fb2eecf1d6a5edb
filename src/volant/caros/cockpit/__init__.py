"""The cockpit: what the car shows to people, served by a process of its own.

`frame` (imported by its name, because the server has no need of roads) makes one `CockpitFrame` of the
latest messages, `launch` starts the server and feeds it without
ever holding the loop up, `server` serves the built screens and the frames to browsers on this machine.
"""

from volant.caros.cockpit.launch import (
    NOT_BUILT,
    CockpitLink,
    Door,
    listen_near,
    open_door,
    screens_are_built,
    spawn_cockpit,
    spawn_cockpit_at,
)
from volant.caros.cockpit.messages import SCHEMA_HASH, CockpitFrame, CockpitReplay
from volant.caros.cockpit.seam import (
    CockpitControl,
    CockpitGone,
    CockpitHands,
    CockpitPainted,
    CockpitPress,
    CockpitReady,
    CockpitSeat,
    CockpitWish,
    ControlKind,
    FromServer,
)

__all__ = [
    "NOT_BUILT",
    "SCHEMA_HASH",
    "CockpitControl",
    "CockpitFrame",
    "CockpitGone",
    "CockpitHands",
    "CockpitLink",
    "CockpitPainted",
    "CockpitPress",
    "CockpitReady",
    "CockpitReplay",
    "CockpitSeat",
    "CockpitWish",
    "ControlKind",
    "Door",
    "FromServer",
    "listen_near",
    "open_door",
    "screens_are_built",
    "spawn_cockpit",
    "spawn_cockpit_at",
]
