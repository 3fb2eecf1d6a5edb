import { describe, expect, test } from "vitest";
import { haltOf, isOver, reasonOf } from "../kit/arrival";
import { wishOf } from "../kit/drive/presses";
import type { CockpitFrame, CockpitUpdate, UpdatePhase, UpdateState } from "../kit/messages.gen";
import {
  badge,
  headline,
  isParked,
  lineWords,
  lockOf,
  progressWords,
  sizeWords,
  takesWords,
  unusableNow,
  upper,
  versions,
  whenWords,
  whyNot,
  wishes,
} from "../kit/updates";

const STATE: UpdateState = {
  stamp_ns: 1e9,
  phase: "idle",
  offer: "",
  title: "",
  changes: [],
  unusable: [],
  takes_s: 0,
  size_bytes: 0,
  units: [],
  done: 0,
  left_s: null,
  starts_s: null,
  reasons: [],
  locked: false,
  can: [],
  refused: "",
  last: null,
};
const NOW_S = new Date(2026, 10, 30, 18, 30).getTime() / 1000;

function state(phase: UpdatePhase, more: Partial<UpdateState> = {}): UpdateState {
  return { ...STATE, phase, ...more };
}

function told(phase: UpdatePhase, more: Partial<UpdateState> = {}, silent = false): CockpitUpdate {
  return { state: state(phase, more), silent };
}

function local(...parts: [number, number, number, number, number]): number {
  return new Date(...parts).getTime() / 1000;
}

describe("times of updates", () => {
  test.each([
    [local(2026, 11, 1, 2, 10), "tonight at 02:10"],
    [local(2026, 10, 30, 20, 5), "today at 20:05"],
    [local(2026, 11, 1, 9, 30), "tomorrow at 09:30"],
    [local(2026, 10, 30, 3, 0), "today at 03:00"],
    [local(2026, 10, 29, 3, 0), "yesterday at 03:00"],
    [local(2026, 11, 3, 2, 10), "on 3 Dec 2026 at 02:10"],
  ])("%f is said as %s", (at, words) => {
    expect(whenWords(at, NOW_S)).toBe(words);
  });

  test("sizes and spans are said as people say them", () => {
    expect([0, 400_000, 4.7e6, 48e6, 1.2e9].map(sizeWords)).toEqual([
      "0.1 MB",
      "0.4 MB",
      "4.7 MB",
      "48 MB",
      "1.2 GB",
    ]);
    expect(takesWords(state("offered", { takes_s: 12 }))).toBe("Takes about 1 min");
    expect(takesWords(state("offered", { takes_s: 3900 }))).toBe("Takes about 1 h 5 min");
    expect(takesWords(state("offered"))).toBe("");
    expect(takesWords(state("trial", { takes_s: 3900 }))).toBe("");
  });
});

describe("how far an update is", () => {
  test("is measured only where something is", () => {
    expect(progressWords(state("offered", { done: 1 }))).toBe("");
    expect(progressWords(state("installing", { done: 0.436, left_s: 200 }))).toBe(
      "43 %, 3 min left",
    );
    expect(progressWords(state("trial", { done: 0.9, left_s: 59 }))).toBe(
      "90 %, less than a minute of driving left, or one more start",
    );
    expect(progressWords(state("downloading", { done: 0.25, size_bytes: 48e6 }))).toBe(
      "25 % of 48 MB",
    );
  });

  test("is the first line, with its hour where one is set", () => {
    const starts_s = local(2026, 11, 1, 2, 10);
    expect(headline(state("waiting", { starts_s }), NOW_S)).toBe(
      "It will be installed tonight at 02:10",
    );
    expect(headline(state("waiting"), NOW_S)).toBe("The update waits");
    expect(headline(STATE, NOW_S)).toBe("No update is in hand");
  });
});

describe("the note under the seat's button", () => {
  test("is silent while nothing is to be known", () => {
    for (const phase of ["idle", "checking", "downloading"] as const) {
      expect(badge(told(phase), NOW_S).words).toBe("");
    }
    expect(badge(null, NOW_S).words).toBe("");
  });

  test("calls for what a person must decide or know", () => {
    expect(badge(told("offered"), NOW_S)).toEqual({ words: "Update ready", calls: true });
    expect(badge(told("waiting"), NOW_S)).toEqual({ words: "Update waits", calls: true });
    const starts_s = local(2026, 11, 1, 2, 10);
    expect(badge(told("waiting", { starts_s }), NOW_S).words).toBe("Update tonight at 02:10");
    expect(badge(told("installing", { done: 0.999 }), NOW_S).words).toBe("Update 99 %");
    expect(badge(told("trial"), NOW_S)).toEqual({ words: "Update on trial", calls: false });
    expect(badge(told("reverting"), NOW_S).words).toBe("Going back");
  });

  test("tells for a day what became of it", () => {
    const last = {
      end: "rolled_back" as const,
      title: "",
      at_s: NOW_S - 3600,
      why: "",
      changes: [],
      units: [],
    };
    expect(badge(told("idle", { last }), NOW_S)).toEqual({ words: "Update undone", calls: true });
    const well = { ...last, end: "installed" as const };
    expect(badge(told("idle", { last: well }), NOW_S)).toEqual({ words: "Updated", calls: false });
    expect(badge(told("idle", { last }), NOW_S + 86_400).words).toBe("");
  });
});

