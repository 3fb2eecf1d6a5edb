"""`volant fleet` at a server: the same commands and answers as in a folder, with a person's token."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from typer.testing import CliRunner

from tests.cloud.office import Office
from volant.app.cli import app
from volant.app.exits import Exit
from volant.app.fleet_open import TOKEN_VARIABLE
from volant.app.fleet_remote import SOMEBODY, RemoteDesk
from volant.app.fleet_sending import Sending
from volant.cloud.desk import ForbiddenError, MissingError
from volant.core.errors import InputError, LinkError, RefusedError, TrustError, VolantError

WAIT_S = 60.0
PLAN = {
    "campaign_id": "spring",
    "title": "Spring <b>",
    "release": "os-2",
    "concurrency": 9,
    "waves": [{"name": "all", "errors_stop": 1}],
}


@contextmanager
def serving(asgi: Any) -> Iterator[str]:
    """The people's door on a free port."""
    config = uvicorn.Config(asgi, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    ends_s = time.monotonic() + WAIT_S
    while not server.started:
        assert time.monotonic() < ends_s
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    running.join(WAIT_S)


@dataclass
class Door:
    office: Office
    url: str
    patch: pytest.MonkeyPatch

    def words(self, by: str, *words: str) -> Any:
        self.patch.setenv(TOKEN_VARIABLE, self.office.tokens[by])
        command, *rest = words
        return CliRunner().invoke(app, ["fleet", command, self.url, *rest], standalone_mode=False)

    def run(self, by: str, *words: str) -> Any:
        done = self.words(by, *words, "--json")
        if done.exception is not None:
            raise done.exception
        return json.loads(done.stdout)


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "os.swu").write_bytes(b"system" * 100_000)
    (tmp_path / "spring.json").write_text(json.dumps(PLAN))
    office = Office(tmp_path, now_s=time.time())
    with serving(office.app()) as url:
        yield Door(office, url, monkeypatch)
    office.close()


def begin(door: Door) -> None:
    door.run("root", "admit", "CAR1")
    door.run("root", "admit", "CAR2")
    door.run("olga", "publish", "os-2", "os.swu", "--version", "2")
    door.run("olga", "campaign", "draft", "spring", "--plan", "spring.json")
    digest = door.run("olga", "campaign", "submit", "spring")["digest"]
    door.run("adam", "campaign", "approve", "spring", "--digest", digest)
    assert door.run("olga", "campaign", "start", "spring")["phase"] == "running"


def test_a_campaign_from_afar(door: Door) -> None:
    begin(door)
    assert door.run("vera", "cars", "--filter", "not car == CAR1")["cars"][0]["car"] == "CAR2"
    assert door.run("root", "groups", "CAR1", "eu", "staff")["groups"] == ["eu", "staff"]
    assert door.run("vera", "cars", "CAR1")["tasks"][0]["state"] == "waiting"
    assert door.run("vera", "releases")[0]["files"][0]["length"] == 600_000
    assert door.run("vera", "fit", "os-2")["able"] == 2
    door.office.fail("CAR1", "<script>alert(1)</script>")
    assert door.words("vera", "watch", "spring").return_value == Exit.DIFFERS
    shown = door.words("vera", "campaign", "show", "spring").stdout
    assert "spring: halted" in shown
    assert "not change, submit, start, resume, retry: vera is viewer" in shown
    assert "you may: nothing but look" in shown
    assert door.run("olga", "campaign", "retry", "spring", "--car", "CAR1")["waves"][0]["cars"] == {
        "waiting": 1, "again": 1,
    }  # fmt: skip
    door.run("adam", "campaign", "stop", "spring", "--reason", "bad")
    report = door.run("vera", "report", "spring", "--html", "spring.html")
    assert report["campaign"]["reason"] == "bad"
    page = Path("spring.html").read_text()
    assert "<script" not in page
    assert "&lt;b&gt;" in page
    assert report["files"][0]["sha256"] in page
    assert "SHA-256" in door.words("vera", "report", "spring").stdout
    assert door.run("vera", "audit")["lines"] == report["audit_lines"]
    assert door.run("vera", "audit", "--lines", "1")[0]["act"] == "stop"
    assert [one["campaign"] for one in door.run("vera", "campaigns")] == ["spring"]
    door.words("root", "dismiss", "CAR2")
    with pytest.raises(MissingError):
        door.run("vera", "cars", "CAR2")


