"""Trip computer with energy coach: a card on the screen, a line for each trip in what it keeps."""

import time

import trip
import volant_app

TRIPS = "trips.txt"
TRIPS_MOST_BYTES = 64 * 1024
SHOW_EVERY_S = 2.0
SAVE_EVERY_S = 60.0
DRIVER_KG = 75.0
FACTS = ("Vehicle.CurbWeight", "Vehicle.WidthExcludingMirrors", "Vehicle.Height")
READ = (
    "Vehicle.Speed",
    "Vehicle.IsMoving",
    "Vehicle.TraveledDistance",
    "Vehicle.Acceleration.Longitudinal",
    "Vehicle.Powertrain.Range",
    "Vehicle.Powertrain.TractionBattery.CurrentPower",
    "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current",
)


def end(car, now):
    """Keep the trip, and let go of the oldest when there are many."""
    if now.distance_m < 100.0:
        return
    kept = car.kept(TRIPS) or b""
    words = ". ".join(one for one in (now.record(), now.advice()) if one)
    line = f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} {words}\n".encode()
    print(line.decode().strip(), flush=True)
    if len(kept) + len(line) > TRIPS_MOST_BYTES:
        kept = kept[len(kept) // 2 :].partition(b"\n")[2]
    car.keep(TRIPS, kept + line)
    if "running.txt" in car.names():
        car.drop("running.txt")


def begin(car):
    """A trip of this car: mass and size as it tells them."""
    kerb_kg, width_mm, height_mm = (car.value(path) for path in FACTS)
    if not (kerb_kg and width_mm and height_mm):
        return trip.Trip()
    area_m2 = trip.FRONT_SHARE * width_mm * height_mm / 1e6
    return trip.Trip(kerb_kg + DRIVER_KG, area_m2)


def main():
    """Reckon until the car asks to end."""
    car = volant_app.Car()
    car.subscribe(*READ)
    now, reach_m = begin(car), None
    shown_s = saved_s = time.monotonic()
    left = car.kept("running.txt")
    if left:  # the last trip ended with a crash or a cut of power
        car.keep(TRIPS, ((car.kept(TRIPS) or b"") + left)[-TRIPS_MOST_BYTES:])
        car.drop("running.txt")
    try:
        while True:
            changed = car.wait(1.0)
            values = {p.rsplit(".", 1)[1]: v for p, (v, _) in changed.items() if v is not None}
            if values:
                now.take(max(stamp for _, stamp in changed.values()), values)
            reach_m = values.get("Range", reach_m)
            at_s = time.monotonic()
            if at_s - shown_s >= SHOW_EVERY_S:
                shown_s = at_s
                car.show(*now.card(reach_m))
            if at_s - saved_s >= SAVE_EVERY_S and now.distance_m > 100.0:
                saved_s = at_s
                stamp = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
                car.keep("running.txt", f"{stamp} {now.record()} (not ended)\n".encode())
    finally:
        end(car, now)


main()
