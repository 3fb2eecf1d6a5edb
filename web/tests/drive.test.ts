import { describe, expect, test } from "vitest";
import { type Feet, type Hold, handsOf, join, pressKeys, REST, readPad } from "../kit/drive/hands";
import {
  GAPS_S,
  nextGap,
  nextSpeed,
  padPresses,
  pressOf,
  switchOf,
  type Wishes,
} from "../kit/drive/presses";

function hold(what: readonly Hold[], spanS: number, feet: Feet = REST): Feet {
  let now = feet;
  for (let t = 0; t < spanS; t += 0.025) now = pressKeys(now, new Set(what), 0.025);
  return now;
}

describe("keys", () => {
  test("a pedal goes down over half a second and comes back when let go", () => {
    expect(hold(["throttle"], 0.1).accelerator).toBeLessThan(0.2);
    const down = hold(["throttle"], 1);
    expect(down.accelerator).toBeCloseTo(0.6);
    expect(hold([], 0.5, down)).toEqual(REST);
  });

  test("the brake wins over the accelerator, and the full brake is there at once", () => {
    expect(hold(["throttle", "brake"], 1)).toEqual({ accelerator: 0, brake: 0.5, wheel: 0 });
    expect(pressKeys(REST, new Set<Hold>(["full-brake"]), 0.025).brake).toBe(1);
  });

  test("left is positive, and both together are straight on", () => {
    expect(hold(["left"], 1).wheel).toBe(1);
    expect(hold(["right"], 1).wheel).toBe(-1);
    expect(hold(["left", "right"], 1).wheel).toBe(0);
  });

  test("everything stays within its range whatever is held", () => {
    const all: Hold[] = ["throttle", "brake", "full-brake", "left", "right"];
    for (let mask = 0; mask < 32; mask++) {
      let feet = REST;
      for (let i = 0; i < 60; i++) {
        const held = all.filter((_, bit) => ((mask >> bit) & 1) === 1 && (i * (bit + 3)) % 7 < 5);
        feet = pressKeys(feet, new Set(held), 0.07);
        expect(feet.accelerator).toBeGreaterThanOrEqual(0);
        expect(feet.accelerator).toBeLessThanOrEqual(1);
        expect(feet.brake).toBeGreaterThanOrEqual(0);
        expect(feet.brake).toBeLessThanOrEqual(1);
        expect(Math.abs(feet.wheel)).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe("gamepad", () => {
  const up = { pressed: false, value: 0 };
  const pad = (x: number, values: Record<number, number> = {}) => ({
    axes: [x, 0, 0, 0],
    buttons: Array.from({ length: 17 }, (_, i) =>
      values[i] === undefined ? up : { pressed: values[i] > 0.5, value: values[i] },
    ),
  });

  test("the stick steers, fine around the middle, and does not drift", () => {
    expect(readPad(pad(0.05)).wheel).toBe(0);
    expect(readPad(pad(1)).wheel).toBe(-1);
    expect(readPad(pad(-1)).wheel).toBe(1);
    expect(Math.abs(readPad(pad(0.3)).wheel)).toBeLessThan(0.2);
  });

  test("the triggers are pedals", () => {
    expect(readPad(pad(0, { 7: 0.4 })).accelerator).toBe(0.4);
    expect(readPad(pad(0, { 6: 0.7 })).brake).toBe(0.7);
  });

  test("a broken pad moves nothing", () => {
    expect(readPad({ axes: [Number.NaN], buttons: [] })).toEqual(REST);
    expect(readPad({ axes: [], buttons: [] })).toEqual(REST);
  });

  test("a button counts once while it is held", () => {
    const [first, down] = padPresses(new Set(), pad(0, { 0: 1, 4: 1 }));
    expect(first).toEqual(["engage", "left"]);
    expect(padPresses(down, pad(0, { 0: 1, 4: 1 }))[0]).toEqual([]);
  });

  test("pad and keys join: more of each, and the brake before the accelerator", () => {
    const one = { accelerator: 0.5, brake: 0, wheel: 0.2 };
    const other = { accelerator: 0, brake: 0.3, wheel: -0.6 };
    expect(join(one, other)).toEqual({ accelerator: 0, brake: 0.3, wheel: -0.6 });
  });
});

describe("buttons", () => {
  const wishes: Wishes = { setKmh: 118.2, gapS: 1.6, indicator: "off" };

  test("the set speed steps by five to the next of the row", () => {
    expect(nextSpeed(118.2, 1)).toBe(120);
    expect(nextSpeed(118.2, -1)).toBe(115);
    expect(nextSpeed(120, 1)).toBe(125);
    expect(nextSpeed(120, -1)).toBe(115);
    expect(nextSpeed(145, 1)).toBe(145);
    expect(nextSpeed(2, -1)).toBe(0);
  });

  test("the gap goes round", () => {
    const seen = [nextGap(1.6)];
    for (let i = 0; i < 4; i++) seen.push(nextGap(seen[i]));
    expect(seen).toEqual([1.8, 2.2, 1.0, 1.4, 1.8]);
    expect(GAPS_S.length).toBeGreaterThanOrEqual(4);
  });

  test("each press is a message that the server knows", () => {
    expect(pressOf("engage", wishes)).toEqual({
      type: "press",
      kind: "engage",
      value: null,
      indicator: null,
      function: null,
    });
    expect(pressOf("faster", wishes).value).toBeCloseTo(120 / 3.6);
    expect(pressOf("limit", wishes)).toMatchObject({ kind: "set_speed", value: null });
    expect(pressOf("left", wishes).indicator).toBe("left");
    expect(pressOf("left", { ...wishes, indicator: "left" }).indicator).toBe("off");
    expect(switchOf("lcc", false)).toMatchObject({ kind: "switch", function: "lcc", value: 0 });
  });

  test("hands are a message too", () => {
    expect(handsOf(REST, true, false)).toEqual({
      type: "hands",
      accelerator: 0,
      brake: 0,
      wheel: 0,
      hands_on: true,
      eyes_on: false,
    });
  });
});
