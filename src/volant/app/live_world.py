"""The simulated car of the live world: its actuators notice when nobody commands them any more."""

from __future__ import annotations

from typing import Final

from volant.app.components import PlantCar
from volant.app.unit_flash import Watch
from volant.core.body import BodyRequest, BodyState
from volant.core.clock import NS_PER_S
from volant.core.messages import (
    CarState,
    Command,
    Contact,
    DriverControls,
    EgoTruth,
    PowerState,
    SensorFrames,
)
from volant.vehicle import silence
from volant.vehicle.boot.calibration import Programs
from volant.vehicle.silence import Silence

LOOK_NS: Final = NS_PER_S


class WatchedCar:
    """A `PlantCar` whose actuators stop it when commands fall silent."""

    def __init__(self, car: PlantCar, boots: Watch | None = None) -> None:
        """A watched car.

        Args:
            car: the machine.
            boots: what its units run, looked at while it stands.
        """
        self._car, self._boots, self._looked_ns = car, boots, 0
        self._silence = Silence()
        self._controls, self._touched_ns, self._stamp_ns = DriverControls(), 0, 0

    def read(self, stamp_ns: int) -> tuple[CarState, SensorFrames | None]:
        """As `Car.read`."""
        return self._car.read(stamp_ns)

    def apply(self, command: Command, stamp_ns: int) -> None:
        """As `Car.apply`, unless the actuators are stopping the car."""
        self._silence = silence.heard(self._silence, command, stamp_ns)
        if self._silence.since_ns < 0:
            self._car.apply(command, stamp_ns)

    def set_controls(self, controls: DriverControls) -> None:
        """Take the driver's hands and feet; pressed or turned, they must be heard of again and again."""
        self._controls, self._touched_ns = controls, self._stamp_ns
        self._car.set_controls(controls)

    def request(self, request: BodyRequest) -> None:
        """As `PlantCar.request`."""
        self._car.request(request)

    def set_power(self, state: PowerState) -> None:
        """As `PlantCar.set_power`."""
        self._car.set_power(state)

    def struck(self, contact: Contact) -> None:
        """As `PlantCar.struck`."""
        self._car.struck(contact)

    def body(self, stamp_ns: int) -> BodyState | None:
        """As `PlantCar.body`."""
        return self._car.body(stamp_ns)

    def advance(self, stamp_ns: int) -> None:
        """Move the plant on, by its own last resort where nobody commands it."""
        speed_mps = self._car.truth(stamp_ns).speed_mps
        self._silence, own = silence.step(self._silence, speed_mps, stamp_ns)
        self._look(speed_mps, stamp_ns)
        if own is not None:
            self._car.apply(own, stamp_ns)
        controls, old_ns = self._controls, stamp_ns - self._touched_ns
        worked = controls.accelerator or controls.brake or controls.wheel_torque_nm
        if worked and old_ns > silence.HANDS_SILENT_NS:
            self.set_controls(silence.hands_gone(controls))
        self._stamp_ns = stamp_ns
        self._car.advance(stamp_ns)

    def _look(self, speed_mps: float, stamp_ns: int) -> None:
        """Let units that were booted anew run their new programs: only a car that stands was programmed."""
        stands = abs(speed_mps) < silence.STANDS_MPS
        if self._boots is None or not stands or stamp_ns - self._looked_ns < LOOK_NS:
            return
        self._looked_ns = stamp_ns
        programs = self._boots.changed()
        if programs is not None:
            self._car.reprogram(programs)

    def reprogram(self, programs: Programs) -> None:
        """As `PlantCar.reprogram`."""
        self._car.reprogram(programs)

    def truth(self, stamp_ns: int) -> EgoTruth:
        """The true motion at the last advance."""
        return self._car.truth(stamp_ns)
