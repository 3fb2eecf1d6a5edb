"""kuksa-client 0.6.0, unmodified, over `ws://` and `wss://`: the backend of its API, and its command line."""

import asyncio
import contextlib
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.caros.kuksa.broker import MODE, SPEED, UNKNOWN, WINDOW
from tests.caros.kuksa.credentials import token, write
from tests.peers import peer

backend = peer("kuksa_client.cli_backend.ws")
REPO = Path(__file__).resolve().parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{REPO}{os.pathsep}{REPO / 'src'}"}
WITHIN_S = 30.0


@contextlib.contextmanager
def running(folder: Path) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.caros.viss.process", str(folder)],
        cwd=REPO,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def client(port: int, **config: Any) -> Iterator[Any]:
    """Their backend in a thread with a loop, as their command line runs it."""
    made = backend.Backend({"ip": "127.0.0.1", "port": port, **config})
    thread = threading.Thread(target=lambda: asyncio.run(made.mainLoop()))
    thread.start()
    try:
        until_s = time.monotonic() + WITHIN_S
        while not made.connection_established() and time.monotonic() < until_s:
            time.sleep(0.01)
        assert made.subprotocol == "VISSv2"
        yield made
    finally:
        made.stop()
        # Their receiver wakes only when something comes; this makes something come.
        made.sendMsgQueue.put("{}")
        thread.join(WITHIN_S)


def test_every_call_of_its_backend(tmp_path) -> None:
    with running(tmp_path) as port, client(port) as made:
        speed = json.loads(made.getValue(SPEED, timeout=WITHIN_S))
        assert speed["data"]["dp"]["value"] == "50"
        unknown = json.loads(made.getValue(UNKNOWN, timeout=WITHIN_S))
        assert unknown["error"]["reason"] == "invalid_path"
        found = json.loads(made.getMetaData(SPEED, timeout=WITHIN_S))
        assert found["metadata"]["Speed"]["datatype"] == "float"
        told: queue.Queue[str] = queue.Queue()
        answer = json.loads(made.subscribe(WINDOW, told.put, timeout=WITHIN_S))
        name = answer["subscriptionId"]
        done = json.loads(made.setValue(WINDOW, "60", "targetValue", timeout=WITHIN_S))
        assert "error" not in done
        assert json.loads(told.get(timeout=WITHIN_S))["data"]["dp"]["value"] == "60"
        assert json.loads(made.getValue(WINDOW, timeout=WITHIN_S))["data"]["dp"]["value"] == "60"
        wrong = json.loads(made.setValue(WINDOW, "101", "targetValue", timeout=WITHIN_S))
        assert wrong["error"]["number"] == 400
        sensor = json.loads(made.setValue(SPEED, "1", "targetValue", timeout=WITHIN_S))
        assert sensor["error"]["reason"] == "read_only"
        several = json.loads(made.subscribeMultiple([SPEED, MODE], told.put, timeout=WITHIN_S))
        assert len(several) == 2
        assert json.loads(made.unsubscribe(name, timeout=WITHIN_S))["subscriptionId"] == name


def test_tls_and_tokens(tmp_path) -> None:
    write(tmp_path, tls=True, tokens=True)
    with running(tmp_path) as port, client(port, cacertificate=tmp_path / "cert.pem") as made:
        refused = json.loads(made.getValue(SPEED, timeout=WITHIN_S))
        assert refused["error"]["reason"] == "token_missing"
        assert made.authorize(token(f"read:{SPEED}")) == "OK"
        speed = json.loads(made.getValue(SPEED, timeout=WITHIN_S))
        assert speed["data"]["dp"]["value"] == "50"
        denied = json.loads(made.setValue(WINDOW, "1", "targetValue", timeout=WITHIN_S))
        assert denied["error"]["number"] == 406


@pytest.mark.slow
def test_its_command_line(tmp_path) -> None:
    said = f"getValue {SPEED}\nsetTargetValue {WINDOW} 40\ngetMetaData {WINDOW}\nquit\n"
    with running(tmp_path) as port:
        done = subprocess.run(
            [sys.executable, "-m", "kuksa_client", f"ws://127.0.0.1:{port}"],
            input=said,
            cwd=tmp_path,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert '"value": "50"' in plain, plain + done.stderr
    assert '"action": "set"' in plain
    assert '"datatype": "uint8"' in plain
    assert '"error"' not in plain
