"""Deltas of a real pair of root images and of one control unit's program, ours and others'; cuts of flash."""

from __future__ import annotations

import filecmp
import importlib.metadata
import importlib.util
import math
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.delta_pair import pair_folder
from bench.rows import Row, at_most, skipped
from volant.trust.flash import MemoryFlash, RecordingFlash

SOURCE = Path(__file__).resolve().parents[1] / "src"
CAN_BYTES_PER_S = 28_000
"""ISO-TP on a classic CAN bus of 500 kbit/s (computed; frames of 8 bytes, bus full)."""
PLAIN_BYTES = 16 << 20
SHARE_MOST = 1.10
SECOND_CUTS = 8
"""Drawn for each first one."""

MAKE = """
import sys
from volant.trust.delta.make import DeltaSettings, make_delta
old, new, out, kib = sys.argv[1:]
delta = make_delta(open(old, "rb").read(), open(new, "rb").read(), DeltaSettings(int(kib) << 10))
open(out, "wb").write(delta)
"""
IDLE = "import os"
APPLY = """
import os, sys
from volant.trust.delta import Applying
old, delta, out = sys.argv[1:]
source, made = os.open(old, os.O_RDONLY), os.open(out, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
applying = Applying(lambda at, n: os.pread(source, n, at), lambda at, n: os.pread(made, n, at))
with open(delta, "rb") as file:
    while data := file.read(65536):
        for piece in applying.feed(data):
            os.pwrite(made, piece.data, piece.offset)
applying.end()
"""
DETOOLS = """
import sys, detools
detools.create_patch_filenames(*sys.argv[1:], "lzma", patch_type="hdiffpatch", algorithm="hdiffpatch")
"""
DETOOLS_APPLY = "import sys, detools; detools.apply_patch_filenames(*sys.argv[1:])"
# Not ru_maxrss, which keeps the peak of the process that forked.
PEAK = """
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""
BSDIFF4 = "import sys, bsdiff4; bsdiff4.file_diff(*sys.argv[1:])"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a child process took."""

    cpu_s: float
    peak_mib: float


def rows() -> list[Row]:
    try:
        folder = pair_folder()
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        return [skipped("delta/image", f"no pair: {error}"), *_plain(), *_cuts()]
    with TemporaryDirectory() as name:
        drawer = Path(name)
        found = _image(folder, drawer)
        return [*found, *_unit(folder, drawer), *_plain(), *_cuts()]


def run(*command: str | Path) -> Cost:
    """Run a command to its end; a Python child of ours says its peak on its last line.

    Raises:
        RuntimeError: it failed.
    """
    child = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": os.fspath(SOURCE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdout is not None
    with child.stdout:
        words = child.stdout.read().split()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{command[0]} ended with {child.returncode}")
    peak = int(words[-1]) / 1024 if words and words[-1].isdigit() else math.nan
    return Cost(used.ru_utime + used.ru_stime, peak)


def python(text: str, *arguments: str | Path) -> Cost:
    return run(sys.executable, "-c", text + PEAK, *arguments)


def _image(folder: Path, drawer: Path) -> list[Row]:
    old, new, delta = folder / "old.image", folder / "new.image", drawer / "image.delta"
    made = python(MAKE, old, new, delta, "2048")
    applied = python(APPLY, old, delta, drawer / "made")
    assert filecmp.cmp(drawer / "made", new, shallow=False)
    size, idle = delta.stat().st_size, python(IDLE)
    note = f"{new.stat().st_size / 1e6:.0f} MB ext4 of Debian packages, segments of 2 MiB"
    return [
        _beside_best("delta/image size", size, old, new, drawer, note),
        at_most("delta/image create", made.cpu_s, 20.0, "CPU s", f"peak {made.peak_mib:.0f} MiB"),
        at_most(
            "delta/image apply, peak above idle",
            applied.peak_mib - idle.peak_mib,
            32.0,
            "MiB",
            f"{applied.cpu_s:.2f} CPU s; the interpreter alone {idle.peak_mib:.0f} MiB",
        ),
        *_others("delta/image", old, new, drawer),
    ]


def _unit(folder: Path, drawer: Path) -> list[Row]:
    old, new, delta = folder / "old.unit", folder / "new.unit", drawer / "unit.delta"
    python(MAKE, old, new, delta, "2048")
    size, full = delta.stat().st_size, new.stat().st_size
    note = f"{full / 1e6:.2f} MB libcrypto; on CAN at 500 kbit/s {full / CAN_BYTES_PER_S:.0f} s in full"
    found = [
        _beside_best("delta/unit size", size, old, new, drawer, note),
        Row("delta/unit on the bus", size / CAN_BYTES_PER_S, "s", note="computed, 28 kB/s"),
    ]
    if importlib.util.find_spec("bsdiff4"):
        cost = python(BSDIFF4, old, new, drawer / "bsdiff")
        found.append(_size("delta/unit bsdiff4", drawer / "bsdiff", cost))
    python(MAKE, old, new, delta, "64")
    words = "64 KiB held instead of 2 MiB"
    return [*found, Row("delta/unit size, small", delta.stat().st_size, "bytes", note=words)]


