"""An app: it runs alone behind its walls, and `volant_app` is how it talks to the car."""

import volant_app

car = volant_app.Car()
car.subscribe("Vehicle.Speed")
starts = int(car.kept("starts") or b"0") + 1
car.keep("starts", str(starts).encode())
print(f"start {starts}", flush=True)
try:
    while True:
        for value, _stamp_ns in car.wait(10.0).values():
            if value is not None and car.moving is False:
                car.show("Speed", f"{value:.0f} km/h")
finally:
    print("asked to end", flush=True)
