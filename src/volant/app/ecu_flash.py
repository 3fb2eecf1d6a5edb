"""`volant ecu flash` and `volant ecu image`: programs one unit over DoIP, and makes and reads images."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from volant.app.ecu_command import Door, unit_of
from volant.app.exits import Exit
from volant.app.folders import data_folder, state_folder
from volant.app.programs import fits, tables_of
from volant.app.say import answer, answer_json, table, tell
from volant.app.unit_flash import resize_unit
from volant.core.errors import InputError, RefusedError
from volant.core.settings import find_data
from volant.ota import Artifact, Order
from volant.ota.uds_unit import UdsUnit, runs
from volant.trust.uptane import Installed
from volant.vehicle import load_spec
from volant.vehicle.boot import Image, make_image, read_image
from volant.vehicle.boot.calibration import HARDWARE
from volant.vehicle.boot.device import SLOT_MOST_BYTES
from volant.vehicle.boot.image import CODE_MOST_BYTES, Value
from volant.vehicle.ecus import ECUS, key_for, secret_of

SIGNED_IN: Final = b"volant ecu flash"
TENTHS: Final = 10


class FlashAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant ecu flash` did."""

    unit: str
    address: str
    version: str
    release: int
    bytes: int
    resumed_at: int
    """Bytes that had come before a cut; 0: it began anew."""
    confirmed: bool


class ImageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an image holds."""

    file: str
    unit: str
    hardware: str
    version: str
    release: int
    bytes: int
    sha256: str
    signed: bool
    code_bytes: int
    behaviour: dict[str, bool]
    calibration: dict[str, Value]
    needs: dict[str, int]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is other than the factory's, each as `name=value`."""

    calibration: tuple[str, ...] = ()
    behaviour: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    code: Path | None = None


class _Progress:
    """Says how far a transfer is, in tenths."""

    def __init__(self, unit: str, *, quiet: bool) -> None:
        self._unit, self._quiet, self._told = unit, quiet, 0

    def __call__(self, done: int, size: int) -> None:
        """So many bytes of so many are there."""
        tenths = TENTHS * done // size
        if self._quiet or 0 < tenths <= self._told:
            return
        self._told = tenths
        tell(f"{self._unit}: {f'{done} of {size} bytes' if tenths else 'erasing'}")


def flash_command(door: Door, unit: str, file: Path, *, confirm: bool, as_json: bool) -> Exit:
    """Run `volant ecu flash`."""
    address, spec = unit_of(unit)
    data = _bytes_of(file)
    image = _image_of(file, data)
    name = spec.name if spec else image.unit
    if image.unit != name:
        raise InputError(f"is a program of the unit {image.unit}, not of {name}", file=str(file))
    with door.open() as tester:
        port = UdsUnit(
            name,
            lambda request: tester.ask(address, request),
            lambda level, seed: key_for(secret_of(name), level, seed),
            time.sleep,
            fingerprint=SIGNED_IN,
        )
        order = _order(name, file, image, data)
        port.stage(order, _Progress(name, quiet=as_json))
        if not runs(port.now(), order):
            port.activate()
            port.reset()
        now = port.now()
        if not runs(now, order):
            raise RefusedError(f"{name} has booted {now.version}, not {image.version}")
        if confirm:
            port.confirm()
    told = FlashAnswer(
        unit=name,
        address=f"{address:04X}",
        version=image.version,
        release=image.release,
        bytes=len(data),
        resumed_at=port.resumed_at,
        confirmed=confirm,
    )
    if as_json:
        answer_json(told)
    else:
        end = "confirmed" if confirm else "on trial: after two boots the old one is back"
        answer(f"{name} runs {image.version}, release {image.release}, {end}")
    return Exit.DONE


def _order(unit: str, file: Path, image: Image, data: bytes) -> Order:
    digest = hashlib.sha256(data).hexdigest()
    return Order(
        target=Installed(
            ecu_id=unit,
            name=file.name,
            length=len(data),
            hashes={"sha256": digest},
            release_counter=image.release,
        ),
        image=Artifact(file.name, len(data), digest, lambda at, length: data[at : at + length]),
    )


def info_command(file: Path, *, as_json: bool) -> Exit:
    """Run `volant ecu image info`."""
    _show(file, _bytes_of(file), as_json=as_json)
    return Exit.DONE


