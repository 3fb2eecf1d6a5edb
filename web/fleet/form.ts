/** The form of a plan: texts as they stand in fields, to a plan and back. The server has the last word. */
import type { HealthRule, Plan, Wave, Window } from "./views.gen";
import { words } from "./words";

export type Takes = "group" | "count" | "share" | "rest";

export interface WaveForm {
  name: string;
  takes: Takes;
  group: string;
  count: string;
  share_pct: string;
  success_pct: string;
  errors_stop: string;
  errors_pct: string;
  rest_h: string;
  then_pause: boolean;
}

export interface WindowForm {
  days: boolean[];
  begins: string;
  length_h: string;
  ahead_h: string;
}

export interface RuleForm {
  signal: string;
  per: string;
  usual_rate: string;
  bad_ratio: string;
  false_stop_pct: string;
}

export interface Form {
  campaign_id: string;
  title: string;
  release: string;
  cars: string;
  waves: WaveForm[];
  concurrency: string;
  patience_h: string;
  watch_h: string;
  tries: string;
  begins: string;
  ends: string;
  confirm: boolean;
  forced: boolean;
  windows: WindowForm[];
  health: RuleForm[];
  unwell: string;
}

/** What is wrong, by the name of the field: `title`, `waves.0.name`. */
export type Wrongs = Readonly<Record<string, string>>;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
const CARS_MOST = 100_000_000;
const DAYS_MOST = 90;

export function newWave(takes: Takes, name: string): WaveForm {
  const canary = takes === "count";
  return {
    name,
    takes,
    group: "",
    count: canary ? "5" : "",
    share_pct: takes === "share" ? "10" : "",
    success_pct: canary ? "100" : "95",
    errors_stop: canary ? "1" : "",
    errors_pct: canary ? "" : "2",
    rest_h: takes === "rest" ? "0" : "24",
    then_pause: false,
  };
}

export function newWindow(): WindowForm {
  const zone_h = -new Date().getTimezoneOffset() / 60;
  const week = [true, true, true, true, true, false, false];
  return { days: week, begins: "08:00", length_h: "8", ahead_h: String(zone_h) };
}

export function newRule(): RuleForm {
  return { signal: "", per: "km", usual_rate: "", bad_ratio: "2", false_stop_pct: "1" };
}

/** A plan to begin with: canaries, a tenth, everybody. */
export function newForm(): Form {
  return {
    campaign_id: "",
    title: "",
    release: "",
    cars: "",
    waves: [newWave("count", "canaries"), newWave("share", "tenth"), newWave("rest", "all")],
    concurrency: "200",
    patience_h: "72",
    watch_h: "24",
    tries: "1",
    begins: "",
    ends: "",
    confirm: false,
    forced: true,
    windows: [],
    health: [],
    unwell: "boot_loop",
  };
}

/** Reads fields and notes what is wrong with them. */
class Reader {
  readonly wrongs: Record<string, string> = {};

  wrong(field: string, why: string): void {
    this.wrongs[field] ??= why;
  }

  name(field: string, text: string): string {
    const found = text.trim();
    if (!found) this.wrong(field, words.form.need);
    else if (!NAME.test(found)) this.wrong(field, words.form.name);
    return found;
  }

  number(field: string, text: string, least: number, most: number): number {
    const found = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isNaN(found)) this.wrong(field, words.form.need);
    else if (found < least || found > most) this.wrong(field, words.form.range(least, most));
    return found;
  }

  whole(field: string, text: string, least: number, most: number): number {
    const found = this.number(field, text, least, most);
    if (!Number.isNaN(found) && !Number.isInteger(found)) this.wrong(field, words.form.whole);
    return found;
  }

  /** A share in percent, above 0. */
  percent(field: string, text: string): number {
    return tidy(this.number(field, text, 0.0001, 100) / 100);
  }
}

