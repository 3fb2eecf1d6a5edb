"""The HTTP feed against servers that lie, flood, trickle and break off: each ends in words, within its bounds."""

from __future__ import annotations

import errno
import hashlib
import socket
import threading
import time

import pytest

from tests.hostile_http import (
    FLOODS,
    NO_ANSWERS,
    OK,
    TRICKLES,
    Answer,
    begin_of,
    once,
    part_of,
    reset,
    server,
)
from volant.app.update_http import feed, urls_of
from volant.core.errors import InputError
from volant.trust.attacks.world import signers_of
from volant.trust.uptane import (
    Attack,
    Fetch,
    ImageLoad,
    Keeper,
    Limits,
    RejectedError,
    Session,
    TrustedRepository,
    refresh,
)

IMAGE = bytes(range(256)) * 2000
WANTED = Fetch("image", "image", "big.bin", len(IMAGE), exact=True)
HASHES = {"sha256": hashlib.sha256(IMAGE).hexdigest()}
QUICK = Limits(slow_window_ns=1_000_000_000, answer_most_s=1, least_rate_bytes_ps=100_000)
KEEPER = Keeper.create("image", signers_of("image"), now_s=time.time())


class Loaded:
    """An image as it was fetched: what was stored, how often was asked."""

    def __init__(self, answer: Answer, limits: Limits = QUICK, image: bytes = IMAGE) -> None:
        self.stored = bytearray()
        self.begins: list[int] = []
        self._answer = answer
        hashes = {"sha256": hashlib.sha256(image).hexdigest()}
        self.load = ImageLoad(WANTED, hashes, self.stored.extend, limits, time.monotonic_ns())
        with server(self._count) as url:
            feed(self.load, urls_of({}, f"{url}/targets"))

    def _count(self, link: socket.socket, path: str, headers: dict[str, str]) -> None:
        assert path == "/targets/big.bin"
        self.begins.append(begin_of(headers))
        self._answer(link, path, headers)

    @property
    def rejected(self) -> RejectedError:
        assert len(self.stored) <= len(IMAGE)
        assert self.load.wants is None
        assert self.load.rejected is not None
        with pytest.raises(RejectedError):
            self.load.result  # noqa: B018
        return self.load.rejected


def checked(answer: Answer, limits: Limits = QUICK) -> RejectedError:
    trusted = TrustedRepository("image", KEEPER.published["1.root.json"])
    now_s = time.time()
    found = Session(refresh(trusted, now_s, limits), limits, time.monotonic_ns())
    with server(answer) as url:
        feed(found, urls_of({"image": f"{url}/metadata"}, ""))
    assert found.rejected is not None
    return found.rejected


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_what_is_no_answer_drops_an_image_after_some_tries(name: str) -> None:
    found = Loaded(NO_ANSWERS[name], Limits())
    assert found.rejected.attack == Attack.DROP
    assert len(found.begins) == Limits().tries


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_what_is_no_answer_drops_a_check_after_some_tries(name: str) -> None:
    assert checked(NO_ANSWERS[name], Limits()).attack == Attack.DROP


@pytest.mark.parametrize("name", FLOODS)
def test_more_than_is_wanted_is_endless_data(name: str) -> None:
    assert Loaded(FLOODS[name], Limits()).rejected.attack in {Attack.ENDLESS, Attack.ARBITRARY}
    assert checked(FLOODS[name], Limits()).attack == Attack.ENDLESS


@pytest.mark.parametrize("name", TRICKLES)
def test_a_trickle_is_slow_retrieval(name: str) -> None:
    assert Loaded(TRICKLES[name]).rejected.attack == Attack.SLOW


def test_a_trickle_of_metadata_is_slow_retrieval() -> None:
    assert checked(TRICKLES["a trickle of header lines"]).attack == Attack.SLOW


def test_a_name_with_many_silent_addresses_is_slow_retrieval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def silent(place: tuple[str, int], timeout: float) -> socket.socket:
        asked.append(place[0])
        time.sleep(0.3)
        raise TimeoutError("timed out")

    places = [(2, 1, 6, "", (f"192.0.2.{number}", 80)) for number in range(100)]
    monkeypatch.setattr(socket, "create_connection", silent)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
    load = ImageLoad(WANTED, HASHES, bytearray().extend, QUICK, time.monotonic_ns())
    feed(load, urls_of({}, "http://example.com/targets"))
    assert load.rejected is not None
    assert load.rejected.attack == Attack.SLOW
    assert len(asked) < len(places)


def test_nobody_there_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    load = ImageLoad(WANTED, HASHES, bytearray().extend, Limits(), time.monotonic_ns())
    feed(load, urls_of({}, f"http://127.0.0.1:{port}/"))
    assert load.rejected is not None
    assert load.rejected.attack == Attack.DROP
    assert "refused" in str(load.rejected)


