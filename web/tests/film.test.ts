import { describe, expect, it } from "vitest";
import { type Film, Projector } from "../exam/film";

/** MessagePack of a road with nothing on it. */
const EMPTY = Uint8Array.from([0x81, 0xa5, ...new TextEncoder().encode("posts"), 0x90]);

const film: Film = {
  name: "case",
  kind: "kind",
  passed: false,
  reasons: ["why"],
  length_m: 4.5,
  width_m: 1.8,
  rear_overhang_m: 0.9,
  stamps_s: [0.2, 0.4],
  ego: [
    [0, 0, 3.1, 10, 0, 0, 0, -1, 0],
    [2, 0, -3.1, 12, -1, 0, 0, 8, 0],
  ],
  objects: [
    [[7, "car", 10, 2, 0, 5, 4.5, 1.8, 1.5, 0, 0, "left"]],
    [[7, "car", 100, 2, 0, 5, 4.5, 1.8, 1.5, 0, 0, "left"]],
  ],
  lights: [[], []],
  words: ["Following", "Stopping"],
  contacts_s: [],
  road: 0,
};

describe("a recorded case", () => {
  const shown = new Projector(film, EMPTY, 1);

  it("moves evenly between its pictures, headings the short way round", () => {
    const { ego } = shown.frame(0.3, 1);
    expect(ego?.x_m).toBeCloseTo(1);
    expect(ego?.speed_mps).toBeCloseTo(11);
    expect(Math.abs(ego?.yaw_rad ?? 0)).toBeCloseTo(Math.PI);
  });

  it("does not slide what was put elsewhere", () => {
    expect(shown.frame(0.3, 1).tracks[0].x_m).toBe(10);
  });

  it("holds its ends", () => {
    expect(shown.frame(0, 1).ego?.x_m).toBe(0);
    expect(shown.frame(9, 1).ego?.x_m).toBe(2);
    expect(shown.words(9)).toBe("Stopping");
    expect(shown.figures(0.2).gap_m).toBeNull();
  });
});
