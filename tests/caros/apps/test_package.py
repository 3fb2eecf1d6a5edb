"""Packages: what went in comes out, and whoever changes a byte of it is found out."""

import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.caros.apps.packages import KEY, OTHER_KEY, manifest_text, package, package_bytes
from volant.caros.apps import package as packages
from volant.caros.apps.package import (
    MAGIC,
    check_signer,
    open_package,
    pack,
    path_fault,
    sign,
)
from volant.core.errors import InputError, TrustError
from volant.trust import SigningKey, TrustList

PARTS = st.from_regex(r"[a-z_][a-z0-9_-]{0,10}", fullmatch=True)
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
FILES = st.dictionaries(
    PATHS.map(lambda path: f"data/{path}.bin"), st.binary(max_size=300), max_size=5
)
SOUND = package_bytes(files={"data/a.bin": b"abc"})
TRUST = TrustList().with_key(KEY.public, "tests")


def with_index(
    change: dict[str, object], data: bytes = SOUND, key: SigningKey | None = KEY
) -> bytes:
    """A package whose index is another, signed anew: what a liar with a key of his own would send."""
    index, _, _, body = packages._parted(data)
    table = msgspec.json.decode(index) | change
    changed = msgspec.json.encode(table)
    public, signature = bytes(32), bytes(64)
    if key is not None:
        public, signature = key.public.raw, key.sign(packages._CONTEXT + changed)
    return packages._joined(changed, public, signature, body)


@given(files=FILES)
def test_what_is_packed_is_found_again(files: dict[str, bytes]) -> None:
    found = open_package(package_bytes(files=files))
    assert {path: found.files[path] for path in files} == files
    assert found.signer == KEY.public
    assert check_signer(found, TRUST) == "tests"


def test_the_same_files_give_the_same_bytes() -> None:
    one = {"app.toml": manifest_text().encode(), "main.py": b"1", "a.txt": b"2"}
    other = dict(reversed(one.items()))
    assert pack(one, KEY) == pack(other, KEY)


@given(at=st.integers(0, len(SOUND) - 1), bit=st.integers(0, 7))
def test_any_altered_bit_is_found_out(at: int, bit: int) -> None:
    data = bytearray(SOUND)
    data[at] ^= 1 << bit
    with pytest.raises((InputError, TrustError)):
        open_package(bytes(data))


@given(end=st.integers(0, len(SOUND) - 1))
def test_what_is_cut_short_is_refused(end: int) -> None:
    with pytest.raises(InputError):
        open_package(SOUND[:end])


@given(data=st.binary(max_size=400))
def test_rubbish_is_refused(data: bytes) -> None:
    for junk in (data, MAGIC + data):
        with pytest.raises((InputError, TrustError)):
            open_package(junk)


def test_what_hangs_on_behind_is_refused() -> None:
    with pytest.raises(InputError, match="holds"):
        open_package(SOUND + b"x")


def test_signing_again_changes_the_signer_and_nothing_else() -> None:
    found = open_package(sign(SOUND, OTHER_KEY))
    assert found.signer == OTHER_KEY.public
    assert found.digest == open_package(SOUND).digest


def test_nobody_is_believed_who_is_not_listed() -> None:
    with pytest.raises(TrustError, match="not signed"):
        check_signer(open_package(package_bytes(key=None)), TRUST)
    with pytest.raises(TrustError, match="not in the list"):
        check_signer(package(key=OTHER_KEY), TRUST)
    with pytest.raises(TrustError, match="revoked"):
        check_signer(package(), TRUST.without(KEY.public.key_id))


def test_a_signature_for_something_else_is_none() -> None:
    index, _, _, body = packages._parted(SOUND)
    data = packages._joined(index, KEY.public.raw, KEY.sign(index), body)
    with pytest.raises(TrustError):
        open_package(data)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "org.example.other"}, "says id org.example.other"),
        ({"version": "9.0.0"}, "says version 9.0.0"),
        ({"files": []}, "index is wrong"),
        ({"more": 1}, "index is wrong"),
    ],
)
def test_a_package_that_lies_about_itself_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        open_package(with_index(change))


@pytest.mark.parametrize(
    "path",
    [
        "../evil", "/etc/passwd", "a/../../b", "a//b", "./a", "a/.", ".hidden", "a\\b", "a\0b", "",
        "a b", "x" * 101, "/".join("abcdefghi"), "ends.", "é", "a/", "c:evil",
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    assert path_fault(path)
    with pytest.raises(InputError):
        pack({"app.toml": manifest_text().encode(), "main.py": b"", path: b"x"}, KEY)
    rows = [{"path": path, "size": 0, "sha256": "0" * 64}]
    with pytest.raises(InputError):
        open_package(with_index({"files": rows}))


@pytest.mark.parametrize(
    "paths", [("data", "data/a"), ("Main.py", "main.py"), ("a/b", "A/B"), ("a/b/c", "a/b")]
)
def test_paths_that_cannot_stand_side_by_side_are_refused(paths: tuple[str, str]) -> None:
    files = dict.fromkeys(paths, b"")
    with pytest.raises(InputError, match=r"twice|below a file"):
        pack({"app.toml": manifest_text().encode(), "main.py": b"", **files}, KEY)


def test_without_manifest_or_entry_it_is_no_app() -> None:
    with pytest.raises(InputError, match=r"no app\.toml"):
        pack({"main.py": b""}, KEY)
    with pytest.raises(InputError, match="entry"):
        pack({"app.toml": manifest_text().encode()}, KEY)


def test_huge_ones_are_refused_before_they_are_read() -> None:
    with pytest.raises(InputError, match="at most"):
        pack({"app.toml": manifest_text().encode(), "main.py": bytes(17 << 20)}, KEY)
    with pytest.raises(InputError, match="at most"):
        open_package(MAGIC + bytes(33 << 20))
    with pytest.raises(InputError, match="an index of"):
        open_package(MAGIC + struct.pack("<I", 1 << 31) + bytes(100))
    rows = [{"path": f"f{n}", "size": 0, "sha256": "0" * 64} for n in range(1025)]
    with pytest.raises(InputError, match="index is wrong"):
        open_package(with_index({"files": rows}))
    nested = MAGIC + struct.pack("<I", 100_000) + b"[" * 100_000 + bytes(96)
    with pytest.raises(InputError, match="index is wrong"):
        open_package(nested)