def test_people_and_tokens_from_afar(door: Door, tmp_path: Path) -> None:
    token = door.run("root", "token", "tim", "--role", "operator", "--days", "1")["token"]
    (tmp_path / "token").write_text(token + "\n")
    done = CliRunner().invoke(
        app, ["fleet", "people", door.url, "--token-file", "token"], standalone_mode=False
    )
    assert "tim" in done.stdout
    assert token not in done.stdout
    door.run("root", "token", "tim", "--revoke")
    with pytest.raises(ForbiddenError, match="viewer, who may not"):
        door.run("vera", "token", "eve", "--role", "admin")
    with pytest.raises(RefusedError, match="take it back first"):
        door.run("root", "token", "vera")
    with pytest.raises(InputError, match="no role"):
        door.run("root", "token", "eve", "--role", "king")
    with pytest.raises(TrustError, match="taken back"):
        RemoteDesk(door.url, token).me(SOMEBODY)


def test_what_is_missing_is_told(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def error(*words: str) -> BaseException | None:
        return CliRunner().invoke(app, ["fleet", *words], standalone_mode=False).exception

    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    assert TOKEN_VARIABLE in str(error("campaigns", door.url))
    assert "no token in it" in str(error("campaigns", door.url, "--token-file", "none"))
    assert "you are whose token it is" in str(error("admit", door.url, "CAR1", "--by", "ann"))
    assert "no address" in str(error("campaigns", "http://", "--token-file", "os.swu"))
    assert "no fleet in this folder" in str(error("campaigns", "nowhere"))
    assert not Path("nowhere").exists()
    with pytest.raises(LinkError):
        RemoteDesk("http://127.0.0.1:1", "x").me(SOMEBODY)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>", LinkError),
        (200, b"[]", LinkError),
        (302, b"", LinkError),
        (404, b"<html>", LinkError),
        (500, b"\xff", LinkError),
        (503, b'{"error": "away"}', LinkError),
    ],
)
def test_a_server_that_is_none_of_ours(status: int, body: bytes, kind: type[VolantError]) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Other)
    running = threading.Thread(target=server.serve_forever, daemon=True)
    running.start()
    try:
        desk = RemoteDesk(f"http://127.0.0.1:{server.server_port}", "x")
        with pytest.raises(kind):
            desk.me(SOMEBODY)
    finally:
        server.shutdown()
        running.join()
        server.server_close()


def test_a_file_that_the_server_has_is_not_sent_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("maps.bin").write_bytes(b"maps")
    desk, sent = RemoteDesk(door.url, door.office.tokens["olga"]), []
    count = []
    desk.take_file(SOMEBODY, "maps.bin", Path("maps.bin"))
    real = RemoteDesk._ask

    def ask(self: RemoteDesk, method: str, path: str, **words: Any) -> bytes:
        if method == "PUT":
            sent.append(path.partition("?")[0])
        return real(self, method, path, **words)

    monkeypatch.setattr(RemoteDesk, "_ask", ask)
    found = desk.take_file(SOMEBODY, "maps.bin", Path("maps.bin"), told=count.append)
    assert (found.length, sum(count), sent) == (4, 4, [])
    made = door.run("olga", "publish", "os-3", "os.swu", "maps.bin")
    assert len(made["files"]) == 2
    assert sent == ["/releases/new/files/os.swu", "/releases/os-3"]
    with pytest.raises(InputError, match="expected"):
        desk.take_file(SOMEBODY, "maps.bin", Path("maps.bin"), sha256="0" * 64)


def test_what_cannot_become_a_release_is_refused_before_anything_is_sent(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.run("olga", "publish", "os-2", "os.swu")

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a file was sent")

    monkeypatch.setattr(RemoteDesk, "take_file", never)
    with pytest.raises(RefusedError, match="there is a release os-2"):
        door.run("olga", "publish", "os-2", "os.swu")
    with pytest.raises(RefusedError, match="no keys of Uptane repositories are here"):
        door.run("olga", "publish", "os-3", "--image", "BR=os.swu")
    with pytest.raises(ForbiddenError, match="viewer, who may not"):
        door.run("vera", "publish", "os-3", "os.swu")


def test_how_far_it_is_stands_in_one_line() -> None:
    sending = Sending(4_000_000)
    sending.told(1_000_000)
    assert sending.line() == "sent 1.0 of 4.0 MB, 25 %"
    assert Sending(0).line() == "sent 0.0 of 0.0 MB, 100 %"
