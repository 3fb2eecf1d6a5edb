"""Whatever packages come in whatever order, what is installed is what a trusted signer made, whole, and never older."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.caros.apps.packages import KEY, OTHER_KEY, manifest_text
from volant.caros.apps import package as packages
from volant.caros.apps.package import Package, open_package, pack
from volant.caros.apps.store import AppStore
from volant.core.errors import InputError, VolantError
from volant.trust import SigningKey

APPS = ("org.example.one", "org.example.two")
VERSIONS = ("1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0")
"""In their order: 1.10.0 is later than 1.2.0."""
STRANGER = SigningKey(b"nobody here has heard of this...")
KEYS = {"first": KEY, "second": OTHER_KEY, "stranger": STRANGER, "none": None}


@dataclass(frozen=True)
class Try:
    """One package that somebody brings, or a removal."""

    app: str
    version: int
    content: int
    key: str
    deed: str
    at: int
    """Where a byte is altered or the end is, as a share of 10 000."""


tries = st.builds(
    Try,
    app=st.sampled_from(APPS),
    version=st.integers(0, len(VERSIONS) - 1),
    content=st.integers(0, 2),
    key=st.sampled_from(["first", "first", "first", "second", "stranger", "none"]),
    deed=st.sampled_from(
        ["honest", "honest", "honest", "altered", "cut", "longer", "lies", "swapped", "remove"]
    ),
    at=st.integers(0, 9999),
)


def files_of(one: Try) -> dict[str, bytes]:
    manifest = manifest_text(app=one.app, version=VERSIONS[one.version]).encode()
    main = f"print({one.content})\n".encode()
    return {"app.toml": manifest, "main.py": main, "more/data.bin": bytes([one.content]) * 64}


def bytes_of(one: Try) -> bytes:
    """What is brought: sound, or with a deed done to it."""
    data = pack(files_of(one), KEYS[one.key])
    place = one.at * len(data) // 10_000
    if one.deed == "altered":
        return data[:place] + bytes([data[place] ^ (1 << one.at % 8)]) + data[place + 1 :]
    if one.deed == "cut":
        return data[:place]
    if one.deed == "longer":
        return data + bytes(1 + one.at % 7)
    index, _public, signature, body = packages._parted(data)
    if one.deed == "lies":  # a signature that is good, over an index that is not
        said = msgspec.json.decode(index) | {"version": "9.9.9"}
        index = msgspec.json.encode(said)
        key = KEYS[one.key] or KEY
        return packages._joined(index, key.public.raw, key.sign(packages._CONTEXT + index), body)
    if one.deed == "swapped":  # somebody else's name on it
        other = KEY if one.key == "second" else OTHER_KEY
        return packages._joined(index, other.public.raw, signature, body)
    return data


@dataclass
class Known:
    """What must be true of one app."""

    signer: str
    highest: int
    now: tuple[int, int] | None
    """Version and content; None: removed."""


def may(one: Try, known: Known | None) -> bool:
    """Whether this try ought to be let in, by the guide's rules."""
    if one.deed != "honest" or one.key not in ("first", "second"):
        return False
    if known is None:
        return True
    if known.signer != one.key or one.version < known.highest:
        return False
    return not (known.now and known.now[0] == one.version and known.now[1] != one.content)


def check(store: AppStore, model: dict[str, Known]) -> None:
    """The store holds what the model says, byte for byte, and nothing else."""
    rows = {row.id: row for row in store.rows()}
    assert set(rows) == {app for app, known in model.items() if known.now}
    for app, known in model.items():
        home = store.folder / app
        laid = {path.name for path in home.iterdir()} if home.is_dir() else set()
        if known.now is None:
            assert laid <= {"kept", "log"}
            continue
        version, content = known.now
        row = rows[app]
        assert (row.version, row.highest) == (VERSIONS[version], VERSIONS[known.highest])
        assert laid - {"kept", "log"} == {row.folder}
        wanted = files_of(Try(app, version, content, "first", "honest", 0))
        root = store.files(row)
        found = {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }
        assert found == wanted
        assert store.manifest(row).version == VERSIONS[version]


def opened(data: bytes) -> Package | None:
    try:
        return open_package(data)
    except VolantError:
        return None


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(tries, min_size=1, max_size=12))
def test_only_what_may_come_in_does_and_wholly(steps: list[Try]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = AppStore(Path(folder))
        for name in ("first", "second"):
            key = KEYS[name]
            assert key is not None
            store.change_trust(lambda trust, key=key, name=name: trust.with_key(key.public, name))  # type: ignore[misc]
        model: dict[str, Known] = {}
        for one in steps:
            known = model.get(one.app)
            if one.deed == "remove":
                try:
                    store.remove(one.app)
                    assert known is not None
                    assert known.now
                    known.now = None
                except InputError:
                    assert known is None or known.now is None
                check(store, model)
                continue
            package = opened(bytes_of(one))
            assert package is None or one.deed in ("honest", "swapped")
            came = False
            if package is not None:
                try:
                    store.install(package)
                    came = True
                except VolantError:
                    pass
            assert came is may(one, known), one
            if came:
                signer = one.key if known is None else known.signer
                model[one.app] = Known(signer, one.version, (one.version, one.content))
            check(store, model)
