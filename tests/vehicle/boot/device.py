"""A small device, a unit and its programs."""

from dataclasses import replace

from volant.trust.flash import Area, Flash, Geometry, MemoryFlash
from volant.vehicle.boot import Bootloader, Identity, Image, Layout, Tables, make_image

RAW = Geometry(size_bytes=12 * 512, erase_bytes=512, page_bytes=64)
MANAGED = replace(RAW, overwrites=True)
RECORD = Area(0, 4 * 512)
TWO = Layout(RECORD, (Area(4 * 512, 4 * 512), Area(8 * 512, 4 * 512)))
ONE = Layout(RECORD, (Area(4 * 512, 4 * 512),))
WHO = Identity("brake", "SIM-1")


def image(release: int = 1, **more: object) -> bytes:
    calibration = {f"row_{number}": float(release * number) for number in range(40)}
    tables = Tables(
        behaviour={"holds": True},
        calibration=calibration,
        needs=more.pop("needs", {}),  # type: ignore[arg-type]
    )
    told = {"unit": "brake", "hardware": "SIM-1", "version": f"{release}.0", **more}
    return make_image(Image(release=release, tables=tables, **told))  # type: ignore[arg-type]


OLD, NEW = image(1), image(2)


def loader(flash: Flash, layout: Layout = TWO, **more: object) -> Bootloader:
    return Bootloader(flash, layout, WHO, **more)  # type: ignore[arg-type]


def made(layout: Layout = TWO) -> Bootloader:
    """A unit as it leaves the factory, running."""
    boot = loader(MemoryFlash(RAW), layout)
    boot.provision(OLD)
    assert boot.boot() is not None
    return boot


def erase(boot: Bootloader) -> None:
    assert boot.begin_erase()
    while not boot.erase_step():
        pass


def send(boot: Bootloader, data: bytes, at: int = 0, block: int = 100) -> None:
    assert boot.begin(at, len(data) - at)
    for start in range(at, len(data), block):
        boot.write(data[start : start + block])
    assert boot.finish()
