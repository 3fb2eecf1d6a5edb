"""A unit that is programmed, and what it does after a cut: it boots, and is brought to the new program."""

from dataclasses import dataclass

from tests.vehicle.boot.device import MANAGED, NEW, OLD, ONE, RAW, TWO, erase, loader, send
from volant.core.errors import VolantError
from volant.trust.flash import Flash, Geometry, MemoryFlash, RecordingFlash
from volant.vehicle.boot import Bootloader, Layout, Verdict


@dataclass(frozen=True)
class Kind:
    """Of a unit."""

    geometry: Geometry
    layout: Layout

    @property
    def delivered(self) -> bytes:
        """Its device as it leaves the factory."""
        flash = MemoryFlash(self.geometry)
        loader(flash, self.layout).provision(OLD)
        return flash.content

    def booted(self, flash: Flash) -> tuple[Bootloader, bytes | None]:
        """After power-on, with the program that runs, byte for byte; None: the bootloader waits."""
        boot = loader(flash, self.layout)
        boot.boot()
        return boot, boot.program(boot.running.slot)[0] if boot.running else None

    def program(self, flash: Flash) -> None:
        """All of it, from wherever it stands."""
        boot, runs = self.booted(flash)
        if runs != NEW:
            if not (boot.staged or boot.check() is Verdict.SOUND):
                at, size = boot.resumes_at
                if size != len(NEW) or not boot.begin(at, size - at):
                    erase(boot)
                    at = 0
                send(boot, NEW, at)
                assert boot.check() is Verdict.SOUND
            assert boot.activate({}) is Verdict.SOUND
            boot.boot()
        boot.confirm()

    def filmed(self, flash: RecordingFlash | None = None) -> RecordingFlash:
        """A device on which it was programmed."""
        flash = flash or RecordingFlash(self.geometry, self.delivered)
        self.program(flash)
        return flash

    def gets_on(self, flash: Flash) -> bytes | None:
        """What ran first after a cut; then the new program stays.

        Raises:
            VolantError, AssertionError: it does not.
        """
        first = self.booted(flash)[1]
        self.program(flash)
        for _ in range(3):
            assert self.booted(flash)[1] == NEW
        return first

    def is_harmed(self, flash: Flash) -> bool:
        """Whether a unit of two slots boots neither program, or one cannot be programmed any more."""
        may = {OLD, NEW} if self.layout is TWO else {OLD, NEW, None}
        try:
            return self.gets_on(flash) not in may
        except (VolantError, AssertionError):
            return True


KINDS = {
    "raw, two slots": Kind(RAW, TWO),
    "raw, one slot": Kind(RAW, ONE),
    "managed, two slots": Kind(MANAGED, TWO),
    "managed, one slot": Kind(MANAGED, ONE),
}
