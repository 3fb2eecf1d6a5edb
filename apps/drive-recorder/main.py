"""Drive recorder: what the car did before and after hard braking, an impact, a takeover, as CSV."""

import time

import clips
import volant_app

READ = (
    "Vehicle.Speed",
    "Vehicle.Acceleration",
    "Vehicle.AngularVelocity.Yaw",
    "Vehicle.Chassis.Brake.PedalPosition",
    "Vehicle.Chassis.Accelerator.PedalPosition",
    "Vehicle.Chassis.SteeringWheel.Angle",
    "Vehicle.Body.Impact",
    "Vehicle.ADAS.EBA.IsEngaged",
    "Vehicle.ADAS.Pilot.State",
    "Vehicle.ADAS.Pilot.Takeover",
)
KEPT_MOST_BYTES = 18_000_000


def keep(car, clip):
    """Keep a clip; the oldest go when there is no room, and a used-up day is told."""
    event, began_s, rows = clip
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(began_s))
    data = clips.text_of(rows, began_s).encode()
    sizes = {name: size for name, size in car.names().items() if name.endswith(".csv")}
    for name in sorted(sizes):  # names begin with the time
        if sum(sizes.values()) + len(data) <= KEPT_MOST_BYTES and len(sizes) < 200:
            break
        car.drop(name)
        del sizes[name]
    name = f"{stamp}-{event}.csv"
    try:
        car.keep(name, data)
        print(f"kept {name}: {clips.words_of(rows, began_s)}", flush=True)
    except volant_app.Refused as error:
        print(f"{name} is not kept: {error}", flush=True)


def main():
    """Record until the car asks to end."""
    car = volant_app.Car()
    car.subscribe(*READ)
    recorder = clips.Recorder()
    try:
        while True:
            for path, (value, stamp_ns) in car.wait(0.5).items():
                if value is not None:
                    done = recorder.take(stamp_ns / 1e9, path, value)
                    if done is not None:
                        keep(car, done)
            done = recorder.turn(time.time())
            if done is not None:
                keep(car, done)
    finally:
        done = recorder.end()
        if done is not None:
            keep(car, done)


main()
