import { describe, expect, it } from "vitest";
import { arrivalWords, rangeWords } from "../kit/energy";
import type { CockpitEnergy } from "../kit/messages.gen";

function energy(more: Partial<CockpitEnergy> = {}): CockpitEnergy {
  const arrival = { arrival_pct: 41.4, arrival_low_pct: 37.6, arrival_high_pct: 45.2 };
  return { range_m: 212_400, ...arrival, reaches: true, advice: "", ...more };
}

describe("charge ahead", () => {
  it("tells range and arrival in whole figures", () => {
    expect(rangeWords(energy())).toBe("212 km");
    expect(arrivalWords(energy())).toBe("41 % (38 to 45)");
  });

  it("leaves the band out where it is narrow, and bounds it", () => {
    const narrow = { arrival_pct: 79.0, arrival_low_pct: 78.8, arrival_high_pct: 79.2 };
    expect(arrivalWords(energy(narrow))).toBe("79 %");
    const wide = { arrival_pct: 3.0, arrival_low_pct: -4.0, arrival_high_pct: 9.0 };
    expect(arrivalWords(energy(wide))).toBe("3 % (0 to 9)");
  });

  it("says what is missing, and nothing without a route", () => {
    expect(arrivalWords(energy({ arrival_pct: -12.2 }))).toBe("13 % short");
    const none = { arrival_pct: null, arrival_low_pct: null, arrival_high_pct: null };
    expect(arrivalWords(energy(none))).toBe("–");
  });
});
