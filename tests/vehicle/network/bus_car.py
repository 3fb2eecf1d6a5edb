"""The simulated car over buses within the process, for tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.house.source_tree import REPO
from tests.vehicle.flat_world import FlatWorld
from tests.vehicle.reference_car import spec_of
from volant.core.chance import Chance
from volant.core.geometry import Pose
from volant.core.messages import CarState, Command, Gear, Indicator
from volant.vehicle import CarSpec, CarStart, SimCar
from volant.vehicle.network import Media, load_mapping
from volant.vehicle.network.simulated import NetworkUnits
from volant.vehicle.parameters import PlantSpec, plant_spec

MAPPING = load_mapping(REPO / "cars" / "network" / "mapping.toml")
TICK_NS = 10_000_000


@dataclass
class Codes:
    """Remembers the trouble codes that were told."""

    told: list[tuple[int, bool, int]] = field(default_factory=list)
    snapshots: list[Mapping[int, bytes]] = field(default_factory=list)

    def __call__(
        self, code: int, failed: bool, stamp_ns: int, snapshot: Mapping[int, bytes]
    ) -> None:
        self.told.append((code, failed, stamp_ns))
        self.snapshots.append(snapshot)

    @property
    def failing(self) -> set[int]:
        now: set[int] = set()
        for code, failed, _ in self.told:
            (now.add if failed else now.discard)(code)
        return now

    @property
    def ever(self) -> set[int]:
        return {code for code, failed, _ in self.told if failed}


class BusBench:
    """A car over buses, its time and what can be done to its frames."""

    def __init__(
        self, spec: CarSpec | None = None, *, speed_mps: float = 0.0, grade_rad: float = 0.0
    ) -> None:
        self.media, self.codes = Media(), Codes()
        made: list[NetworkUnits] = []

        def units(plant: PlantSpec, first: Command, dead: frozenset[str]) -> NetworkUnits:
            made.append(NetworkUnits(MAPPING, self.media, plant, first, self.codes, dead))
            return made[0]

        start = CarStart(Pose(0.0, 0.0, 0.0), speed_mps=speed_mps, charge_pct=60.0)
        self.car = SimCar(
            spec or spec_of("g3-520"), FlatWorld(grade_rad), start, Chance.of(1, "car"), units
        )
        self.units = made[0]
        self.stamp_ns = 0
        self.state = self.car.read(0)[0]

    def advance(self, stamp_ns: int) -> None:
        self.car.advance(stamp_ns)

    def run(
        self,
        ticks: int,
        accel_mps2: float = 0.0,
        curvature_per_m: float = 0.0,
        *,
        indicator: Indicator = Indicator.OFF,
        silent: bool = False,
    ) -> list[CarState]:
        """Control ticks as the world's component makes them."""
        states = []
        for _ in range(ticks):
            self.stamp_ns += TICK_NS
            if not silent:
                command = Command(
                    stamp_ns=self.stamp_ns,
                    accel_mps2=accel_mps2,
                    curvature_per_m=curvature_per_m,
                    gear=Gear.DRIVE,
                    indicator=indicator,
                )
                self.car.apply(command, self.stamp_ns)
            self.car.advance(self.stamp_ns)
            self.state = self.car.read(self.stamp_ns)[0]
            states.append(self.state)
        return states

    def drop(self, bus: str, *names: str) -> None:
        """These messages no longer arrive."""
        ids = {MAPPING.databases[bus].message(name).can_id for name in names}
        self.media.buses[bus].tamper = lambda frame: [] if frame.can_id in ids else [frame]


def new_units(speed_mps: float = 10.0) -> tuple[NetworkUnits, Media, PlantSpec]:
    """Units without a machine, at rest on their buses."""
    spec, media = plant_spec(spec_of("g3-520")), Media()
    first = Command(stamp_ns=0, accel_mps2=0.0, curvature_per_m=0.0, gear=Gear.DRIVE)
    return NetworkUnits(MAPPING, media, spec, first), media, spec
