import { describe, expect, test } from "vitest";
import { countWords, frameRows, moment, since, whyNot } from "../kit/codes";
import type { CockpitCodes, CodeFrame, TroubleCode } from "../kit/messages.gen";

const frame: CodeFrame = {
  stamp_ns: 42e9,
  drives_ago: 0,
  speed_mps: 25,
  charge_pct: 79.6,
  supply_v: null,
  odometer_m: 12_345,
};
const code: TroubleCode = {
  unit: "pilot",
  unit_words: "Pilot",
  code: "B1081-49",
  name: "pilot_lost",
  words: "the pilot has gone",
  status: "stored",
  warns: true,
  occurrences: 1,
  first: frame,
  latest: frame,
};

function codes(count: number, more: Partial<CockpitCodes> = {}): CockpitCodes {
  const shown = Array.from({ length: Math.min(count, 32) }, () => code);
  return { number: 0, count, codes: shown, may_clear: false, refused: "", ...more };
}

describe("trouble codes", () => {
  test("are counted in the status line, and that there are none is said", () => {
    expect(countWords(null)).toBe("");
    expect(countWords(codes(0))).toBe("No trouble codes");
    expect(countWords(codes(1))).toBe("1 trouble code");
    expect(countWords(codes(40))).toBe("40 trouble codes");
  });

  test("say since when they are there", () => {
    expect(since(code)).toBe("First in this drive at 0:42");
    expect(since({ ...code, occurrences: 3 })).toBe("First in this drive at 0:42, 3 times in all");
    expect(since({ ...code, occurrences: 255 })).toContain("255 times or more");
    expect(moment({ ...frame, drives_ago: 1 })).toBe("in the drive before at 0:42");
    expect(moment({ ...frame, drives_ago: 7 })).toBe("7 drives ago at 0:42");
    expect(since({ ...code, first: null })).toBe("");
  });

  test("show what was measured, and leave out what was not", () => {
    expect(frameRows(frame)).toEqual([
      ["Failed last", "in this drive at 0:42"],
      ["Speed", "90 km/h"],
      ["Charge", "80 %"],
      ["Odometer", "12.3 km"],
    ]);
    expect(frameRows(null)).toEqual([]);
  });

  test("say why they cannot be cleared", () => {
    expect(whyNot(codes(0), false)).toBe("");
    expect(whyNot(codes(1), true)).toContain("park");
    expect(whyNot(codes(1, { may_clear: true }), false)).toContain("Take the wheel");
    expect(whyNot(codes(1, { may_clear: true }), true)).toBe("");
    expect(whyNot(codes(1, { refused: "Only in park" }), true)).toBe("Not cleared: Only in park");
  });
});
