"""A repository whose root key lies in a PKCS 11 token: SoftHSM, which Debian has as softhsm2."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import peer
from volant.app import repo_token
from volant.core.errors import InputError
from volant.trust.uptane import TrustedRepository

PLACES = (
    os.environ.get("PYKCS11LIB", ""),
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
)
MAKE_KEY = """
import os, pkcs11
from pkcs11.util.ec import encode_named_curve_parameters
library = pkcs11.lib(os.environ["PYKCS11LIB"])
with library.get_token(token_label="keeper").open(rw=True, user_pin="1234") as session:
    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    area = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
    area.generate_keypair(store=True, id=bytes([2]), label="root")
"""


@pytest.fixture
def token(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that sees a new token with one key."""
    peer("pkcs11")
    library = next((place for place in PLACES if place and Path(place).is_file()), None)
    if library is None:
        pytest.skip("SoftHSM is not installed: apt install softhsm2")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    found = {
        **os.environ,
        "SOFTHSM2_CONF": str(tmp_path / "softhsm.conf"),
        "PYKCS11LIB": library,
        "VOLANT_HSM_PIN": "1234",
    }
    tool = shutil.which("softhsm2-util") or next(
        str(place)
        for above in Path(library).parents
        if (place := above / "bin/softhsm2-util").is_file()
    )
    words = ["--module", library, "--init-token", "--free", "--label", "keeper"]
    pins = ["--pin", "1234", "--so-pin", "1234"]
    subprocess.run([tool, *words, *pins], env=found, check=True, capture_output=True)
    subprocess.run([sys.executable, "-c", MAKE_KEY], env=found, check=True)
    return found


def volant(*words: str, env: dict[str, str], status: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "volant", "repo", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def test_a_root_key_that_lies_in_a_token(tmp_path: Path, token: dict[str, str]) -> None:
    repo = str(tmp_path / "repo")
    metadata = tmp_path / "repo" / "director" / "metadata"
    volant("init", repo, "--vehicle", "A", "--ecu", "gateway=a", env=token)
    volant("rotate", repo, "director", "root", "--token", "keeper", env=token)
    volant("rotate", repo, "director", "timestamp", env=token)
    trusted = TrustedRepository("director", (metadata / "1.root.json").read_bytes())
    for version in (2, 3):
        trusted.update_root((metadata / f"{version}.root.json").read_bytes())
    assert {key.keytype for key in trusted.root.signed.keys.values()} == {"ed25519", "ecdsa"}
    keys = {path.name for path in (tmp_path / "repo" / "keys").iterdir()}
    assert "director-root.token.json" in keys
    assert "director-root.pem" not in keys


def test_what_a_token_refuses_is_said(tmp_path: Path, token: dict[str, str]) -> None:
    repo = str(tmp_path / "repo")
    volant("init", repo, "--vehicle", "A", "--ecu", "gateway=a", env=token)
    wrong = volant("rotate", repo, "director", "root", "--token", "none", env=token, status=2)
    assert "token 'none'" in wrong.stderr
    words = ("rotate", repo, "director", "root", "--token", "keeper")
    wrong = volant(*words, "--token-key", "9", env=token, status=2)
    assert "key 9 of token 'keeper'" in wrong.stderr
    volant(*words, env=token)
    stranger = {**token, "VOLANT_HSM_PIN": "9999"}
    wrong = volant("rotate", repo, "director", "snapshot", env=stranger, status=2)
    assert "hsm:2" in wrong.stderr
    volant("rotate", repo, "director", "snapshot", env=token)


@pytest.mark.parametrize("text", ["", "{}", json.dumps({"uri": "a", "keyid": "b", "key": {}})])
def test_a_file_that_names_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.token.json"
    path.write_text(text)
    with pytest.raises(InputError, match="no key of a token"):
        repo_token.read(path)
