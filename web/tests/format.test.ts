import { describe, expect, it } from "vitest";
import { brief, clock, distance, kmh, percent, Steady } from "../kit/format";

describe("what people read", () => {
  it("turns m/s into km/h", () => {
    expect(kmh(10)).toBeCloseTo(36);
  });

  it.each([
    [null, "–"],
    [Number.NaN, "–"],
    [37.6, "38 m"],
    [994.4, "994 m"],
    [996, "1.0 km"],
    [9940, "9.9 km"],
    [374_000, "374 km"],
  ])("%s metres reads %s", (metres, words) => {
    expect(distance(metres)).toBe(words);
  });

  it("writes percent and time", () => {
    expect(percent(72.4)).toBe("72 %");
    expect(clock(187.9)).toBe("3:07");
    expect(clock(-1)).toBe("0:00");
  });

  it("keeps lines within thirty characters", () => {
    expect(brief("Slower car ahead")).toBe("Slower car ahead");
    const long = brief("x".repeat(31));
    expect(long).toHaveLength(30);
    expect(long.endsWith("…")).toBe(true);
  });

  it("does not flicker between two numbers", () => {
    const steady = new Steady();
    const shown = [79.4, 79.6, 79.45, 79.55, 79.64].map((value) => steady.of(value));
    expect(shown).toEqual([79, 79, 79, 79, 79]);
    expect(steady.of(79.66)).toBe(80);
    expect(steady.of(79.4)).toBe(80);
    expect(steady.of(0)).toBe(0);
  });
});
