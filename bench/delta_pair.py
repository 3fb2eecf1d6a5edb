"""Two versions of a root image, built from Debian packages as they were before and after security fixes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

CHANGED = (
    "libssl3", "openssl", "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib",
    "python3.11", "libjavascriptcoregtk-4.1-0", "systemd", "libsystemd0",
)  # fmt: skip
UNCHANGED = ("libc6", "libstdc++6", "coreutils", "bash")
IMAGE_MIB = 120
UUID = "11111111-2222-3333-4444-555555555555"
STILL = {"SOURCE_DATE_EPOCH": "1700000000", "E2FSPROGS_FAKE_TIME": "1700000000"}
SIDES = ("old", "new")
UNIT = "usr/lib/x86_64-linux-gnu/libcrypto.so.3"
"""As large as the program of a control unit."""


def pair_folder() -> Path:
    """Where the pair lies; it is built once.

    Raises:
        OSError, subprocess.CalledProcessError, ValueError: this machine has no apt, no network, or packages
            of one version only.
    """
    folder = Path.home() / ".cache" / "volant" / "bench" / "delta"
    if not (folder / "versions.txt").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _build(folder)
    return folder


def _build(folder: Path) -> None:
    lines = []
    for name in (*CHANGED, *UNCHANGED):
        versions = _versions(name)
        chosen = (versions[1], versions[0]) if name in CHANGED else (versions[0],) * 2
        lines.append(f"{name} {chosen[0]} -> {chosen[1]}\n")
        for side, version in zip(SIDES, chosen, strict=True):
            _unpack(folder / side, f"{name}={version}")
    for side in SIDES:
        shutil.copy(folder / side / UNIT, folder / f"{side}.unit")
        _image(folder / side, folder / f"{side}.image")
    (folder / "versions.txt").write_text("".join(lines))


def _versions(name: str) -> list[str]:
    """The two newest versions that the package lists know, the newest first."""
    done = subprocess.run(
        ["apt-cache", "madison", name], check=True, capture_output=True, text=True
    )
    found = list(dict.fromkeys(line.split("|")[1].strip() for line in done.stdout.splitlines()))
    if len(found) < 2 and name in CHANGED:
        raise ValueError(f"the package lists know one version of {name} only: apt-get update")
    return found


def _unpack(folder: Path, package: str) -> None:
    drawer = folder.with_suffix(".debs")
    shutil.rmtree(drawer, ignore_errors=True)
    drawer.mkdir(parents=True)
    # apt runs as a user of its own that may not enter a home.
    options = ["-o", "APT::Sandbox::User=root", "-q"]
    subprocess.run(
        ["apt-get", *options, "download", package], cwd=drawer, check=True, capture_output=True
    )
    for file in drawer.iterdir():
        subprocess.run(["dpkg-deb", "-x", file, folder], check=True)
    shutil.rmtree(drawer)


def _image(folder: Path, image: Path) -> None:
    command = [
        "mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-N", "4096", "-m", "0", "-U", UUID,
        "-E", f"hash_seed={UUID},root_owner=0:0", "-d", folder, image, f"{IMAGE_MIB}M",
    ]  # fmt: skip
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    subprocess.run(command, check=True, env={**os.environ, **STILL, "PATH": search})