describe("what a person may wish", () => {
  test("is what the car takes, the strongest first", () => {
    const can = ["check", "later", "tonight", "now"] as const;
    expect(wishes(state("offered", { can }))).toEqual([
      ["now", "Install now"],
      ["tonight", "Tonight"],
      ["later", "Later"],
    ]);
    expect(wishes(state("idle", { can }))).toContainEqual(["check", "Look for updates"]);
    expect(wishes(state("waiting", { can, starts_s: NOW_S })).map(([one]) => one)).toEqual([
      "now",
      "later",
    ]);
    expect(wishes(state("waiting", { can: ["later"] }))).toEqual([["later", "Not now"]]);
    const wish = { wish: "tonight", offer: "3f2a" } as const;
    expect(wishOf(wish)).toEqual({ type: "wish", ...wish });
  });

  test("is not taken for a reason", () => {
    expect(whyNot(told("offered", { can: ["now"] }), false)).toBe("Take the wheel to decide.");
    expect(whyNot(told("offered", { can: ["now"] }), true)).toBe("");
    expect(whyNot(told("idle"), false)).toBe("");
    expect(whyNot(told("offered", { refused: "the charge is too low" }), true)).toBe(
      "Not taken: the charge is too low",
    );
    expect(whyNot(told("offered", {}, true), true)).toContain("silent");
  });

  test("the car's lines are told as people write them", () => {
    expect(upper("it waits")).toBe("It waits");
    expect(upper("")).toBe("");
    expect(lineWords("Steering: 1.8 -> 1.9")).toBe("Steering: 1.8 → 1.9");
    expect(lineWords("App trip: - -> 3.0")).toBe("App trip: new 3.0");
    expect(progressWords(state("trial"))).toBe("");
  });

  test("what cannot be used is told where it is of use", () => {
    const unusable = ["Driving"];
    expect(unusableNow(state("offered", { unusable }))).toEqual(unusable);
    expect(unusableNow(state("downloading", { unusable }))).toEqual([]);
    expect(unusableNow(state("trial", { unusable }))).toEqual([]);
    expect(unusableNow(state("trial", { unusable, locked: true }))).toEqual(unusable);
  });

  test("versions are told as far as they are known", () => {
    expect(versions({ runs: "1.0", gets: "2.0" })).toBe("1.0 → 2.0");
    expect(versions({ runs: "", gets: "2.0" })).toBe("new: 2.0");
    expect(versions({ runs: "2.0", gets: "2.0" })).toBe("2.0");
  });
});

describe("a car that an update holds", () => {
  const frame = {
    stop: null,
    update: told("installing", { locked: true }),
    pilot: { engagement: "off", blocker_words: ["Gear not in drive"], words: "Off" },
    plan: { arrived: true },
  } as unknown as CockpitFrame;

  test("says so where it says who drives, in few words", () => {
    expect(haltOf(frame)).toEqual({
      stands: true,
      words: "Cannot be driven",
      reason: "An update is being installed",
    });
    expect(reasonOf(frame)).toBe("An update is being installed");
    expect(isOver(frame)).toBe(false);
    for (const phase of ["installing", "rebooting", "trial", "confirming", "reverting", "idle"]) {
      const lock = lockOf(told(phase as UpdatePhase, { locked: true }));
      expect(lock?.reason.length).toBeLessThanOrEqual(30);
    }
    expect(lockOf(told("installing"))).toBeNull();
    expect(lockOf(null)).toBeNull();
  });

  test("a stop of the guard is said first", () => {
    const stop = { stands: false, words: "Car stops", reason: "The pilot fell silent" };
    expect(haltOf({ ...frame, stop })).toBe(stop);
  });

  test("is parked only when it is sure of it", () => {
    const parked = { valid: true, gear: "park", speed_mps: 0 };
    const at = (car: object | null) => isParked({ ...frame, car } as unknown as CockpitFrame);
    expect(at(parked)).toBe(true);
    expect(at({ ...parked, speed_mps: 0.2 })).toBe(false);
    expect(at({ ...parked, gear: "drive" })).toBe(false);
    expect(at({ ...parked, valid: false })).toBe(false);
    expect(at(null)).toBe(false);
  });
});
