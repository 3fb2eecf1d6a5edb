"""Basics of what breaks and who interferes: sensors, ghosts, the driver's hands, feet and eyes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from volant.core.messages import DriverControls, DriverRequest, Indicator, RequestKind
from volant.sim.columns import BodyClass
from volant.sim.exam.basics_follow import cruise, follow, standing
from volant.sim.exam.case import NO_HANDOVER, SAFE, Case, about, stream
from volant.sim.scene import Bound, Said, Scene
from volant.sim.sensors_faults import FaultKind, SensorFault

FREE: Final = DriverControls()
LOST: Final = ("camera_front", "radar_front", "gnss", "radar_front_left", "camera_left")


def _without(scene: Scene, *figures: str) -> tuple[Bound, ...]:
    """Its bounds but for some figures."""
    return tuple(bound for bound in scene.bounds if bound.figure not in figures)


def sensor_lost(sensor: str, kind: FaultKind, seed: int) -> Scene:
    """One sensor breaks while following; it may hand over, it may not hit."""
    scene = follow(100.0, 0.85, seed)
    at_s = about(stream(seed, "fault", sensor, kind.value), 0, 8.0, 0.2)
    fault = SensorFault(sensor=sensor, kind=kind, from_s=at_s)
    return replace(
        scene,
        faults=(fault,),
        bounds=(*SAFE, Bound("ttc_min_s", least=2.0, why="nobody noticed")),
    )


def all_lost(seed: int) -> Scene:
    """All sensors go at once: hand over or stop, without a contact."""
    scene = follow(100.0, 0.85, seed)
    fault = SensorFault(sensor="all", kind=FaultKind.LOST, from_s=8.0)
    bounds = (*SAFE, Bound("takeovers", least=1, why="it says so"))
    return replace(scene, faults=(fault,), bounds=bounds)


def ghosts(sensor: str, kmh: float, seed: int) -> Scene:
    """A sensor tells what is not there."""
    scene = cruise(kmh, seed)
    fault = SensorFault(sensor=sensor, kind=FaultKind.GHOSTS, from_s=4.0, to_s=20.0)
    bounds = (
        *SAFE,
        *NO_HANDOVER,
        Bound("accel_min_mps2", least=-3.5, why="one sensor alone is not believed"),
        Bound("speed_end_mps", least=0.7 * kmh / 3.6, why="makes way"),
    )
    return replace(scene, faults=(fault,), bounds=bounds)


def ghosts_and_standing(seed: int) -> Scene:
    """A ghosting radar, and a car that truly stands ahead."""
    scene = standing(80.0, BodyClass.CAR, seed)
    fault = SensorFault(sensor="radar_front", kind=FaultKind.GHOSTS, from_s=2.0)
    return replace(scene, faults=(fault,), bounds=SAFE)


def _interfered(scene: Scene, bounds: tuple[Bound, ...], *said: Said) -> Scene:
    return replace(scene, said=said, bounds=(*SAFE, *bounds))


def driver_brakes(seed: int) -> Scene:
    """The driver brakes: the pilot lets go at once and stays off."""
    at_s = about(stream(seed, "driver_brakes"), 0, 6.0)
    scene = cruise(100.0, seed)
    bounds = (
        Bound("handed_back", least=1, why="the driver has the car"),
        Bound("accel_hardest_mps2", most=-2.0, why="the pedal works"),
        Bound("takeovers", most=0, why="asked for"),
    )
    pressed = Said(at_s, DriverControls(brake=0.35))
    return _interfered(scene, bounds, pressed, Said(at_s + 1.5, FREE))


def driver_accelerates(seed: int) -> Scene:
    """The accelerator overrides; afterwards the pilot drives on."""
    at_s = about(stream(seed, "driver_accelerates"), 0, 6.0)
    scene = follow(100.0, 0.5, seed)
    scene = replace(scene, roles=(), lead=None, speed_mps=15.0)
    bounds = (
        Bound("accel_max_mps2", least=1.5, why="the pedal works"),
        Bound("handed_back", most=0, why="the pilot drives on"),
    )
    return _interfered(
        scene, bounds, Said(at_s, DriverControls(accelerator=0.6)), Said(at_s + 2.0, FREE)
    )


def driver_steers(seed: int) -> Scene:
    """Hands that steer win, for as long as they do."""
    at_s = about(stream(seed, "driver_steers"), 0, 6.0)
    turned = DriverControls(wheel_torque_nm=4.0, wheel_angle_rad=0.12)
    bounds = (Bound("offset_max_m", least=0.25, most=1.6, why="the wheel works"),)
    return _interfered(cruise(50.0, seed), bounds, Said(at_s, turned), Said(at_s + 1.0, FREE))


def driver_cancels(seed: int) -> Scene:
    """The cancel button: off without a jerk."""
    press = DriverRequest(stamp_ns=0, kind=RequestKind.CANCEL)
    bounds = (
        Bound("handed_back", least=1, why="the driver has the car"),
        Bound("accel_hardest_mps2", least=-1.5, why="no jerk at the handover"),
    )
    return _interfered(cruise(100.0, seed), bounds, Said(6.0, press))


def set_speed(seed: int) -> Scene:
    """The driver sets a lower speed."""
    press = DriverRequest(stamp_ns=0, kind=RequestKind.SET_SPEED, value=20.0)
    scene = replace(cruise(100.0, seed), duration_s=30.0, set_speed_mps=20.0)
    bounds = (Bound("speed_end_mps", least=18.5, most=20.6, why="as set"), *NO_HANDOVER)
    return _interfered(scene, bounds, Said(5.0, press))


def hands_off(eyes: bool, seed: int) -> Scene:
    """Nobody holds the wheel (or looks): ask, ask louder, stop."""
    scene = replace(cruise(100.0, seed), duration_s=110.0)
    away = DriverControls(hands_on=False, eyes_on=eyes)
    bounds = (
        Bound("minimal_risk", least=1, why="a driver who does not answer is brought to a stop"),
        Bound("speed_end_mps", most=0.1, why="stands"),
        Bound("accel_min_mps2", least=-4.2, why="UN R157: minimal-risk stop at most 4 m/s2"),
    )
    return _interfered(scene, bounds, Said(5.0, away))


def belt_opened(seed: int) -> Scene:
    """The belt is opened while driving: a takeover is demanded."""
    bounds = (Bound("interventions", least=1, why="it says so"),)
    return _interfered(cruise(50.0, seed), bounds, Said(6.0, DriverControls(belted=False)))


def stray_stalk(seed: int) -> Scene:
    """The stalk on a road with one lane: nothing happens."""
    press = DriverRequest(stamp_ns=0, kind=RequestKind.INDICATE, indicator=Indicator.LEFT)
    bounds = (
        Bound("offset_max_m", most=0.4, why="there is no lane to go to"),
        Bound("speed_end_mps", least=0.93 * 100.0 / 3.6, why="makes way"),
        *NO_HANDOVER,
    )
    return _interfered(cruise(100.0, seed), bounds, Said(5.0, press))


def cases() -> tuple[Case, ...]:
    """All cases of this file."""
    found = [
        Case(
            f"lost-{sensor.replace('_', '-')}",
            "sensor_loss",
            partial(sensor_lost, sensor, FaultKind.LOST),
        )
        for sensor in LOST
    ]
    found += [
        Case(
            "frozen-radar-front",
            "sensor_loss",
            partial(sensor_lost, "radar_front", FaultKind.FROZEN),
        ),
        Case(
            "delayed-camera-front",
            "sensor_loss",
            partial(sensor_lost, "camera_front", FaultKind.DELAYED),
        ),
        Case(
            "noisy-radar-front", "sensor_loss", partial(sensor_lost, "radar_front", FaultKind.NOISY)
        ),
        Case("lost-all", "sensor_loss", all_lost),
        Case("ghosts-radar-100", "ghosts", partial(ghosts, "radar_front", 100.0)),
        Case("ghosts-camera-50", "ghosts", partial(ghosts, "camera_front", 50.0)),
        Case("ghosts-and-standing-car", "ghosts", ghosts_and_standing),
        Case("driver-brakes", "driver", driver_brakes),
        Case("driver-accelerates", "driver", driver_accelerates),
        Case("driver-steers", "driver", driver_steers),
        Case("driver-cancels", "driver", driver_cancels),
        Case("driver-sets-speed", "driver", set_speed),
        Case("hands-off", "escalation", partial(hands_off, True)),
        Case("hands-and-eyes-off", "escalation", partial(hands_off, False)),
        Case("belt-opened", "driver", belt_opened),
        Case("stalk-without-a-lane", "driver", stray_stalk),
    ]
    return tuple(found)
