import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BACK_M, visibility } from "../kit/scene/camera";
import { mix, PALETTES, paintOf } from "../kit/scene/palette";

/** A panel of 15.6 inches at 1280 x 720, seen from 750 mm. */
const PANEL = { width_mm: 345, width_px: 1280, away_mm: 750 };
/** Capitals are 0.716 em high in the metrics of Helvetica, Arial and Liberation Sans. */
const CAPITAL_EM = 0.716;
const LEAST_ARCMIN = 16;
const LEAST_CONTRAST = 7;

const kit = new URL("../kit/", import.meta.url);
const tokens = readFileSync(new URL("tokens.css", kit), "utf8");

function sizes(css: string): number[] {
  return [...css.matchAll(/(?:font-size|--type-(?:small|body|large|huge)):\s*(\d+)px/g)].map(
    (found) => Number(found[1]),
  );
}

function arcmin(size_px: number): number {
  const capital_mm = size_px * CAPITAL_EM * (PANEL.width_mm / PANEL.width_px);
  return (Math.atan(capital_mm / PANEL.away_mm) * 180 * 60) / Math.PI;
}

type Rgb = [number, number, number];

function hex(text: string): Rgb {
  return [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16)) as Rgb;
}

function token(name: string, theme: "light" | "dark"): Rgb {
  const pair = tokens.match(
    new RegExp(`--${name}:\\s*light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`),
  );
  if (pair) return hex(theme === "light" ? pair[1] : pair[2]);
  const one = tokens.match(new RegExp(`--${name}:\\s*(#[0-9a-f]{6})`));
  if (!one) throw new Error(`no token ${name}`);
  return hex(one[1]);
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function luminance(colour: readonly number[]): number {
  const [r, g, b] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: readonly number[], other: readonly number[]): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

describe("letters", () => {
  const files = [
    "tokens.css",
    ...readdirSync(new URL("parts/", kit)).map((name) => `parts/${name}`),
  ];

  it.each(files)("of %s are at least 16 minutes of arc high", (name) => {
    for (const size of sizes(readFileSync(new URL(name, kit), "utf8"))) {
      expect(arcmin(size)).toBeGreaterThanOrEqual(LEAST_ARCMIN - 0.1);
    }
  });

  it("the measure itself can fail", () => {
    expect(arcmin(14)).toBeLessThan(LEAST_ARCMIN);
    expect(sizes("a { font-size: 14px }")).toEqual([14]);
  });
});

describe.each(["dark", "light"] as const)("contrast in the %s theme", (theme) => {
  it.each([
    ["ink", "plate"],
    ["ink-soft", "plate"],
    ["ink", "sky"],
    ["ink-soft", "sky"],
    ["ink-faint", "sky"],
    ["plate", "ink"],
    ["on-deep", "assist-plate"],
    ["on-bright", "soon-plate"],
    ["on-deep", "now-plate"],
    ["sign-ink", "sign-face"],
    ["well", "sky"],
    ["soon", "sky"],
    ["assist", "plate"],
  ])("%s on %s is at least 7", (front, back) => {
    expect(contrast(token(front, theme), token(back, theme))).toBeGreaterThanOrEqual(
      // Graphics need less than text (WCAG 1.4.11 asks 3); these are no text.
      ["well", "soon", "assist"].includes(front) ? 4.5 : LEAST_CONTRAST,
    );
  });

  it("text over the scene's sky is as readable as over the plain one", () => {
    const palette = PALETTES[theme];
    for (const sky of [palette.skyTop, palette.haze]) {
      expect(contrast(token("ink", theme), sky)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
      expect(contrast(token("ink-soft", theme), sky)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
    }
  });

  it("markings stand out from the road", () => {
    const { markWhite, roadNear, roadFar, haze } = PALETTES[theme];
    expect(contrast(markWhite, roadNear)).toBeGreaterThan(theme === "dark" ? 7 : 3);
    // 120 m off, through the haze, as the scene mixes it.
    const seen = visibility(120 + BACK_M);
    const road = mix(haze, roadFar, seen);
    expect(contrast(mix(road, markWhite, 0.94 * seen), road)).toBeGreaterThan(1.8);
  });

  it("paints of cars stand out from the road and are all worn", () => {
    const { paints, roadNear, roadFar } = PALETTES[theme];
    for (const paint of paints) {
      expect(contrast(paint, roadNear)).toBeGreaterThan(1.1);
      expect(contrast(paint, roadFar)).toBeGreaterThan(1.1);
    }
    const worn = Array.from({ length: 60 }, (_, id) => paintOf(id, paints.length));
    expect(new Set(worn).size).toBe(paints.length);
  });
});
