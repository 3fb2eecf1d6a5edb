"""The cockpit server as a process: who gets in, what a slow screen costs, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from volant.caros.cockpit import (
    CockpitControl,
    CockpitGone,
    CockpitHands,
    CockpitLink,
    CockpitPainted,
    CockpitPress,
    CockpitReady,
    CockpitSeat,
    ControlKind,
    spawn_cockpit,
)
from volant.caros.cockpit.seam import CockpitStart
from volant.caros.cockpit.server import Hub, make_app
from volant.core.errors import LinkError
from volant.core.messages import RequestKind

WAIT_S = 10.0


def wait_for(link: CockpitLink, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """The next message of a kind; the pair is readable when one is there, so nothing sleeps."""
    until_s = time.monotonic() + WAIT_S
    while time.monotonic() < until_s:
        for message in link.poll():
            if isinstance(message, kind):
                return message
        link._pair.settimeout(1.0)
        with contextlib.suppress(TimeoutError):
            link._pair.recv(1, socket.MSG_PEEK)
        link._pair.setblocking(False)
    pytest.fail(f"no {kind.__name__} came")


@pytest.fixture(scope="module")
def link() -> Iterator[CockpitLink]:
    started = spawn_cockpit(0)
    wait_for(started, CockpitReady)
    yield started
    started.close()


@pytest.fixture(scope="module")
def replay_link() -> Iterator[CockpitLink]:
    started = spawn_cockpit(0, replay=True)
    wait_for(started, CockpitReady)
    yield started
    started.close()


def origin(link: CockpitLink) -> str:
    return f"http://127.0.0.1:{link.port}"


def open_live(link: CockpitLink, **changes: str) -> ClientConnection:
    address = link.address.replace("http", "ws", 1) + "live"
    return connect(address, origin=changes.get("origin", origin(link)), compression=None)


def first_frame(link: CockpitLink, live: ClientConnection, frame: bytes) -> bytes:
    """Send until the screen is known to the server: its socket opens a moment before it is."""
    for _ in range(200):
        link.send(frame)
        with contextlib.suppress(TimeoutError):
            data = live.recv(timeout=0.05)
            assert isinstance(data, bytes)
            return data
    pytest.fail("no frame came")


def close_code(live: ClientConnection) -> int:
    """Read until the server closes; the code it gave."""
    with pytest.raises(ConnectionClosed) as closed:
        drain(live)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def drain(live: ClientConnection) -> None:
    while True:
        live.recv(timeout=WAIT_S)


def test_the_page_comes_with_a_strict_policy(link):
    answer = httpx.get(f"{link.address}cluster/")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "server" not in answer.headers


def test_the_printed_address_leads_to_the_cluster(link):
    answer = httpx.get(link.address, follow_redirects=True)
    assert answer.status_code == 200
    assert answer.url.path.endswith("/cluster/")
    assert "Volant cluster" in answer.text


def test_the_page_has_nothing_inline_and_names_no_other_host(link):
    page = httpx.get(f"{link.address}cluster/").text
    assert "<style" not in page
    assert "style=" not in page
    assert "http" not in page
    assert page.count("<script") == page.count('<script type="module" crossorigin src="../')


@pytest.mark.parametrize(
    "path", ["", "cluster/", "live", "assets/", "wrong/cluster/", "//cluster/"]
)
def test_without_the_token_nothing_is_told(link, path):
    answer = httpx.get(f"{origin(link)}/{path}")
    assert answer.status_code == 403
    assert "Open the address that volant printed" in answer.text


def test_a_token_that_is_nearly_right_is_wrong(link):
    for near in (link.address[:-2] + "/", link.address[:-1] + "x/", link.address[:-1]):
        assert httpx.get(near).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil:80"])
def test_a_foreign_host_header_is_refused(link, host):
    assert httpx.get(link.address, headers={"host": host}).status_code == 403


def test_localhost_is_a_good_host(link):
    good = httpx.get(f"{link.address}cluster/", headers={"host": f"localhost:{link.port}"})
    assert good.status_code == 200


@pytest.mark.parametrize("foreign", ["http://evil.example", "null", "https://127.0.0.1"])
def test_a_foreign_origin_is_refused(link, foreign):
    answer = httpx.get(f"{link.address}cluster/", headers={"origin": foreign})
    assert answer.status_code == 403
    with pytest.raises(InvalidStatus):
        open_live(link, origin=foreign)


def test_a_socket_without_origin_or_token_is_refused(link):
    with pytest.raises(InvalidStatus):
        connect(link.address.replace("http", "ws", 1) + "live", compression=None)
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{link.port}/live", origin=origin(link), compression=None)


@pytest.mark.parametrize("path", ["../messages.py", "..%2f..%2fpyproject.toml", "%2e%2e/launch.py"])
def test_files_outside_the_screens_are_not_served(link, path):
    with socket.create_connection(("127.0.0.1", link.port), timeout=WAIT_S) as raw:
        inside = link.address.split("/", 3)[3]
        head = f"GET /{inside}{path} HTTP/1.1\r\nhost: 127.0.0.1:{link.port}\r\n"
        raw.sendall(f"{head}connection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert b" 404 " in answer.split(b"\r\n")[0] or b" 403 " in answer.split(b"\r\n")[0]


def test_only_loopback_listens(link):
    with socket.create_connection(("127.0.0.1", link.port)) as inside:
        assert inside.getpeername()[0] == "127.0.0.1"
    outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with outside:
        outside.connect(("192.0.2.1", 9))  # picks the address; a datagram socket sends nothing
        address = outside.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has loopback only")
    with pytest.raises(OSError), socket.create_connection((address, link.port), timeout=2.0):
        pass


def test_frames_come_as_they_were_sent(link):
    with open_live(link) as live:
        assert first_frame(link, live, b"one frame") == b"one frame"


def test_a_screen_that_opens_late_gets_the_next_frame(link):
    for _ in range(50):
        link.send(b"nobody looks")
    with open_live(link) as live:
        assert first_frame(link, live, b"late") in (b"late", b"nobody looks")


def test_a_slow_screen_costs_only_itself(link):
    big = b"x" * 60_000
    with open_live(link) as slow, open_live(link) as quick:
        first_frame(link, slow, b"hello")
        first_frame(link, quick, b"hello")
        sent_s = time.perf_counter()
        seen = 0
        for number in range(400):
            link.send(b"%06d" % number + big)
            with contextlib.suppress(TimeoutError):
                quick.recv(timeout=0.002)
                seen += 1
        span_s = time.perf_counter() - sent_s
        assert seen > 0
        assert span_s < 5.0
        # The slow one was given the newest frames, not all of them.
        numbers = []
        with contextlib.suppress(TimeoutError):
            while True:
                data = slow.recv(timeout=0.3)
                assert isinstance(data, bytes)
                if len(data) > 100:
                    numbers.append(int(data[:6]))
        assert numbers == sorted(numbers)
        assert len(numbers) < 400


def test_a_server_that_does_not_read_never_holds_the_loop_up():
    """A stopped process fills its socket; the feeder drops and counts."""
    link = spawn_cockpit(0)
    wait_for(link, CockpitReady)
    link._process.send_signal(19)  # SIGSTOP
    try:
        began_s = time.perf_counter()
        for _ in range(300):
            link.send(b"x" * 40_000)
        assert time.perf_counter() - began_s < 1.0
        assert link.dropped > 0
        assert link.alive
    finally:
        link._process.send_signal(18)  # SIGCONT
        link.close()


def test_a_dead_server_is_known_and_hurts_nobody():
    link = spawn_cockpit(0)
    wait_for(link, CockpitReady)
    link._process.kill()
    link._process.wait()
    assert link.send(b"frame") is False
    assert link.poll() == ()
    assert link.alive is False
    link.close()
    link.close()


def test_the_server_ends_when_its_feeder_dies_without_a_word():
    link = spawn_cockpit(0)
    wait_for(link, CockpitReady)
    with open_live(link) as live:
        first_frame(link, live, b"hello")
        link._pair.close()
        assert close_code(live) == 4001
    assert link._process.wait(WAIT_S) == 0


def test_screens_are_told_when_the_drive_ended():
    link = spawn_cockpit(0)
    wait_for(link, CockpitReady)
    with open_live(link) as live:
        first_frame(link, live, b"hello")
        link.close()
        assert close_code(live) == 4000


def test_the_end_is_told_even_when_the_screens_words_were_never_read():
    link = spawn_cockpit(0)
    with open_live(link) as live:
        first_frame(link, live, b"hello")
        live.send(json.dumps({"type": "painted", "sequence": 1}))
        link.close()
        assert close_code(live) == 4000


def test_the_end_is_told_even_when_the_pair_is_full():
    link = spawn_cockpit(0)
    wait_for(link, CockpitReady)
    with open_live(link) as live:
        first_frame(link, live, b"hello")
        while link.send(b"x" * 50_000):
            pass
        link.close()
        assert close_code(live) == 4000


def test_an_occupied_port_gives_the_next_one():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        link = spawn_cockpit(taken)
        try:
            assert link.wanted_port == taken
            assert link.port > taken
            wait_for(link, CockpitReady)
            assert httpx.get(f"{link.address}cluster/").status_code == 200
        finally:
            link.close()


def test_no_free_port_at_all_is_a_link_error(monkeypatch):
    monkeypatch.setattr("volant.caros.cockpit.launch.PORT_TRIES", 1)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        with pytest.raises(LinkError, match=f"no free port from {taken} on"):
            spawn_cockpit(taken)


def test_the_first_live_frame_on_the_glass_is_reported(link):
    with open_live(link) as live:
        live.send(json.dumps({"type": "painted", "sequence": 7}))
        assert wait_for(link, CockpitPainted) == CockpitPainted(sequence=7)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ({"kind": "pause", "value": None}, CockpitControl(kind=ControlKind.PAUSE)),
        ({"kind": "speed", "value": 2}, CockpitControl(kind=ControlKind.SPEED, value=2.0)),
        ({"kind": "seek", "value": 12.5}, CockpitControl(kind=ControlKind.SEEK, value=12.5)),
        ({"kind": "step", "value": -1}, CockpitControl(kind=ControlKind.STEP, value=-1.0)),
    ],
)
def test_a_viewer_of_a_journal_has_its_controls(replay_link, word, meant):
    with open_live(replay_link) as live:
        live.send(json.dumps({"type": "control", **word}))
        assert wait_for(replay_link, CockpitControl) == meant


@pytest.mark.parametrize(
    "word",
    [
        '{"type": "control", "kind": "pause"}',
        '{"type": "drive", "kind": "faster"}',
        '{"type": "painted", "sequence": -1}',
        "not json",
        b"\x00\x01",
    ],
)
def test_a_word_that_may_not_be_said_in_a_drive_ends_the_screen(link, word):
    with open_live(link) as live:
        live.send(word)
        assert close_code(live) == 1008
    assert not [m for m in link.poll() if isinstance(m, CockpitControl)]


def test_a_flood_of_words_is_cut_off(link):
    with open_live(link) as live:
        live.send("x" * 100_000)
        assert close_code(live) == 1009


def test_the_token_is_long_new_each_time_and_not_in_the_process_list():
    first, second = spawn_cockpit(0), spawn_cockpit(0)
    try:
        tokens = [link.address.rstrip("/").rpartition("/")[2] for link in (first, second)]
        assert tokens[0] != tokens[1]
        assert all(len(token) >= 32 for token in tokens)
        command = " ".join(str(word) for word in first._process.args)
        assert tokens[0] not in command
    finally:
        first.close()
        second.close()


def ask(static: Path, path: str) -> httpx.Response:
    """One request to the application itself, without a process."""
    start = CockpitStart(token="key", hosts=("127.0.0.1:1",), replay=False)
    ours, theirs = socket.socketpair()
    transport = httpx.ASGITransport(make_app(Hub(start, ours), static))

    async def asking() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
            return await client.get(path)

    with ours, theirs:
        return asyncio.run(asking())


def test_a_checkout_without_built_screens_says_so_plainly(tmp_path: Path):
    missing = ask(tmp_path / "static", "/key/cluster/")
    assert missing.status_code == 503
    assert missing.text == "volant: the screens are not built; run make setup\n"
    assert missing.headers["content-security-policy"].startswith("default-src 'self'")
    assert ask(tmp_path / "static", "/other/cluster/").status_code == 403
    page = tmp_path / "static" / "cluster" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("built")
    assert ask(tmp_path / "static", "/key/cluster/").text == "built"
    assert ask(tmp_path / "static", "/key/nothing").status_code == 404


# --- the driver's seat ----------------------------------------------------------------------------


def say(live: ClientConnection, message: msgspec.Struct) -> None:
    live.send(msgspec.json.encode(message).decode())


def test_only_the_screen_in_the_seat_drives_and_the_last_to_take_it_has_it(
    link: CockpitLink,
) -> None:
    with open_live(link) as first, open_live(link) as second:
        say(first, CockpitHands(brake=0.9))
        say(first, CockpitSeat(taken=True))
        assert wait_for(link, CockpitSeat) == CockpitSeat(taken=True)
        say(first, CockpitHands(brake=0.2))
        assert wait_for(link, CockpitHands) == CockpitHands(brake=0.2)
        say(second, CockpitSeat(taken=True))
        assert wait_for(link, CockpitSeat) == CockpitSeat(taken=True)
        assert json.loads(first.recv(timeout=WAIT_S)) == {"type": "seat", "taken": False}
        say(first, CockpitPress(kind=RequestKind.CANCEL))
        say(second, CockpitPress(kind=RequestKind.ENGAGE))
        assert wait_for(link, CockpitPress) == CockpitPress(kind=RequestKind.ENGAGE)


def test_a_screen_that_goes_from_the_seat_is_told_to_the_car(link: CockpitLink) -> None:
    with open_live(link) as live:
        say(live, CockpitSeat(taken=True))
        wait_for(link, CockpitSeat)
    assert wait_for(link, CockpitGone) == CockpitGone()


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"hands","brake":2.0}',
        '{"type":"hands","wheel":NaN}',
        '{"type":"hands","wheel":-1.5}',
        '{"type":"press","kind":"explode"}',
        '{"type":"press","kind":"set_speed","value":1e9}',
        '{"type":"gone"}',
        '{"type":"seat"}',
    ],
)
def test_a_word_that_no_driver_says_ends_the_screen(link: CockpitLink, text: str) -> None:
    with open_live(link) as live:
        live.send(text)
        with pytest.raises(ConnectionClosed):
            live.recv(timeout=WAIT_S)
        assert live.close_code == 1008


def test_nobody_drives_in_a_journal(replay_link: CockpitLink) -> None:
    with open_live(replay_link) as live:
        say(live, CockpitSeat(taken=True))
        with pytest.raises(ConnectionClosed):
            live.recv(timeout=WAIT_S)
        assert live.close_code == 1008


def test_nobody_drives_from_another_site(link: CockpitLink) -> None:
    with pytest.raises(InvalidStatus):
        open_live(link, origin="http://elsewhere.example")