def test_a_server_without_the_right_certificate_says_so() -> None:
    load = ImageLoad(WANTED, HASHES, bytearray().extend, Limits(), time.monotonic_ns())
    with server(once(b"no TLS here")) as url:
        feed(load, urls_of({}, url.replace("http:", "https:")))
    assert load.rejected is not None
    assert load.rejected.attack == Attack.DROP
    assert "SSL" in str(load.rejected)


def test_what_is_not_there_is_dropped_at_once() -> None:
    found = Loaded(once(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
    assert found.rejected.attack == Attack.DROP
    assert len(found.begins) == 1


@pytest.mark.parametrize("change", [b"", b"x"], ids=["shorter", "longer"])
def test_another_length_is_refused(change: bytes) -> None:
    found = Loaded(once(part_of(IMAGE + change if change else IMAGE[:-1], 0)), Limits())
    if not change:
        assert found.rejected.attack == Attack.DROP
    elif found.load.rejected is not None:  # where the network parts it at the end, it is whole
        assert found.rejected.attack == Attack.ENDLESS


def test_other_bytes_are_refused() -> None:
    assert Loaded(once(part_of(IMAGE, 0)), image=IMAGE[::-1]).rejected.attack == Attack.ARBITRARY


def test_an_old_protocol_without_a_length_will_do() -> None:
    found = Loaded(once(b"HTTP/1.0 200 OK\r\n\r\n" + IMAGE))
    assert bytes(found.stored) == IMAGE
    assert found.load.result is None


class Tries:
    """One answer after the other; the last one is honest."""

    def __init__(self, *replies: Answer) -> None:
        self._replies = list(replies)
        self._lock = threading.Lock()

    def __call__(self, link: socket.socket, path: str, headers: dict[str, str]) -> None:
        with self._lock:
            reply = self._replies.pop(0) if self._replies else None
        if reply is None:
            link.sendall(part_of(IMAGE, begin_of(headers)))
        else:
            reply(link, path, headers)


HALF = OK + b"Content-Length: %d\r\n\r\n" % len(IMAGE) + IMAGE[: len(IMAGE) // 2]


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_an_image_goes_on_after_a_lie_in_the_middle(name: str) -> None:
    """What was taken before stays; a lie in between costs a request, not the image."""
    found = Loaded(Tries(once(HALF), NO_ANSWERS[name]), Limits())
    assert found.begins[:2] == [0, len(IMAGE) // 2]
    assert bytes(found.stored) == IMAGE
    assert found.begins == [0, len(IMAGE) // 2, len(IMAGE) // 2]


def test_a_server_that_knows_no_ranges_is_not_slow_for_it() -> None:
    def whole(link: socket.socket, _path: str, _headers: dict[str, str]) -> None:
        link.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(IMAGE))
        for begin in range(0, len(IMAGE), 32_000):  # two seconds, the first of them all known
            time.sleep(0.125)
            link.sendall(IMAGE[begin : begin + 32_000])

    found = Loaded(Tries(once(HALF), whole))
    assert bytes(found.stored) == IMAGE


def test_many_breaks_are_one_too_many() -> None:
    found = Loaded(lambda *way: reset(part_of(IMAGE, begin_of(way[2]))[:2000])(*way), Limits())
    assert found.rejected.attack == Attack.DROP
    assert len(found.begins) == Limits().tries


def test_a_full_disk_is_no_fault_of_the_network() -> None:
    asked: list[int] = []

    def answer(link: socket.socket, _path: str, headers: dict[str, str]) -> None:
        asked.append(begin_of(headers))
        link.sendall(part_of(IMAGE, begin_of(headers)))

    stored = bytearray()

    def write(chunk: bytes) -> None:
        if len(stored) > len(IMAGE) // 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        stored.extend(chunk)

    load = ImageLoad(WANTED, HASHES, write, Limits(), time.monotonic_ns())
    with server(answer) as url:
        with pytest.raises(OSError, match="No space left"):
            feed(load, urls_of({}, url))
        assert load.wants is None
        assert load.rejected is None
        with pytest.raises(RuntimeError):
            load.result  # noqa: B018
        # Once there is room it goes on with what is stored.
        again = ImageLoad(WANTED, HASHES, stored.extend, Limits(), time.monotonic_ns())
        again.resume([bytes(stored)])
        feed(again, urls_of({}, url))
    assert again.result is None
    assert bytes(stored) == IMAGE
    assert asked[0] == 0
    assert asked[1] > len(IMAGE) // 3


@pytest.mark.parametrize(
    "url", ["", "ftp://x/", "http:///x", "http://x:99999/", "http://x:y/", "http://[x/", "http://a..b/"]
)  # fmt: skip
def test_what_is_no_address_is_said(url: str) -> None:
    load = ImageLoad(WANTED, HASHES, bytearray().extend, Limits(), time.monotonic_ns())
    with pytest.raises(InputError, match="no HTTP address"):
        feed(load, lambda _: url)
