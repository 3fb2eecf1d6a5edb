/** Values over time, and the line that a chart draws of them. Pure. */

export interface Sample {
  readonly at_ms: number;
  readonly value: number;
}

export const SPAN_MS = 600_000;
const MOST = 700;

/** Samples with a new one, in order of time, none older than the chart is wide. */
export function joined(have: readonly Sample[], more: readonly Sample[]): Sample[] {
  const all = new Map([...have, ...more].map((one) => [one.at_ms, one]));
  const sorted = [...all.values()].sort((a, b) => a.at_ms - b.at_ms);
  const newest = sorted.at(-1)?.at_ms ?? 0;
  return sorted.filter((one) => one.at_ms >= newest - SPAN_MS).slice(-MOST);
}

/** A new sample in place of the last where that one is but a second after the one before it. */
export function thinned(have: readonly Sample[], one: Sample): Sample[] {
  const before = have.at(-2);
  const crowded = before !== undefined && one.at_ms - before.at_ms < 1000;
  return joined(crowded ? have.slice(0, -1) : have, [one]);
}

export interface Scale {
  readonly low: number;
  readonly high: number;
}

const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8];

/** Round bounds that hold all samples and 0; the upper one is at least `least`. */
export function scaleOf(samples: readonly Sample[], least: number): Scale {
  const values = samples.map((one) => one.value);
  return { low: 0 - nice(0 - Math.min(0, ...values)), high: nice(Math.max(least, ...values)) };
}

function nice(value: number): number {
  if (value <= 0) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = STEPS.find((one) => one * power >= value - 1e-9) ?? 10;
  return step * power;
}

/** A path for SVG: each value holds until the next, the last until now. */
export function lineOf(
  samples: readonly Sample[],
  now_ms: number,
  scale: Scale,
  width: number,
  height: number,
): string {
  const x = (at_ms: number) =>
    Math.max(0, (1 - Math.max(0, now_ms - at_ms) / SPAN_MS) * width).toFixed(1);
  const y = (value: number) =>
    (height - ((value - scale.low) / (scale.high - scale.low)) * height).toFixed(1);
  return samples
    .map((one, index) => {
      const until_ms = samples[index + 1]?.at_ms ?? now_ms;
      const level = y(one.value);
      return `${index ? "L" : "M"}${x(one.at_ms)} ${level}L${x(until_ms)} ${level}`;
    })
    .join("");
}
