/** What the console says of what the server told. Pure: no page, no network, no clock. */
import type { CampaignView, CarState, Phase, Plan, Wave, WaveView } from "./views.gen";
import { words } from "./words";

/** How something stands: a colour, which never stands alone. */
export type Tone = "well" | "assist" | "soon" | "now" | "calm";

export const PHASE_TONE: Readonly<Record<Phase, Tone>> = {
  draft: "calm",
  submitted: "soon",
  approved: "assist",
  running: "assist",
  paused: "soon",
  halted: "now",
  stopped: "calm",
  finished: "well",
};

/** States in the order in which they are shown: the best first. */
export const STATES: readonly CarState[] = [
  "well",
  "has",
  "watched",
  "busy",
  "told",
  "waiting",
  "canceled",
  "refused",
  "again",
  "lost",
  "unwell",
  "failed",
];

/** A car that is so may be let try again. */
export const RETRIED: ReadonlySet<CarState> = new Set(["failed", "lost", "refused", "unwell"]);
export const GOING: ReadonlySet<Phase> = new Set(["running", "paused", "halted"]);
export const ENDED: ReadonlySet<Phase> = new Set(["stopped", "finished"]);

// --- numbers and times ------------------------------------------------------------------------------

/** "37 %"; what is there at all is never "0 %", and what lacks something never "100 %". */
export function share(part: number, whole: number): string {
  if (whole <= 0) return words.none;
  const percent = (part / whole) * 100;
  if (part > 0 && percent < 1) return words.units.less;
  return `${part < whole ? Math.min(Math.round(percent), 99) : 100} %`;
}

/** A share from 0 to 1 as written in a plan: "2.5 %". */
export function percent(value: number): string {
  return `${Number((value * 100).toPrecision(4))} %`;
}

/** "45 s", "12 min", "6 h", "3 d". */
export function span(span_s: number): string {
  const { s, min, h, d } = words.units;
  const steps: readonly [number, string, number][] = [
    [86_400, d, 1],
    [3600, h, 1],
    [60, min, 0],
  ];
  for (const [length_s, unit, digits] of steps) {
    const value = span_s / length_s;
    if (value >= 1) return `${Number(value.toFixed(value < 10 ? digits : 0))} ${unit}`;
  }
  return `${Math.round(span_s)} ${s}`;
}

/** "5 min ago". */
export function ago(at_s: number | null, now_s: number): string {
  if (at_s === null) return words.units.never;
  const age_s = now_s - at_s;
  return age_s < 5 ? words.units.now : words.units.ago(span(age_s));
}

/** "in 3 h", or the moment itself once it is over. */
export function until(at_s: number | null, now_s: number): string {
  if (at_s === null) return words.none;
  return at_s > now_s ? words.units.in(span(at_s - now_s)) : words.moment(at_s);
}

/** "4.7 MB". */
export function size(bytes: number): string {
  const step = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  const value = bytes / 1000 ** step;
  return `${value < 10 && step ? value.toFixed(1) : Math.round(value)} ${["B", "kB", "MB", "GB"][step]}`;
}

/** A rate with three digits that count. */
export function figure(value: number): string {
  return value === 0 ? "0" : String(Number(value.toPrecision(3)));
}

/** A hash for a glance; it is never compared by this. */
export function brief(hash: string): string {
  return hash.length > 16 ? `${hash.slice(0, 12)}…` : hash;
}

// --- waves ------------------------------------------------------------------------------------------

export interface Segment {
  readonly state: CarState;
  readonly cars: number;
  /** From 0 to 100. */
  readonly at: number;
  readonly width: number;
}

/** The parts of a wave's bar, in their order; those of none are left out. */
export function segments(wave: Pick<WaveView, "cars" | "size">): Segment[] {
  const found: Segment[] = [];
  let at = 0;
  for (const state of STATES) {
    const cars = wave.cars[state] ?? 0;
    if (!cars || !wave.size) continue;
    const width = (cars / wave.size) * 100;
    found.push({ state, cars, at, width });
    at += width;
  }
  return found;
}

