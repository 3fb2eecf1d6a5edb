"""The plain TUF client, against servers that behave and servers that do not."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from tests.hostile_http import begin_of, part_of, server
from volant.app.tuf_client import main
from volant.trust.attacks.world import key_of, signers_of
from volant.trust.uptane import Keeper, soft_signer, target_file
from volant.trust.uptane.keeper import image_names


class Shop:
    """A repository that is served under /metadata and /targets."""

    def __init__(self) -> None:
        self.keeper = Keeper.create("image", signers_of("image"), now_s=time.time())
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.lines: list[str] = []

    def put(self, name: str, data: bytes, role: str = "targets") -> None:
        listed = target_file(name, data, {})
        self.keeper.add(listed, role)
        self.files.update(dict.fromkeys((f"/targets/{path}" for path in image_names(listed)), data))
        self.keeper.publish(time.time(), list(self.keeper.targets))

    def find(self, path: str) -> bytes | None:
        self.asked.append(path)
        if path.startswith("/metadata/"):
            return self.keeper.published.get(path.removeprefix("/metadata/"))
        return self.files.get(path)

    def answer(self, link: socket.socket, path: str, headers: dict[str, str]) -> None:
        data = self.find(path)
        if data is None:
            link.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        link.sendall(part_of(data, begin_of(headers)))


class Client:
    """The command line, in a folder of its own."""

    def __init__(self, shop: Shop, folder: Path, url: str) -> None:
        self.metadata, self.targets, self.url = folder / "metadata", folder / "targets", url
        self.targets.mkdir()
        root = folder / "root"
        root.write_bytes(shop.keeper.published["1.root.json"])
        assert main(["--metadata-dir", str(self.metadata), "init", str(root)]) == 0

    def run(self, *names: str) -> int:
        words = ["--metadata-dir", str(self.metadata), "--metadata-url", f"{self.url}/metadata"]
        for name in names:
            words += ["--target-name", name]
        words += ["--target-base-url", f"{self.url}/targets", "--target-dir", str(self.targets)]
        return main([*words, "download" if names else "refresh"])

    def held(self) -> set[str]:
        return {path.name for path in self.metadata.iterdir()}


def test_refresh_and_download(tmp_path: Path) -> None:
    shop = Shop()
    shop.keeper.delegate(
        "../a role", [soft_signer(key_of("role"))], paths=["folder/*"], hardware_ids=[]
    )
    shop.put("plain.bin", b"x" * 1000)
    shop.put("folder/it.bin", b"y" * 2000, "../a role")
    with server(shop.answer) as url:
        client = Client(shop, tmp_path, url)
        assert client.run() == 0
        assert client.held() == {"root.json", "timestamp.json", "snapshot.json", "targets.json"}
        assert client.run("plain.bin", "folder/it.bin") == 0
        assert {path.read_bytes() for path in client.targets.iterdir()} == {
            b"x" * 1000,
            b"y" * 2000,
        }
        assert "..%2Fa%20role.json" in client.held()
        shop.asked.clear()
        assert client.run("plain.bin") == 0
        assert shop.asked == ["/metadata/2.root.json", "/metadata/timestamp.json"]
        assert client.run("none.bin") == 1
        shop.keeper.rotate("timestamp", signers_of("image", "other")["timestamp"], time.time())
        assert client.run() == 0
        assert (client.metadata / "root.json").read_bytes() == shop.keeper.published["2.root.json"]


def test_what_is_wrong_ends_with_one_and_keeps_what_was(tmp_path: Path) -> None:
    shop = Shop()
    shop.put("plain.bin", b"x" * 1000)
    with server(shop.answer) as url:
        client = Client(shop, tmp_path, url)
        assert client.run("plain.bin") == 0
        before = (client.metadata / "timestamp.json").read_bytes()
        shop.keeper.signers["timestamp"] = [soft_signer(key_of("a stranger"))]
        shop.put("plain.bin", b"z" * 1000)
        assert client.run("plain.bin") == 1
        assert (client.metadata / "timestamp.json").read_bytes() == before
        assert [path.read_bytes() for path in client.targets.iterdir()] == [b"x" * 1000]
    assert client.run() == 1, "nobody answers"
    assert main(["--metadata-dir", str(tmp_path / "none"), "refresh"]) == 1


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_download_that_breaks_off_goes_on(tmp_path: Path, knows_ranges: bool) -> None:
    shop = Shop()
    shop.put("big.bin", bytes(range(256)) * 1000)
    sent: list[int] = []

    def answer(link: socket.socket, path: str, headers: dict[str, str]) -> None:
        if not path.startswith("/targets/"):
            shop.answer(link, path, headers)
            return
        data = shop.find(path)
        assert data is not None
        begin = begin_of(headers)
        sent.append(begin)
        reply = part_of(data, begin if knows_ranges else 0)
        link.sendall(reply[: begin + 100_000] if len(sent) < 3 else reply)

    with server(answer) as url:
        client = Client(shop, tmp_path, url)
        assert client.run("big.bin") == 0
    assert sent[0] == 0
    assert sent[-1] > 0
    assert [path.read_bytes() for path in client.targets.iterdir()] == [bytes(range(256)) * 1000]


def test_python_tuf_s_own_client_takes_what_our_keeper_publishes(tmp_path: Path) -> None:
    """An independent reader of what we write."""
    shop = Shop()
    shop.keeper.delegate("inner", [soft_signer(key_of("role"))], paths=["a/*"], hardware_ids=["x"])
    shop.put("a/it.bin", b"y" * 2000, "inner")
    shop.keeper.rotate("root", [soft_signer(key_of("new root"))], time.time())
    shop.keeper.rotate("snapshot", [soft_signer(key_of("new snapshot"))], time.time())

    class Fetcher(FetcherInterface):
        def _fetch(self, url: str) -> Iterator[bytes]:
            from tuf.api.exceptions import DownloadHTTPError

            data = shop.find(url.removeprefix("https://x"))
            if data is None:
                raise DownloadHTTPError("not there", 404)
            return iter([data])

    updater = Updater(
        str(tmp_path),
        "https://x/metadata/",
        str(tmp_path),
        "https://x/targets/",
        fetcher=Fetcher(),
        bootstrap=shop.keeper.published["1.root.json"],
    )
    updater.refresh()
    found = updater.get_targetinfo("a/it.bin")
    assert found is not None
    assert Path(updater.download_target(found)).read_bytes() == b"y" * 2000
