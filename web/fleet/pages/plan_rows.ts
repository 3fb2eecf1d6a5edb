/** The parts of a plan of which there may be several: waves, hours, rules of health. */
import {
  aboutCars,
  newRule,
  newWave,
  newWindow,
  type RuleForm,
  type Takes,
  type WaveForm,
  type WindowForm,
} from "../form";
import { html, nothing } from "../page";
import { words } from "../words";
import { check, type Fields, field, pick, whyWrong } from "./fields";

const NUMBER = { type: "number", min: 0 } as const;
const it = words.form;

/** The same list with one of it changed. */
function changed<T extends object>(all: readonly T[], place: number, changes: Partial<T>): T[] {
  return all.map((one, at) => (at === place ? { ...one, ...changes } : one));
}

function without<T>(all: readonly T[], place: number): T[] {
  return all.filter((_, at) => at !== place);
}

function removal(label: string, remove: () => void) {
  return html`<div><button type="button" class="slight" @click=${remove}>${label}</button></div>`;
}

function addition(label: string, add: () => void) {
  return html`<div><button type="button" @click=${add}>${label}</button></div>`;
}

/** The waves; `able` is how many cars can have the release, where that is known. */
export function waveRows(at: Fields, able: number | null) {
  const { waves } = at.form;
  const add = () => {
    const last = waves.at(-1);
    const name = `wave-${waves.length + 1}`;
    const more = newWave("share", name);
    // All that are left stay last.
    const list = last?.takes === "rest" ? [...waves.slice(0, -1), more, last] : [...waves, more];
    at.change({ waves: list });
  };
  return html`${waves.map((one, place) => waveRow(at, one, place, able))} ${addition(it.addWave, add)}`;
}

function waveRow(at: Fields, one: WaveForm, place: number, able: number | null) {
  const name = `waves.${place}`;
  const set = (changes: Partial<WaveForm>) =>
    at.change({ waves: changed(at.form.waves, place, changes) });
  const kinds = Object.entries(it.takesKinds);
  const about = able === null ? null : aboutCars(at.form.waves, place, able);
  return html`<fieldset class="one" data-test="wave">
    <legend>${it.wave(place + 1)}${about === null ? nothing : html` <span class="hint">${it.about(about)}</span>`}</legend>
    <div class="fields">
      ${field(at, `${name}.name`, it.waveName, one.name, (text) => set({ name: text }))}
      ${pick(at, `${name}.takes`, it.takes, one.takes, kinds, (text) => set({ takes: text as Takes }))}
      ${one.takes === "group" ? field(at, `${name}.group`, it.group, one.group, (text) => set({ group: text })) : nothing}
      ${one.takes === "count" ? field(at, `${name}.count`, it.count, one.count, (text) => set({ count: text }), NUMBER) : nothing}
      ${one.takes === "share" ? field(at, `${name}.share_pct`, it.share, one.share_pct, (text) => set({ share_pct: text }), NUMBER) : nothing}
      ${field(at, `${name}.errors_stop`, it.errorsStop, one.errors_stop, (text) => set({ errors_stop: text }), NUMBER)}
      ${field(at, `${name}.errors_pct`, it.errorsShare, one.errors_pct, (text) => set({ errors_pct: text }), NUMBER)}
      ${field(at, `${name}.success_pct`, it.success, one.success_pct, (text) => set({ success_pct: text }), NUMBER)}
      ${field(at, `${name}.rest_h`, it.rest, one.rest_h, (text) => set({ rest_h: text }), NUMBER)}
    </div>
    <div class="head">
      ${check(it.pause, one.then_pause, (then_pause) => set({ then_pause }))}
      ${
        at.form.waves.length > 1
          ? removal(it.removeWave(one.name), () =>
              at.change({ waves: without(at.form.waves, place) }),
            )
          : nothing
      }
    </div>
  </fieldset>`;
}

export function windowRows(at: Fields) {
  const { windows } = at.form;
  return html`${windows.length ? nothing : html`<p class="soft">${it.anyTime}</p>`}
    ${windows.map((one, place) => windowRow(at, one, place))}
    ${addition(it.addWindow, () => at.change({ windows: [...windows, newWindow()] }))}`;
}

function windowRow(at: Fields, one: WindowForm, place: number) {
  const name = `windows.${place}`;
  const set = (changes: Partial<WindowForm>) =>
    at.change({ windows: changed(at.form.windows, place, changes) });
  const days = words.plan.days.map((day, number) =>
    check(day, one.days[number], (on) => set({ days: one.days.with(number, on) })),
  );
  return html`<fieldset class="one">
    <legend>${it.window(place + 1)}</legend>
    <div class="days">${days} ${whyWrong(at, `${name}.days`)}</div>
    <div class="fields">
      ${field(at, `${name}.begins`, it.from, one.begins, (text) => set({ begins: text }), { type: "time" })}
      ${field(at, `${name}.length_h`, it.length, one.length_h, (text) => set({ length_h: text }), NUMBER)}
      ${field(at, `${name}.ahead_h`, it.zone, one.ahead_h, (text) => set({ ahead_h: text }), { type: "number" })}
    </div>
    ${removal(it.removeWindow(place + 1), () => at.change({ windows: without(at.form.windows, place) }))}
  </fieldset>`;
}

export function ruleRows(at: Fields) {
  const { health } = at.form;
  return html`${health.map((one, place) => ruleRow(at, one, place))}
    ${addition(it.addRule, () => at.change({ health: [...health, newRule()] }))}
    ${field(at, "unwell", it.unwell, at.form.unwell, (unwell) => at.change({ unwell }), { code: true })}`;
}

function ruleRow(at: Fields, one: RuleForm, place: number) {
  const name = `health.${place}`;
  const set = (changes: Partial<RuleForm>) =>
    at.change({ health: changed(at.form.health, place, changes) });
  return html`<fieldset class="one">
    <legend>${it.rule(place + 1)}</legend>
    <div class="fields">
      ${field(at, `${name}.signal`, it.signal, one.signal, (text) => set({ signal: text }), { code: true })}
      ${field(at, `${name}.usual_rate`, it.usual, one.usual_rate, (text) => set({ usual_rate: text }), NUMBER)}
      ${pick(
        at,
        `${name}.per`,
        it.per,
        one.per,
        [
          ["km", "km"],
          ["h", "h"],
        ],
        (text) => set({ per: text }),
      )}
      ${field(at, `${name}.bad_ratio`, it.ratio, one.bad_ratio, (text) => set({ bad_ratio: text }), NUMBER)}
      ${field(at, `${name}.false_stop_pct`, it.chancePct, one.false_stop_pct, (text) => set({ false_stop_pct: text }), NUMBER)}
    </div>
    ${removal(it.removeRule(place + 1), () => at.change({ health: without(at.form.health, place) }))}
  </fieldset>`;
}