/** How a wave stands. */
export function waveWords(wave: WaveView, now_s: number): string {
  if (!wave.open) return words.campaign.shut;
  const rests = wave.rest_until_s;
  if (rests !== null && rests > now_s) return words.campaign.rests(until(rests, now_s));
  return words.campaign.open;
}

export function waveSummary(wave: WaveView): string {
  const parts = segments(wave).map((one) => words.campaign.part(words.states[one.state], one.cars));
  return words.campaign.bar(wave.name, parts.join(", ") || words.none);
}

/** Errors that an approval would forgive: those that count now. */
export function errorsNow(campaign: Pick<CampaignView, "waves">): number {
  return campaign.waves.reduce((sum, wave) => sum + wave.errors, 0);
}

// --- plans ------------------------------------------------------------------------------------------

export type Line = readonly [string, string];

/** A plan in words: what a person reads before approving. */
export function planLines(plan: Plan): Line[] {
  const it = words.plan;
  const lines: Line[] = [
    [it.title, plan.title],
    [it.release, plan.release],
    [it.cars, plan.cars.trim() || it.allCars],
    ...plan.waves.map((wave): Line => [it.wave(wave.name), waveLine(wave)]),
    [it.concurrency, it.concurrencyText(plan.concurrency)],
    [it.patience, it.patienceText(span(plan.patience_s))],
    [it.watch, it.watchText(span(plan.watch_s))],
    [it.tries, it.triesText(plan.tries)],
  ];
  const times = [
    plan.begins_s > 0 ? it.from(words.moment(plan.begins_s)) : "",
    plan.ends_s === null ? "" : it.until(words.moment(plan.ends_s)),
  ].filter(Boolean);
  if (times.length) lines.push([it.time, times.join(" ")]);
  for (const one of plan.windows) {
    const days = one.days.map((day) => it.days[day]).join(" ");
    const ends = (one.begins_min + one.length_min) % 1440;
    const zone = `UTC${one.ahead_min < 0 ? "−" : "+"}${clock(Math.abs(one.ahead_min))}`;
    lines.push([it.windows, it.window(days, clock(one.begins_min), clock(ends), zone)]);
  }
  lines.push([it.forced, plan.forced ? it.forcedText : it.attemptText]);
  if (plan.confirm) lines.push([it.confirm, it.confirmText]);
  for (const rule of plan.health) {
    const usual = words.campaign.rate(figure(rule.usual_rate), rule.per);
    lines.push([
      it.rule(rule.signal),
      it.ruleText(usual, figure(rule.bad_ratio), percent(rule.false_stop)),
    ]);
  }
  if (plan.unwell.length) lines.push([it.unwell, it.unwellText(plan.unwell.join(", "))]);
  return lines;
}

function waveLine(wave: Wave): string {
  const it = words.plan;
  const takes =
    wave.group !== null
      ? it.takesGroup(wave.group)
      : wave.count !== null
        ? words.cars(wave.count)
        : wave.share !== null
          ? it.takesShare(percent(wave.share))
          : it.takesRest;
  const limits = [
    wave.errors_stop === null ? "" : it.errorsStop(wave.errors_stop),
    wave.errors_share === null ? "" : it.errorsShare(percent(wave.errors_share)),
  ].filter(Boolean);
  return [
    takes,
    it.errors(limits.join(it.or)),
    it.success(percent(wave.success_share)),
    wave.rest_s > 0 ? it.rest(span(wave.rest_s)) : "",
    wave.then_pause ? it.pause : "",
  ]
    .filter(Boolean)
    .join("; ");
}

/** Minutes after midnight as "08:30". */
export function clock(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** Some words of what a car says of itself, in the order of the alphabet: "hw 3, model ev1". */
export function pairs(told: Readonly<Record<string, string>>, most = Number.POSITIVE_INFINITY) {
  const all = Object.entries(told).sort(([one], [other]) => (one < other ? -1 : 1));
  const shown = all.slice(0, most).map(([name, value]) => `${name} ${value}`);
  return shown.join(", ") + (all.length > most ? ", …" : "") || words.none;
}
