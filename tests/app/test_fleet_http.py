"""The client's side of HTTP as bytes: read as h11 writes it, in whatever pieces it comes; what is none is refused."""

from __future__ import annotations

import hashlib

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.app.fleet_http import BODY_MOST_BYTES, HEAD_MOST_BYTES, Answers, request_bytes
from volant.app.fleet_words import Kind, Reply, Want
from volant.core.errors import InputError


def written(status: int, body: bytes, parts: int, *, chunked: bool) -> bytes:
    """An answer as h11 writes it."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    while server.next_event() is not h11.NEED_DATA and server.their_state is not h11.DONE:
        pass
    headers = [("X-Any", "thing"), ("Retry-After", "7")]
    headers.append(
        ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))
    )
    found = server.send(h11.Response(status_code=status, headers=headers)) or b""
    size = max(1, len(body) // parts)
    for begin in range(0, len(body), size):
        found += server.send(h11.Data(data=body[begin : begin + size])) or b""
    return found + (server.send(h11.EndOfMessage()) or b"")


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


@settings(max_examples=150, deadline=None)
@given(
    body=st.binary(max_size=400),
    parts=st.integers(1, 5),
    chunked=st.booleans(),
    size=st.integers(1, 600),
    status=st.sampled_from([200, 201, 206, 401, 404, 410, 503]),
)
def test_answers_in_any_pieces(
    body: bytes, parts: int, chunked: bool, size: int, status: int
) -> None:
    reader = Answers()
    data = written(status, body, parts, chunked=chunked)
    for _ in range(2):  # two answers over one connection
        found = [one for piece in pieces(data, size) if (one := reader.feed(piece)) is not None]
        assert found == [Reply(status, body, 7.0)]
        assert reader.clean
        assert not reader.closes


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=200), size=st.integers(1, 50))
def test_noise_is_refused_or_waited_for(data: bytes, size: int) -> None:
    reader = Answers()
    for prefix in (
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ):
        reader = Answers()
        try:
            for piece in pieces(prefix + data, size):
                reader.feed(piece)
        except InputError:
            continue


def test_a_file_is_hashed_and_not_kept() -> None:
    reader, body = Answers(hashes=True), b"x" * (2 * BODY_MOST_BYTES)
    data = written(200, body, 1, chunked=False)
    (found,) = [one for piece in pieces(data, 65536) if (one := reader.feed(piece)) is not None]
    assert (found.body, found.sha256) == (b"", hashlib.sha256(body).hexdigest())


def test_an_answer_may_end_with_its_connection() -> None:
    reader = Answers()
    assert reader.feed(b"HTTP/1.0 200 OK\r\n\r\nall of") is None
    assert reader.feed(b" it") is None
    assert reader.closes
    assert reader.end() == Reply(200, b"all of it")


def test_answers_without_a_body_and_words_in_between() -> None:
    reader = Answers()
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
    assert reader.feed(data) == Reply(304)
    assert reader.feed(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    ) == Reply(200)
    assert reader.closes


@pytest.mark.parametrize("data", [
    b"SSH-2.0-OpenSSH\r\n\r\n",
    b"HTTP/1.1 2x0 OK\r\n\r\n",
    b"HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 300,
    b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + b"x" * (BODY_MOST_BYTES + 1),
    b"H" * (HEAD_MOST_BYTES + 1),
])  # fmt: skip
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        Answers().feed(data)


def test_a_request_is_what_h11_reads() -> None:
    server = h11.Connection(h11.SERVER)
    want = Want(Kind.WORD, "POST", "/a/b?c=1", b'{"x":1}')
    server.receive_data(request_bytes(want, "127.0.0.1:1", "secret"))
    head, body = server.next_event(), server.next_event()
    assert isinstance(head, h11.Request)
    assert (head.method, head.target) == (b"POST", b"/a/b?c=1")
    assert dict(head.headers)[b"authorization"] == b"TargetToken secret"
    assert isinstance(body, h11.Data)
    assert bytes(body.data) == want.body