def make_command(
    unit: str, file: Path, changes: Changes, release: int, version: str, car: str, *, as_json: bool
) -> Exit:
    """Run `volant ecu image make`."""
    _known(unit)
    tables = tables_of(unit, load_spec(find_data("cars", car, data_folder())))
    calibration, behaviour = dict(tables.calibration), dict(tables.behaviour)
    needs: dict[str, int] = {}
    for words in changes.calibration:
        name, text = _split("--set", words, calibration)
        calibration[name] = _value(words, text, calibration[name])
    for words in changes.behaviour:
        name, text = _split("--switch", words, behaviour)
        behaviour[name] = _switch(words, text)
    for words in changes.needs:
        name, text = _split("--needs", words, [spec.name for spec in ECUS])
        needs[name] = _count(words, text)
    image = Image(
        unit=unit,
        hardware=HARDWARE,
        version=version or str(release),
        release=release,
        tables=msgspec.structs.replace(
            tables, calibration=calibration, behaviour=behaviour, needs=needs
        ),
    )
    if not fits(image):
        raise InputError(f"{unit} cannot run by these values: one is beyond its limits")
    code = b"" if changes.code is None else _read(changes.code, CODE_MOST_BYTES)
    data = make_image(image, code=code)
    try:
        file.write_bytes(data)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=str(file)) from error
    _show(file, data, as_json=as_json)
    return Exit.DONE


def _show(file: Path, data: bytes, *, as_json: bool) -> None:
    image = _image_of(file, data)
    told = ImageAnswer(
        file=str(file),
        unit=image.unit,
        hardware=image.hardware,
        version=image.version,
        release=image.release,
        bytes=len(data),
        sha256=image.sha256.hex(),
        signed=bool(image.signature),
        code_bytes=image.code_bytes,
        behaviour=dict(image.tables.behaviour),
        calibration=dict(image.tables.calibration),
        needs=dict(image.tables.needs),
    )
    if as_json:
        answer_json(told)
        return
    head = f"{told.unit} {told.version}, release {told.release}, hardware {told.hardware}"
    rows = [
        *((name, "yes" if on else "no") for name, on in told.behaviour.items()),
        *((name, f"{value}") for name, value in told.calibration.items()),
        *((f"needs {name}", f"release {least}") for name, least in told.needs.items()),
    ]
    code = f", {told.code_bytes} of code" if told.code_bytes else ""
    table(f"{head}, {told.bytes} bytes{code}", ("what", "value"), rows)


def resize_command(
    unit: str, slot_bytes: int, car: str, state: Path | None, *, as_json: bool
) -> Exit:
    """Run `volant ecu resize`."""
    _known(unit)
    spec = load_spec(find_data("cars", car, data_folder()))
    resize_unit(state or state_folder(), spec, unit, slot_bytes)
    if as_json:
        answer_json({"unit": unit, "slot_bytes": slot_bytes})
    else:
        answer(f"{unit} has two slots of {slot_bytes >> 10} KiB")
    return Exit.DONE


def _known(unit: str) -> None:
    names = [spec.name for spec in ECUS]
    if unit not in names:
        raise InputError(f"no unit {unit!r}; there are: {', '.join(names)}")


def _bytes_of(file: Path) -> bytes:
    return _read(file, SLOT_MOST_BYTES)


def _read(file: Path, most_bytes: int) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(most_bytes + 1)
    except OSError as error:
        raise InputError(error.strerror or str(error), file=str(file)) from error
    if len(data) > most_bytes:
        raise InputError(f"longer than {most_bytes} bytes, which a unit takes", file=str(file))
    return data


def _image_of(file: Path, data: bytes) -> Image:
    try:
        return read_image(data)
    except InputError as error:
        raise InputError(str(error), file=str(file)) from error


def _split(option: str, words: str, known: object) -> tuple[str, str]:
    name, sign, text = words.partition("=")
    names = list(known)  # type: ignore[call-overload]
    if not sign or name not in names:
        some = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        raise InputError(f"{option} {words}: expected name=value; names: {some or 'none'}")
    return name, text


def _value(words: str, text: str, usual: Value) -> Value:
    """A value of the same kind as the usual one."""
    try:
        if isinstance(usual, tuple):
            return tuple(float(one) for one in text.split(","))
        return int(text) if isinstance(usual, int) else float(text)
    except ValueError:
        raise InputError(f"--set {words}: found {text!r}, expected a number") from None


def _switch(words: str, text: str) -> bool:
    if text not in ("yes", "no"):
        raise InputError(f"--switch {words}: found {text!r}, expected yes or no")
    return text == "yes"


def _count(words: str, text: str) -> int:
    if not text.isdecimal():
        raise InputError(f"--needs {words}: found {text!r}, expected a release")
    return int(text)
