"""A plain WebSocket client and HTTP at the live car: speed, a window, a door that may not open."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from websockets.asyncio.client import connect

from scripts import kill_table

WORDS = [
    *("--distance", "12000", "--cars", "20", "--no-journal", "--doip-port", "0"),
    *("--kuksa-port", "0", "--viss-port", "0"),
]
WINDOW = "Vehicle.Cabin.Door.Row1.DriverSide.Window.Position"
DOOR = "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen"
WITHIN_S = 40.0


def over_http(port: int, path: str) -> Any:
    """`data` of a read, None while there is no answer or no value yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=WITHIN_S) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        error.close()
        return None
    except OSError:
        return None


def speed_kmh(port: int) -> float:
    data = over_http(port, "Vehicle/Speed")
    return float(data["dp"]["value"]) if data else 0.0


async def session(port: int) -> None:
    """A window is opened and seen to move, a door is refused with its reason."""
    async with connect(f"ws://127.0.0.1:{port}", subprotocols=["VISSv2"], proxy=None) as client:

        async def ask(**request: str) -> dict[str, Any]:
            await client.send(json.dumps({"requestId": "7", **request}))
            while "requestId" not in (message := json.loads(await client.recv())):
                pass
            return message

        assert "error" not in await ask(action="set", path=WINDOW, value="60")
        assert "subscriptionId" in await ask(action="subscribe", path=WINDOW)
        while json.loads(await client.recv())["data"]["dp"]["value"] != "60":
            pass
        refused = await ask(action="set", path=DOOR, value="true")
        assert refused["error"]["number"] == 503
        assert DOOR in refused["error"]["message"]


@pytest.mark.slow
def test_a_plain_client_reads_the_car_and_moves_it() -> None:
    with kill_table.live_car(WORDS) as car:
        port = car.status()["viss_port"]
        car.wait(WITHIN_S, lambda: speed_kmh(port) > 15.0)
        assert speed_kmh(port) > 15.0
        asyncio.run(asyncio.wait_for(session(port), WITHIN_S))
