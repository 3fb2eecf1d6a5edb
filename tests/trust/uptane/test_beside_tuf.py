"""Our rules beside python-tuf's own client, over repositories that go right and wrong at random.

What python-tuf takes we take too, by the rules of a plain client, and come to believe the same versions; what it
refuses we refuse. But after a timestamp or snapshot key was lost we forget old versions at once (Uptane 2.1, 5.4.4.3,
step 4). No version stands for two files here: python-tuf then keeps the snapshot that it has, we compare its hash
(5.4.4.2, step 4).
"""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tuf.api.exceptions import DownloadHTTPError, RepositoryError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from volant.trust.attacks.world import key_of, signers_of
from volant.trust.uptane import (
    Fetch,
    Keeper,
    Limits,
    RejectedError,
    TrustedRepository,
    answer_from,
    refresh,
    soft_signer,
    target_file,
)
from volant.trust.uptane.metadata import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, TOP_LEVEL
from volant.trust.uptane.trusted import HISTORY

ONLINE = (TIMESTAMP, SNAPSHOT, TARGETS)
STRANGER = [soft_signer(key_of("a stranger"))]

roles = st.sampled_from(ONLINE)
steps = st.one_of(
    st.tuples(st.just("publish"), roles, st.just(0)),
    st.tuples(st.just("rotate"), st.sampled_from(TOP_LEVEL), st.integers(0, 3)),
    st.tuples(st.just("stranger"), roles, st.just(0)),
    st.tuples(st.just("expired"), st.sampled_from(TOP_LEVEL), st.just(0)),
    st.tuples(st.just("version"), roles, st.sampled_from([-1, 5])),
    st.tuples(st.just("old file"), roles, st.just(0)),
    st.tuples(st.just("go back"), roles, st.integers(0, 5)),
    st.tuples(st.just("unlist"), roles, st.just(0)),
)


class Pair:
    """A repository, python-tuf's client and ours."""

    def __init__(self, folder: Path) -> None:
        self.keeper = Keeper.create("image", signers_of("image"), now_s=time.time())
        self.keeper.delegate("inner", [soft_signer(key_of("inner"))], paths=["*"], hardware_ids=[])
        self.keeper.publish(time.time(), [TARGETS, "inner"])
        self.past = [self.keeper.copy()]
        self.folder = folder
        self.root = self.keeper.published["1.root.json"]
        self.stored = dict(TrustedRepository("image", self.root).files)
        self.lost_key = False
        self.served = self.keeper.published

    def step(self, kind: str, role: str, number: int) -> None:
        keeper = self.keeper
        if kind == "rotate":
            self.lost_key |= role in {TIMESTAMP, SNAPSHOT}
            keeper.rotate(role, [soft_signer(key_of(f"{role} {number}"))], time.time())
        elif kind == "stranger":
            true = keeper.signers[role]
            keeper.signers[role] = STRANGER
            self._publish(role)
            keeper.signers[role] = true
        elif kind == "expired":
            keeper.lifetimes_s = {**keeper.lifetimes_s, role: -60}
            if role == ROOT:
                keeper.publish_root(time.time())
            self._publish(role)
            keeper.lifetimes_s = {**keeper.lifetimes_s, role: 86_400}
        elif kind == "version":
            signed = self._signed(role)
            highest = signed.version + 1
            signed.version = 0 if number < 0 else highest + number
            self._publish(role)
            signed.version = max(highest, signed.version)
        elif kind == "old file":
            name = f"{self._signed(role).version}.{role}.json"
            first = "timestamp.json" if role == TIMESTAMP else f"1.{role}.json"
            keeper.published[name if role != TIMESTAMP else first] = self.past[0].published[first]
        elif kind == "go back":
            self.served = self.past[number % len(self.past)].published
            return
        elif kind == "unlist":
            keeper.snapshot.meta.pop("inner.json", None)
            keeper.publish(time.time())
        else:
            keeper.add(target_file("a.bin", b"abc", {}))
            self._publish(role)
        self.past.append(self.keeper.copy())
        self.served = keeper.published

    def _publish(self, role: str) -> None:
        if role == TIMESTAMP:
            self.keeper.publish_timestamp(time.time())
        else:
            self.keeper.publish(time.time(), [TARGETS] if role == TARGETS else [])

    def _signed(self, role: str):  # type: ignore[no-untyped-def]
        keeper = self.keeper
        return {TIMESTAMP: keeper.timestamp, SNAPSHOT: keeper.snapshot}.get(
            role, keeper.targets[TARGETS]
        )

    def theirs(self) -> dict[str, int] | None:
        """What python-tuf believes after a refresh; None: it refuses."""
        published = self.served

        class Fetcher(FetcherInterface):
            def _fetch(self, url: str) -> Iterator[bytes]:
                data = published.get(url.removeprefix("https://x/"))
                if data is None:
                    raise DownloadHTTPError("not there", 404)
                return iter([data])

        updater = Updater(str(self.folder), "https://x/", fetcher=Fetcher(), bootstrap=self.root)
        try:
            updater.refresh()
        except (RepositoryError, DownloadHTTPError):
            return None
        return {role: _version((self.folder / f"{role}.json").read_bytes()) for role in TOP_LEVEL}

    def ours(self) -> dict[str, int] | None:
        """What we believe after a refresh; None: we refuse."""
        trusted = TrustedRepository.load("image", self.stored, plain=True)

        def source(fetch: Fetch) -> bytes | None:
            return self.served.get(fetch.name)

        try:
            answer_from(refresh(trusted, time.time(), Limits()), source)
        except RejectedError:
            return None
        finally:
            self.stored = {
                name: data for name, data in trusted.files.items() if not name.startswith(HISTORY)
            }
        return {role: _version(self.stored[f"{role}.json"]) for role in TOP_LEVEL}

    def differs_rightly(self, theirs: dict[str, int] | None) -> bool:
        """After a lost key they refuse what is newer to us."""
        return self.lost_key and theirs is None


def _version(data: bytes) -> int:
    return int(json.loads(data)["signed"]["version"])


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, min_size=1, max_size=7))
def test_we_take_what_python_tuf_takes(plan: list[tuple[str, str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pair = Pair(Path(folder))
        assert pair.ours() == pair.theirs() is not None
        for kind, role, number in plan:
            pair.step(kind, role, number)
            ours, theirs = pair.ours(), pair.theirs()
            assert ours == theirs or pair.differs_rightly(theirs), (kind, role, ours, theirs)
