import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { addressOf, pathOf, whyNot } from "../fleet/api";
import {
  aboutCars,
  type Form,
  formOf,
  namesOf,
  newForm,
  newRule,
  newWindow,
  planOf,
} from "../fleet/form";
import * as model from "../fleet/model";
import { HOME, hashOf, menuOf, routeOf } from "../fleet/route";
import type { CarState, Plan, WaveView } from "../fleet/views.gen";
import { words } from "../fleet/words";

const FLEET = new URL("../fleet/", import.meta.url);

function form(changes: Partial<Form> = {}): Form {
  return { ...newForm(), campaign_id: "spring", title: "Spring", release: "os-2.1", ...changes };
}

function wave(cars: Partial<Record<CarState, number>>, changes: Partial<WaveView> = {}): WaveView {
  const size = Object.values(cars).reduce((sum, one) => sum + one, 0);
  return {
    name: "all",
    open: true,
    size,
    errors: 0,
    errors_limit: 2,
    good: 0,
    good_wanted: size,
    rest_until_s: null,
    cars,
    ...changes,
  };
}

describe("addresses of pages", () => {
  test.each([
    ["#/campaigns", { page: "campaigns", id: "", query: {} }],
    [
      "#/campaign/spring?state=failed&wave=all",
      { page: "campaign", id: "spring", query: { state: "failed", wave: "all" } },
    ],
    ["#/cars?filter=a+%3D%3D+1", { page: "cars", id: "", query: { filter: "a == 1" } }],
    ["#/car/A%2FB%20C", { page: "car", id: "A/B C", query: {} }],
  ])("%s is read and written alike", (hash, route) => {
    expect(routeOf(hash)).toEqual(route);
    expect(routeOf(hashOf(route.page as never, route.id, route.query))).toEqual(route);
  });

  test.each([
    "",
    "#",
    "#/",
    "#/nothing",
    "#/car",
    "#/campaigns/x",
    "#/car/%E0%A4%A",
    "#//evil.example",
  ])("%s leads home", (hash) => expect(routeOf(hash)).toEqual(HOME));

  test("a page below another marks that one in the menu", () => {
    expect(menuOf("campaign")).toBe("campaigns");
    expect(menuOf("new")).toBe("campaigns");
    expect(menuOf("car")).toBe("cars");
    expect(menuOf("audit")).toBe("audit");
  });
});

describe("what is asked of the server", () => {
  test("a name with a slash stays one word of the path", () => {
    expect(pathOf("cars", "a/../b c")).toBe("cars/a%2F..%2Fb%20c");
    expect(addressOf("/api/v1/", "cars", { filter: 'a == "b&c"', after: "", limit: 50 })).toBe(
      "/api/v1/cars?filter=a+%3D%3D+%22b%26c%22&limit=50",
    );
  });

  test("a refusal is told in the server's words, else in ours", () => {
    expect(whyNot(409, '{"error": "it is running"}', null)).toBe("it is running");
    expect(whyNot(503, "<html>Bad gateway</html>", "5")).toBe(
      "the server is busy; try again in 5 s",
    );
    expect(whyNot(418, "", null)).toBe("the server answered with status 418");
    expect(whyNot(400, '{"error": {"not": "words"}}', "soon")).toBe(words.errors.status(400));
  });
});

describe("numbers", () => {
  test("a share never says all or nothing when it is not", () => {
    expect(model.share(0, 0)).toBe(words.none);
    expect(model.share(0, 10)).toBe("0 %");
    expect(model.share(1, 1_000_000)).toBe("< 1 %");
    expect(model.share(999_999, 1_000_000)).toBe("99 %");
    expect(model.share(7, 7)).toBe("100 %");
  });

  test.each([
    [0, "0 s"],
    [59, "59 s"],
    [95, "2 min"],
    [3600, "1 h"],
    [5400, "1.5 h"],
    [86_400 * 3, "3 d"],
    [86_400 * 12.4, "12 d"],
  ])("%d s is %s", (span_s, text) => expect(model.span(span_s)).toBe(text));

  test("times say how long ago, and until when", () => {
    expect(model.ago(null, 1000)).toBe("never");
    expect(model.ago(999, 1000)).toBe("just now");
    expect(model.ago(1010, 1000)).toBe("just now");
    expect(model.ago(1000, 1120)).toBe("2 min ago");
    expect(model.until(null, 1000)).toBe(words.none);
    expect(model.until(4600, 1000)).toBe("in 1 h");
  });

  test("sizes, rates, hashes", () => {
    expect([0, 999, 4_736_000, 97_000_000].map(model.size)).toEqual([
      "0 B",
      "999 B",
      "4.7 MB",
      "97 MB",
    ]);
    expect(model.figure(0.005583)).toBe("0.00558");
    expect(model.brief("a".repeat(64))).toBe(`${"a".repeat(12)}…`);
    expect(model.percent(0.07)).toBe("7 %");
  });
});

