import { expect, test } from "vitest";
import { chargeWords, spanWords } from "../kit/charge";
import type { CockpitCharge } from "../kit/messages.gen";

const CHARGE: CockpitCharge = {
  station: "ac",
  power_w: 11000,
  limit_pct: 80,
  left_s: 3900,
  starts_s: null,
  why: "",
  cabin: false,
  battery: false,
};

test("a span is said in hours and minutes", () => {
  expect(spanWords(59 * 60)).toBe("59 min");
  expect(spanWords(3600)).toBe("1 h 0 min");
  expect(spanWords(29)).toBe("0 min");
});

test("what charges says how fast and how long", () => {
  expect(chargeWords(CHARGE)).toBe("Charging AC 11.0 kW, 80 % in 1 h 5 min");
});

test("what waits says why and until when", () => {
  const waits = { ...CHARGE, power_w: 0, why: "it waits for its time", starts_s: 600 };
  expect(chargeWords(waits)).toBe("Plugged in AC: it waits for its time, begins in 10 min");
});

test("without a cable only what is prepared is said", () => {
  const none: CockpitCharge = { ...CHARGE, station: "none", why: "no cable is plugged in" };
  expect(chargeWords(none)).toBe("");
  expect(chargeWords({ ...none, cabin: true, battery: true })).toBe(
    "Cabin is made ready, battery is warmed",
  );
  expect(chargeWords(null)).toBe("");
});
