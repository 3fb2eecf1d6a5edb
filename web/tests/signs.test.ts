import { describe, expect, test } from "vitest";
import { alarmOf } from "../kit/alarm";
import { leading, switchedOff } from "../kit/functions";
import type { CockpitFrame, CockpitPilot, LightState } from "../kit/messages.gen";
import { spoken } from "../kit/parts/guide";
import { barOf, lampsOf, stripes } from "../kit/scene/signs";

const zebra = {
  x_m: [10, 14, 14, 10],
  y_m: [0, 0, 8, 8],
  z_m: 2,
  signalled: false,
};

function area(ring: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < ring.length; i += 3) {
    const j = (i + 3) % ring.length;
    sum += ring[i] * ring[j + 1] - ring[j] * ring[i + 1];
  }
  return Math.abs(sum) / 2;
}

describe("signs", () => {
  test("a crossing is striped over half its ground, each stripe as long as it is deep", () => {
    const found = stripes(zebra);
    expect(found.length).toBeGreaterThanOrEqual(8);
    const sum = found.reduce((total, ring) => total + area(ring), 0);
    expect(sum).toBeCloseTo(16, 0);
  });

  test("a signalled crossing has broken borders and no stripes", () => {
    const sum = stripes({ ...zebra, signalled: true }).reduce((t, ring) => t + area(ring), 0);
    expect(sum).toBeLessThan(2);
    expect(sum).toBeGreaterThan(0.5);
  });

  test("a crossing of another shape is left out rather than drawn wrongly", () => {
    expect(stripes({ ...zebra, x_m: [0, 1, 2], y_m: [0, 1, 0] })).toEqual([]);
  });

  test("to stop is one line, to give way is broken", () => {
    const bar = { from_x_m: 0, from_y_m: 0, to_x_m: 0, to_y_m: 3, z_m: 0, solid: true };
    expect(barOf(bar)).toHaveLength(1);
    expect(barOf({ ...bar, solid: false }).length).toBeGreaterThan(2);
  });

  test("each state of a light has its lamps", () => {
    const lit = (state: LightState) => lampsOf(state).map((lamp) => lamp !== null);
    expect(lit("red")).toEqual([true, false, false]);
    expect(lit("red_amber")).toEqual([true, true, false]);
    expect(lit("amber")).toEqual([false, true, false]);
    expect(lit("green")).toEqual([false, false, true]);
    expect(lit("off")).toEqual([false, false, false]);
    expect(lit("unknown")).toEqual([false, false, false]);
  });
});

describe("words", () => {
  const pilot = {
    engagement: "engaged",
    functions: ["acc", "lcc", "navigation"],
    switched_off: [],
  } as unknown as CockpitPilot;

  test("the most capable function leads, and none while the driver drives", () => {
    expect(leading(pilot)).toBe("Navigation");
    expect(leading({ ...pilot, functions: ["acc"] })).toBe("Cruise");
    expect(leading({ ...pilot, engagement: "ready" })).toBe("");
  });

  test("what is off is said, emergency braking first", () => {
    expect(switchedOff(pilot)).toBe("");
    expect(switchedOff({ ...pilot, switched_off: ["lcc", "aeb"] })).toBe("Off: Emergency brake +1");
  });

  test("distances are said as people say them", () => {
    expect([4, 87, 430, 1260].map(spoken)).toEqual(["0 m", "90 m", "450 m", "1.3 km"]);
  });

  test("emergency braking speaks over every other alert", () => {
    const frame = { alert: null, pilot: null, stamp_ns: 5 } as unknown as CockpitFrame;
    const at = (stage: string) =>
      alarmOf({ ...frame, aeb: { stage, words: "Car stands ahead" } } as unknown as CockpitFrame);
    expect(at("ready")).toBeNull();
    expect(at("unavailable")).toBeNull();
    expect(at("warning")).toMatchObject({ words: "Brake!", level: 4, action: "Car stands ahead" });
    expect(at("full")).toMatchObject({ words: "Emergency braking", level: 4 });
    expect(at("hold")).toMatchObject({ level: 2 });
  });
});