def _beside_best(name: str, size: int, old: Path, new: Path, drawer: Path, note: str) -> Row:
    """Ours against detools' hdiffpatch with LZMA, the best open codec found."""
    if importlib.util.find_spec("detools") is None:
        return Row(name, size, "bytes", note=f"{note}; detools is not installed: delta-peers")
    made = python(DETOOLS, old, new, drawer / "detools")
    applied = python(DETOOLS_APPLY, old, drawer / "detools", drawer / "by-detools")
    theirs = (drawer / "detools").stat().st_size
    peer = f"detools {importlib.metadata.version('detools')} hdiffpatch+lzma"
    words = f"{note}; peer {made.cpu_s:.1f} CPU s, applies in {applied.peak_mib:.0f} MiB"
    met = size <= SHARE_MOST * theirs
    return Row(name, size, "bytes", f"<= {SHARE_MOST} x", met, peer, theirs, theirs / size, words)


def _others(name: str, old: Path, new: Path, drawer: Path) -> list[Row]:
    """Codecs on the command line, those that are installed."""
    out = drawer / "other"
    commands: dict[str, list[str | Path]] = {
        "zstd -19 --patch-from": [
            "zstd", "-q", "-f", "-19", "--long=27", "--patch-from", old, new, "-o", out,
        ],
        "zstd -3 --patch-from": [
            "zstd", "-q", "-f", "-3", "--long=27", "--patch-from", old, new, "-o", out,
        ],
        "xdelta3": ["xdelta3", "-f", "-e", "-s", old, new, out],
        "xdelta3 -9, 128 MB": ["xdelta3", "-f", "-9", "-B", "134217728", "-e", "-s", old, new, out],
    }  # fmt: skip
    found = []
    for words, command in commands.items():
        if shutil.which(str(command[0])):
            cost = run(*command)
            found.append(_size(f"{name} {words}", out, cost))
    if shutil.which("casync"):
        found.append(_casync(name, old, new, drawer))
    return found


def _casync(name: str, old: Path, new: Path, drawer: Path) -> Row:
    """Chunks of the new image that the old one has not, and the index."""
    stores, spent = {}, 0.0
    for side, image in (("old", old), ("new", new)):
        store = drawer / f"{side}.castr"
        cost = run("casync", "make", f"--store={store}", drawer / f"{side}.caibx", image)
        stores[side] = {file.name: file for file in store.rglob("*.cacnk")}
        spent = cost.cpu_s
    fresh = [file for key, file in stores["new"].items() if key not in stores["old"]]
    size = sum(file.stat().st_size for file in fresh) + (drawer / "new.caibx").stat().st_size
    return Row(f"{name} casync", size, "bytes", note=f"{len(fresh)} chunks, {spent:.1f} CPU s")


def _size(name: str, file: Path, cost: Cost) -> Row:
    peak = "" if math.isnan(cost.peak_mib) else f", peak {cost.peak_mib:.0f} MiB"
    words = f"{cost.cpu_s:.1f} CPU s{peak}"
    return Row(name, file.stat().st_size, "bytes", note=words)


def _plain() -> list[Row]:
    """Images on which other codecs take hours."""
    from volant.trust.delta.make import make_delta

    chance = random.Random(1)
    noise, zeros = chance.randbytes(PLAIN_BYTES), bytes(PLAIN_BYTES)
    pairs = {
        "zeros": (zeros, zeros), "to zeros": (noise, zeros), "from zeros": (zeros, noise),
        "same": (noise, noise), "empty": (b"", b""), "shifted": (noise, noise[777:]),
        "periodic": (b"0123456789abcdef" * (PLAIN_BYTES // 16), b"abcde" * (PLAIN_BYTES // 5)),
    }  # fmt: skip
    spent = {}
    for name, images in pairs.items():
        began_s = time.process_time()
        make_delta(*images)
        spent[name] = time.process_time() - began_s
    worst = max(spent, key=lambda name: spent[name])
    note = f"16 MiB each: {', '.join(spent)}; worst: {worst}"
    return [at_most("delta/plain images, the slowest", spent[worst], 20.0, "CPU s", note)]


def _cuts() -> list[Row]:
    """States that a power cut may leave of a unit that is programmed, each booted and gone on from; and second cuts."""
    from tests.vehicle.boot.crashes import KINDS

    found = []
    for name, kind in KINDS.items():
        chance, began_s = random.Random(1), time.process_time()
        harmed = first = second = 0
        for state in kind.filmed().crash_states():
            first += 1
            again = RecordingFlash(kind.geometry, state.content)
            harmed += kind.is_harmed(again)
            later = list(again.crash_states())
            for after in chance.sample(later, min(SECOND_CUTS, len(later))):
                second += 1
                harmed += kind.is_harmed(MemoryFlash(kind.geometry, after.content))
        spent_s = time.process_time() - began_s
        note = f"of {first} after one cut, {second} after a second; {spent_s:.1f} CPU s"
        found.append(at_most(f"flash/{name}: states harmed by cuts", harmed, 0, "", note))
    return found
