"""A director with one car, and a brake unit that was joined to it."""

from volant.trust.keys import SigningKey
from volant.trust.uptane import Keeper, soft_signer, target_file
from volant.vehicle.boot.trusting import Joining

BEGIN_S = 1_800_000_000
CAR = "VOLANTSIM00000001"


def key_of(name: str) -> SigningKey:
    return SigningKey(name.encode().ljust(32, b"."))


class Director:
    """Names images for the brake unit."""

    def __init__(self) -> None:
        self.now_s = BEGIN_S
        roles = ("root", "timestamp", "snapshot", "targets")
        signers = {role: [soft_signer(key_of(role))] for role in roles}
        self.keeper = Keeper.create("director", signers, now_s=self.now_s)
        self.keeper.targets["targets"].unrecognized_fields["custom"] = {"vehicleId": CAR}
        self.keeper.publish(self.now_s, ["targets"])

    def name(
        self, data: bytes, counter: int = 3, unit: str = "brake", hardware: str = "SIM-1"
    ) -> None:
        custom = {"ecuIdentifiers": {unit: {"hardwareId": hardware}}, "releaseCounter": counter}
        self.keeper.targets["targets"].targets.clear()
        self.keeper.add(target_file(f"{unit}/{counter}.img", data, custom))
        self.keeper.publish(self.now_s, ["targets"])

    def roll(self) -> None:
        """Give the targets another key; a new root says so."""
        key = key_of(f"targets {self.keeper.root.version}")
        self.keeper.rotate("targets", [soft_signer(key)], self.now_s)

    @property
    def targets(self) -> bytes:
        return self.keeper.trusted_files()["targets.json"]

    @property
    def root(self) -> bytes:
        return self.keeper.trusted_files()["root.json"]

    @property
    def roots(self) -> list[bytes]:
        return [data for name, data in self.keeper.published.items() if name.endswith(".root.json")]

    def joining(self) -> Joining:
        return Joining(
            vehicle_id=CAR,
            ecu_id="brake",
            hardware_id="SIM-1",
            seed=key_of("brake").seed,
            time_source=key_of("time").public.raw,
            root=self.root,
            targets=self.targets,
            time_s=self.now_s,
        )