describe("a wave", () => {
  test("fills its bar with all its cars, the best first", () => {
    const parts = model.segments(wave({ failed: 1, waiting: 5, well: 4 }));
    expect(parts.map((one) => [one.state, one.at, one.width])).toEqual([
      ["well", 0, 40],
      ["waiting", 40, 50],
      ["failed", 90, 10],
    ]);
    expect(model.segments(wave({}))).toEqual([]);
  });

  test("says how it stands, and to those who see no bar too", () => {
    expect(model.waveWords(wave({}, { open: false }), 0)).toBe("not open yet");
    expect(model.waveWords(wave({}, { rest_until_s: 7200 }), 0)).toContain("opens in 2 h");
    expect(model.waveWords(wave({}, { rest_until_s: 7200 }), 9000)).toBe("open");
    expect(model.waveSummary(wave({ well: 4, failed: 1 }))).toBe("Wave all: 4 well, 1 failed");
  });

  test("every state has a word, a colour and a place", () => {
    const css = readFileSync(new URL("wave.ts", FLEET), "utf8");
    expect(new Set(model.STATES)).toEqual(new Set(Object.keys(words.states)));
    for (const state of model.STATES) {
      if (state !== "waiting") expect(css).toContain(`.of-${state}`);
    }
  });
});

describe("the form of a plan", () => {
  test("what it begins with is a plan once it has a name, a title and a release", () => {
    expect(planOf(newForm()).wrongs).toEqual({
      campaign_id: words.form.need,
      title: words.form.need,
      release: words.form.need,
    });
    const { plan, wrongs } = planOf(form());
    expect(wrongs).toEqual({});
    expect(plan.waves[0]).toEqual({
      name: "canaries",
      group: null,
      count: 5,
      share: null,
      success_share: 1,
      errors_stop: 1,
      errors_share: null,
      rest_s: 86_400,
      then_pause: false,
    });
    expect(plan.waves[1]).toMatchObject({ share: 0.1, errors_share: 0.02, success_share: 0.95 });
    expect(plan.patience_s).toBe(3 * 86_400);
  });

  test("a plan is shown and read back unchanged", () => {
    const full = form({
      cars: 'model == "ev1"',
      begins: "2026-12-01T08:00",
      ends: "2026-12-24T18:30",
      confirm: true,
      forced: false,
      windows: [{ ...newWindow(), ahead_h: "1" }],
      health: [{ ...newRule(), signal: "dtc:U0121", usual_rate: "0.001" }],
      unwell: "boot_loop, fire",
    });
    const { plan, wrongs } = planOf(full);
    expect(wrongs).toEqual({});
    expect(planOf(formOf(plan)).plan).toEqual(plan);
    expect(plan.unwell).toEqual(["boot_loop", "fire"]);
    expect(plan.windows[0]).toMatchObject({ begins_min: 480, length_min: 480, ahead_min: 60 });
  });

  test("tells what is wrong where it is wrong", () => {
    const [first, second, last] = newForm().waves;
    const wrong = form({
      campaign_id: "my spring",
      concurrency: "1.5",
      tries: "11",
      ends: "2026-12-01T08:00",
      begins: "2026-12-02T08:00",
      waves: [last, { ...first, name: "all", errors_stop: "" }, { ...second, share_pct: "0" }],
      health: [newRule()],
    });
    expect(planOf(wrong).wrongs).toEqual({
      campaign_id: words.form.name,
      concurrency: words.form.whole,
      tries: words.form.range(1, 10),
      ends: words.form.endsFirst,
      "waves.0.takes": words.form.onlyLast,
      "waves.1.name": words.form.twoNames,
      "waves.1.errors_stop": words.form.errorsNeeded,
      "waves.2.share_pct": words.form.range(0.0001, 100),
      "health.0.signal": words.form.need,
      "health.0.usual_rate": words.form.need,
    });
  });

  test("says about how many cars a wave takes", () => {
    const { waves } = newForm();
    expect([0, 1, 2].map((place) => aboutCars(waves, place, 1000))).toEqual([5, 100, 895]);
    expect(aboutCars([{ ...waves[0], takes: "group" }, waves[2]], 1, 1000)).toBeNull();
    expect(aboutCars(waves, 2, 3)).toBe(0);
  });

  test("names in a line", () => {
    expect(namesOf(" eu, test eu\ttwo ")).toEqual(["eu", "test", "two"]);
  });
});

