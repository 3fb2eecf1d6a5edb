import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type State, viewOf } from "../app/cover";
import { ask, granted, heard, late, refused, wordsOf } from "../dashboard/asks";
import { card, chargeWords, consumption, span, windowWords } from "../dashboard/model";
import { joined, lineOf, SPAN_MS, scaleOf, thinned } from "../dashboard/series";
import * as at from "../dashboard/signals";
import { dataOf } from "../kit/viss";

describe("the frame around an app", () => {
  const state: State = {
    name: "x",
    page: "index.html",
    while_moving: "nothing",
    moving: false,
    card: ["Title", "line"],
  };
  it("shows the app while the car stands", () => {
    expect(viewOf(state, 0)).toEqual({ app: "shown", words: "", card: [] });
  });
  it("takes away what shows nothing while the car moves", () => {
    expect(viewOf({ ...state, moving: true }, 0).app).toBe("none");
    expect(viewOf({ ...state, moving: true }, 0).card).toEqual([]);
  });
  it("shows a card and no more where the manifest says so", () => {
    const view = viewOf({ ...state, while_moving: "card", moving: true }, 0);
    expect(view).toEqual({ app: "hidden", words: "The car moves", card: ["Title", "line"] });
  });
  it("covers what it has heard nothing of", () => {
    expect(viewOf(null, 0).app).toBe("none");
    expect(viewOf(state, 5000)).toEqual({ app: "none", words: "No word from the car", card: [] });
    expect(viewOf({ ...state, while_moving: "card" }, 5000).app).toBe("hidden");
  });
});

describe("what was asked", () => {
  const one = ask("Open front left window", at.WINDOWS["Front left"], "100");
  it("is done only when the signal has the value", () => {
    expect(wordsOf(one)).toBe("Open front left window: asked …");
    const going = heard(granted(one), "40");
    expect(wordsOf(going)).toBe("Open front left window: on its way …");
    expect(wordsOf(heard(going, "100"))).toBe("Open front left window: done.");
  });
  it("is refused in the car's own words", () => {
    const no = refused(
      one,
      "Vehicle.Cabin.X: no door opens while the car moves. The server is currently unable.",
    );
    expect(wordsOf(no)).toBe("Open front left window: refused. No door opens while the car moves.");
    expect(heard(no, "100").stage).toBe("refused");
    expect(granted(no).stage).toBe("refused");
  });
  it("is late, and may still be done", () => {
    expect(wordsOf(late(granted(one)))).toBe("Open front left window: the car has not done it.");
    expect(heard(late(granted(one)), "100").stage).toBe("done");
    expect(late(refused(one, "no")).stage).toBe("refused");
  });
  it("compares texts and flags as they are", () => {
    expect(heard(ask("on", at.CLIMATE, "true"), "false").stage).toBe("asked");
    expect(heard(ask("on", at.CLIMATE, "true"), "true").stage).toBe("done");
  });
});

describe("the dashboard's words", () => {
  const values = new Map([
    [at.TRIP, "12400"],
    [at.TIME, "905"],
    [at.CONSUMED, "2.9"],
    [at.RECOVERED, "0.8"],
    [at.CHARGE, "71"],
    [at.RANGE, "312000"],
    [at.POWER, "-9400"],
  ]);
  it("say what is known and leave out the rest", () => {
    expect(consumption(values)).toBe("16.9 kWh/100 km");
    expect(card(values)).toEqual([
      "Trip 12 km",
      ["16.9 kWh/100 km, 15:05 min", "71 % charge, 312 km"],
    ]);
    expect(card(new Map())).toEqual(["Trip –", []]);
    expect(
      consumption(
        new Map([
          [at.TRIP, "100"],
          [at.CONSUMED, "1"],
          [at.RECOVERED, "0"],
        ]),
      ),
    ).toBe("–");
  });
  it("tell charging from driving", () => {
    expect(chargeWords(values)).toBe("Uses 9.4 kW");
    expect(chargeWords(new Map([[at.POWER, "20000"]]))).toBe("Gains 20.0 kW");
    expect(chargeWords(new Map([[at.CABLE, "true"]]))).toBe("Plugged in, not charging");
    const charging = new Map([
      [at.IS_CHARGING, "true"],
      [at.COMPLETE, "4020"],
    ]);
    expect(chargeWords(charging)).toBe("Charging, 1:07 h to go");
  });
  it("name windows and times", () => {
    expect([null, 0, 50, 100].map(windowWords)).toEqual(["–", "Closed", "50 % open", "Open"]);
    expect([null, 59, 3600].map(span)).toEqual(["–", "0:59 min", "1:00 h"]);
  });
});

describe("a series", () => {
  it("is in order, without doubles, and no longer than the chart", () => {
    const old = { at_ms: 0, value: 1 };
    const now = { at_ms: SPAN_MS + 1, value: 2 };
    expect(joined([now, old], [now])).toEqual([now]);
    expect(joined([{ at_ms: 5, value: 1 }], [{ at_ms: 2, value: 3 }])[0].at_ms).toBe(2);
  });
  it("keeps the newest value and about one a second", () => {
    let have: { at_ms: number; value: number }[] = [];
    for (let at_ms = 0; at_ms <= 10_000; at_ms += 50) {
      have = thinned(have, { at_ms, value: at_ms });
      expect(have.at(-1)?.value).toBe(at_ms);
    }
    expect(have.length).toBeLessThan(14);
  });
  it("has round bounds with 0 in them", () => {
    expect(scaleOf([], 20)).toEqual({ low: 0, high: 20 });
    expect(Object.is(scaleOf([], 20).low, 0)).toBe(true);
    const scale = scaleOf(
      [
        { at_ms: 0, value: -9.4 },
        { at_ms: 1, value: 61 },
      ],
      1,
    );
    expect(scale).toEqual({ low: -10, high: 80 });
  });
  it("is drawn in steps until now", () => {
    const line = lineOf(
      [
        { at_ms: 0, value: 0 },
        { at_ms: SPAN_MS / 2, value: 10 },
      ],
      SPAN_MS,
      { low: 0, high: 10 },
      100,
      50,
    );
    expect(line).toBe("M0.0 50.0L50.0 50.0L50.0 0.0L100.0 0.0");
  });
});

it("VISS gives one signal as an object and several as an array", () => {
  const dp = { value: "1", ts: "2026-01-01T00:00:00Z" };
  expect(dataOf({ path: "a", dp })).toEqual(new Map([["a", [dp]]]));
  expect(dataOf([{ path: "a", dp: [dp, dp] }])).toEqual(new Map([["a", [dp, dp]]]));
  expect(dataOf(undefined)).toEqual(new Map());
});

it("the manifest asks for what the dashboard uses, and for nothing else", () => {
  const text = readFileSync(new URL("../../apps/dashboard/app.toml", import.meta.url), "utf-8");
  const asked = [...text.matchAll(/"(read|actuate):Vehicle\.([^"]+)"/g)];
  const of = (action: string) => asked.filter((one) => one[1] === action).map((one) => one[2]);
  const covers = (pattern: string, path: string) =>
    new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", "[^.]+")}$`).test(path);
  const moved = new Set(at.MOVED);
  const read = at.ALL.filter((path) => !moved.has(path));
  expect(new Set(of("read"))).toEqual(new Set(read));
  for (const path of at.MOVED) expect(of("actuate").some((one) => covers(one, path))).toBe(true);
  for (const one of of("actuate")) expect(at.MOVED.some((path) => covers(one, path))).toBe(true);
});