/** The plan that a form says, or what is wrong with it. */
export function planOf(form: Form): { plan: Plan; wrongs: Wrongs } {
  const read = new Reader();
  const title = form.title.trim();
  if (!title) read.wrong("title", words.form.need);
  if (!form.release) read.wrong("release", words.form.need);
  const begins_s = moment(form.begins) ?? 0;
  const ends_s = moment(form.ends);
  if (ends_s !== null && ends_s <= begins_s) read.wrong("ends", words.form.endsFirst);
  const plan: Plan = {
    campaign_id: read.name("campaign_id", form.campaign_id),
    title,
    release: form.release,
    cars: form.cars.trim(),
    waves: form.waves.map((wave, place) => waveOf(read, wave, `waves.${place}`)),
    concurrency: read.whole("concurrency", form.concurrency, 1, CARS_MOST),
    patience_s: 3600 * read.number("patience_h", form.patience_h, 1 / 60, 24 * DAYS_MOST),
    watch_s: 3600 * read.number("watch_h", form.watch_h, 0, 24 * DAYS_MOST),
    tries: read.whole("tries", form.tries, 1, 10),
    windows: form.windows.map((one, place) => windowOf(read, one, `windows.${place}`)),
    begins_s,
    ends_s,
    confirm: form.confirm,
    forced: form.forced,
    health: form.health.map((one, place) => ruleOf(read, one, `health.${place}`)),
    unwell: namesOf(form.unwell).map((one) => read.name("unwell", one)),
  };
  checkTogether(read, form);
  return { plan, wrongs: read.wrongs };
}

function checkTogether(read: Reader, form: Form): void {
  const it = words.form;
  form.waves.forEach((wave, place) => {
    if (form.waves.findIndex((one) => one.name.trim() === wave.name.trim()) < place) {
      read.wrong(`waves.${place}.name`, it.twoNames);
    }
    if (wave.takes === "rest" && place + 1 < form.waves.length) {
      read.wrong(`waves.${place}.takes`, it.onlyLast);
    }
  });
  form.health.forEach((rule, place) => {
    if (form.health.findIndex((one) => one.signal.trim() === rule.signal.trim()) < place) {
      read.wrong(`health.${place}.signal`, it.twoSignals);
    }
  });
}

function waveOf(read: Reader, wave: WaveForm, at: string): Wave {
  const stop = wave.errors_stop.trim();
  const percent = wave.errors_pct.trim();
  if (!stop && !percent) read.wrong(`${at}.errors_stop`, words.form.errorsNeeded);
  return {
    name: read.name(`${at}.name`, wave.name),
    group: wave.takes === "group" ? read.name(`${at}.group`, wave.group) : null,
    count: wave.takes === "count" ? read.whole(`${at}.count`, wave.count, 1, CARS_MOST) : null,
    share: wave.takes === "share" ? read.percent(`${at}.share_pct`, wave.share_pct) : null,
    success_share: read.percent(`${at}.success_pct`, wave.success_pct),
    errors_stop: stop ? read.whole(`${at}.errors_stop`, stop, 1, CARS_MOST) : null,
    errors_share: percent ? read.percent(`${at}.errors_pct`, percent) : null,
    rest_s: 3600 * read.number(`${at}.rest_h`, wave.rest_h, 0, 24 * DAYS_MOST),
    then_pause: wave.then_pause,
  };
}

function windowOf(read: Reader, one: WindowForm, at: string): Window {
  const days = one.days.flatMap((on, day) => (on ? [day] : []));
  if (!days.length) read.wrong(`${at}.days`, words.form.day);
  const [hour, minute] = one.begins.split(":").map(Number);
  const begins_min = hour * 60 + minute;
  if (Number.isNaN(begins_min)) read.wrong(`${at}.begins`, words.form.need);
  return {
    days,
    begins_min,
    length_min: Math.round(60 * read.number(`${at}.length_h`, one.length_h, 1 / 60, 24)),
    ahead_min: Math.round(60 * read.number(`${at}.ahead_h`, one.ahead_h, -14, 14)),
  };
}

