"""The Protocols at which the house is cut; dear to change, an ADR each."""

from __future__ import annotations

from typing import Protocol, TypeVar

from volant.core.messages import (
    CarState,
    Command,
    Contact,
    EgoTruth,
    LightTruth,
    Observation,
    SensorFrames,
    TruthObject,
)

S = TypeVar("S")


class Car(Protocol):
    """A car, simulated or real: read it, command it. Read comes first in a control tick."""

    def read(self, stamp_ns: int) -> tuple[CarState, SensorFrames | None]:
        """The car's state now, and the sensor frames that arrived since the last read, if any."""

    def apply(self, command: Command, stamp_ns: int) -> None:
        """Hand a checked command to the actuators; it holds until the next one, over buses for 80 ms."""


class Surroundings(Protocol):
    """The world around a simulated car."""

    def advance(self, ego: EgoTruth, stamp_ns: int) -> None:
        """Move every actor on to this time; called once each control tick with the car's truth."""

    def sense(self, ego: EgoTruth, stamp_ns: int) -> SensorFrames | None:
        """What the sensors deliver at this time; None between two sensor ticks."""

    def contacts(self) -> tuple[Contact, ...]:
        """Touches that began during the last `advance`."""

    def truth(self) -> tuple[TruthObject, ...]:
        """True states of the actors near the car, by ascending id; for judging only."""

    def lights(self) -> tuple[LightTruth, ...]:
        """What the traffic lights near the car show, by ascending id; for judging only."""

    def height(self, x_m: float, y_m: float) -> tuple[float, float, float]:
        """Ground height (m), grade along the road heading (rad) and bank (rad) at a place."""


class Driver(Protocol[S]):
    """Whatever drives a car: our pilot, a reference model, a person."""

    def start(self) -> S:
        """The first state."""

    def step(self, state: S, observation: Observation, stamp_ns: int) -> tuple[S, Command]:
        """One control tick."""


class Service(Protocol):
    """A long-lived part of the car's operating system."""

    name: str

    def start(self) -> None:
        """Begin to serve; returns when ready."""

    def stop(self) -> None:
        """End, leaving nothing half-done."""


class Transport(Protocol):
    """A way for bytes to a peer."""

    def send(self, payload: bytes) -> None:
        """Queue one message."""

    def receive(self) -> bytes | None:
        """The next message, or None when there is none."""


class Store(Protocol):
    """Named bytes that survive a restart; a write is all or nothing."""

    def read(self, name: str) -> bytes | None:
        """The bytes of a name, or None."""

    def write(self, name: str, payload: bytes) -> None:
        """Replace the bytes of a name."""


__all__ = ["Car", "Driver", "Service", "Store", "Surroundings", "Transport"]