describe("a plan in words", () => {
  test("says all that a person approves", () => {
    const { plan } = planOf(
      form({
        cars: "version < 2.1",
        windows: [{ ...newWindow(), begins: "22:00", ahead_h: "-3.5" }],
        health: [{ ...newRule(), signal: "disengagements", usual_rate: "0.004" }],
        confirm: true,
      }),
    );
    const told = new Map(model.planLines(plan));
    expect(told.get("Cars")).toBe("version < 2.1");
    expect(told.get("Wave canaries")).toBe(
      "5 cars; stops at 1 error; the next opens when 100 % are good, at least one; rests 1 d",
    );
    expect(told.get("Hours")).toBe("Mon Tue Wed Thu Fri 22:00 to 06:00 (UTC−03:30)");
    expect(told.get("Health: disengagements")).toContain("usual 0.004 per km");
    expect(told.has("In the car")).toBe(true);
  });

  test("no part of a plan is left out", () => {
    const one = planOf(form()).plan;
    const changes: Partial<Plan>[] = [
      { title: "x" },
      { release: "x" },
      { cars: "x" },
      { concurrency: 9 },
      { patience_s: 60 },
      { watch_s: 60 },
      { tries: 9 },
      { begins_s: 9e8 },
      { ends_s: 9e8 },
      { confirm: true },
      { forced: false },
      { unwell: ["x"] },
      { waves: [{ ...one.waves[0], then_pause: true }] },
      { windows: [{ days: [0], begins_min: 0, length_min: 60, ahead_min: 0 }] },
      { health: [{ signal: "x", per: "h", usual_rate: 1, bad_ratio: 2, false_stop: 0.01 }] },
    ];
    const keys = new Set(["campaign_id", ...changes.flatMap((change) => Object.keys(change))]);
    expect(keys).toEqual(new Set(Object.keys(one)));
    for (const change of changes) {
      expect(model.planLines({ ...one, ...change })).not.toEqual(model.planLines(one));
    }
  });
});

describe("words", () => {
  const files = readdirSync(FLEET, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && name !== "words.ts" && name !== "views.gen.ts",
  );

  test.each(files)("%s shows none that are not in the table", (name) => {
    expect(bare(readFileSync(new URL(name, FLEET), "utf8"))).toEqual([]);
  });

  test("the search itself finds them", () => {
    expect(bare("html`<p class=$" + "{a}>Cars</p>`")).toEqual(["Cars"]);
    expect(bare('html`<p aria-label="All cars">1</p>`')).toEqual(["All cars"]);
  });
});

/** Words between tags and in labels of templates that stand there themselves. */
function bare(source: string): string[] {
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === "html") {
      const { template } = node;
      const parts = ts.isNoSubstitutionTemplateLiteral(template)
        ? [template.text]
        : [template.head.text, ...template.templateSpans.map((span) => span.literal.text)];
      const html = parts.join("\0");
      for (const label of html.matchAll(/(?:aria-label|title|placeholder)="([^"]*)"/g)) {
        found.push(label[1]);
      }
      found.push(...html.replace(/<[^>]*>/g, "\0").split("\0"));
    }
    ts.forEachChild(node, look);
  };
  look(ts.createSourceFile("x.ts", source, ts.ScriptTarget.ES2022, true));
  return found.map((one) => one.trim()).filter((one) => /[A-Za-z]/.test(one));
}