function ruleOf(read: Reader, rule: RuleForm, at: string): HealthRule {
  return {
    signal: read.name(`${at}.signal`, rule.signal),
    per: rule.per,
    usual_rate: read.number(`${at}.usual_rate`, rule.usual_rate, 1e-9, 1e6),
    bad_ratio: read.number(`${at}.bad_ratio`, rule.bad_ratio, 1.0001, 1000),
    false_stop: tidy(read.number(`${at}.false_stop_pct`, rule.false_stop_pct, 0.0001, 49) / 100),
  };
}

/** The form that shows a plan. */
export function formOf(plan: Plan): Form {
  return {
    campaign_id: plan.campaign_id,
    title: plan.title,
    release: plan.release,
    cars: plan.cars,
    waves: plan.waves.map((wave) => ({
      name: wave.name,
      takes: takesOf(wave),
      group: wave.group ?? "",
      count: text(wave.count),
      share_pct: text(wave.share, 100),
      success_pct: text(wave.success_share, 100),
      errors_stop: text(wave.errors_stop),
      errors_pct: text(wave.errors_share, 100),
      rest_h: text(wave.rest_s, 1 / 3600),
      then_pause: wave.then_pause,
    })),
    concurrency: text(plan.concurrency),
    patience_h: text(plan.patience_s, 1 / 3600),
    watch_h: text(plan.watch_s, 1 / 3600),
    tries: text(plan.tries),
    begins: plan.begins_s > 0 ? localOf(plan.begins_s) : "",
    ends: plan.ends_s === null ? "" : localOf(plan.ends_s),
    confirm: plan.confirm,
    forced: plan.forced,
    windows: plan.windows.map((one) => ({
      days: [0, 1, 2, 3, 4, 5, 6].map((day) => one.days.includes(day)),
      begins: `${two(Math.floor(one.begins_min / 60))}:${two(one.begins_min % 60)}`,
      length_h: text(one.length_min, 1 / 60),
      ahead_h: text(one.ahead_min, 1 / 60),
    })),
    health: plan.health.map((one) => ({
      signal: one.signal,
      per: one.per,
      usual_rate: text(one.usual_rate),
      bad_ratio: text(one.bad_ratio),
      false_stop_pct: text(one.false_stop, 100),
    })),
    unwell: plan.unwell.join(" "),
  };
}

/** Cars of a wave, of so many that can have the update; null: only the server can say. */
export function aboutCars(waves: readonly WaveForm[], place: number, able: number): number | null {
  let left = able;
  for (const [at, wave] of waves.entries()) {
    const number = Number(wave.takes === "count" ? wave.count : wave.share_pct);
    if (wave.takes === "group" || Number.isNaN(number)) return null;
    const wanted = { count: number, share: Math.ceil((number / 100) * able), rest: left };
    const taken = Math.min(left, wanted[wave.takes]);
    if (at === place) return taken;
    left -= taken;
  }
  return null;
}

/** Names that stand in a line with spaces or commas between them. */
export function namesOf(line: string): string[] {
  return [...new Set(line.split(/[\s,]+/).filter(Boolean))];
}

function takesOf(wave: Wave): Takes {
  if (wave.group !== null) return "group";
  if (wave.count !== null) return "count";
  return wave.share !== null ? "share" : "rest";
}

function text(value: number | null, by = 1): string {
  return value === null ? "" : String(tidy(value * by));
}

/** Without what binary fractions add: 0.07 times 100 is 7. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

function moment(local: string): number | null {
  if (!local) return null;
  const at_s = new Date(local).getTime() / 1000;
  return Number.isNaN(at_s) ? null : at_s;
}

/** Unix seconds as a field for a date and a time shows them, in the person's own zone. */
function localOf(at_s: number): string {
  const at = new Date(at_s * 1000);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
