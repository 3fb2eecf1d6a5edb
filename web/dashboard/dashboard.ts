import { distance, NONE, percent } from "../kit/format";
import { define, html, LitElement, shared } from "../kit/parts/part";
import { type Ask, heard, late, wordsOf } from "./asks";
import * as model from "./model";
import { joined, type Sample, thinned } from "./series";
import * as at from "./signals";
import { tiles } from "./styles";

interface Steps {
  readonly step: number;
  readonly least: number;
  readonly most: number;
  readonly unit: string;
}

/** The car takes 16 to 28 degrees. */
const WARMTH: Steps = { step: 0.5, least: 16, most: 28, unit: "°C" };
const CHARGE_TO: Steps = { step: 5, least: 20, most: 100, unit: "%" };
/** After this time what is not done is said to be so. */
const LATE_MS = 20_000;
/** Which tile tells what became of an ask. */
const TILES: readonly [string, readonly string[]][] = [
  ["charge", [at.LIMIT, at.FLAP]],
  ["climate", [at.CLIMATE, at.RECIRCULATION, at.DEFROST, ...Object.values(at.WISHES)]],
  ["windows", Object.values(at.WINDOWS)],
];
const CHARTS = [
  { name: "Speed", path: at.SPEED, unit: "km/h", least: 20, of: (value: number) => value },
  { name: "Power", path: at.POWER, unit: "kW", least: 1, of: (value: number) => value / 1000 },
  { name: "Charge", path: at.CHARGE, unit: "%", least: 100, of: (value: number) => value },
];

/** The whole dashboard; says `volant-ask` when somebody wants something. */
export class Dashboard extends LitElement {
  static override properties = { up: { type: Boolean }, chart: { state: true } };
  /** There is a link to the car. */
  declare up: boolean;
  declare chart: number;
  readonly values = new Map<string, string>();
  private readonly past = new Map<string, Sample[]>();
  /** The last ask of each tile. */
  private readonly asks = new Map<string, Ask>();

  static override styles = [shared, tiles];

  constructor() {
    super();
    this.up = false;
    this.chart = 0;
  }

  // --- what comes -----------------------------------------------------------------------------------

  take(path: string, value: string, samples: readonly Sample[]): void {
    this.values.set(path, value);
    for (const [tile, one] of this.asks) {
      if (one.path === path) this.asks.set(tile, heard(one, value));
    }
    const chart = CHARTS.find((one) => one.path === path);
    if (chart) {
      for (const { at_ms, value: raw } of samples) {
        this.past.set(path, thinned(this.past.get(path) ?? [], { at_ms, value: chart.of(raw) }));
      }
    }
    this.requestUpdate();
  }

  takePast(path: string, samples: readonly Sample[]): void {
    const chart = CHARTS.find((one) => one.path === path);
    if (!chart) return;
    const more = samples.map(({ at_ms, value }) => ({ at_ms, value: chart.of(value) }));
    this.past.set(path, joined(more, this.past.get(path) ?? []));
    this.requestUpdate();
  }

  ask(one: Ask, path: string): void {
    const tile = tileOf(path);
    this.asks.set(tile, one);
    setTimeout(() => {
      const now = this.asks.get(tile);
      if (now?.number === one.number) this.asks.set(tile, late(now));
      this.requestUpdate();
    }, LATE_MS);
    this.requestUpdate();
  }

  /** An ask that is still the last of its tile goes on. */
  change(path: string, step: (one: Ask) => Ask): void {
    const one = this.asks.get(tileOf(path));
    if (one?.path === path) {
      const next = step(one);
      const value = this.values.get(path);
      this.asks.set(tileOf(path), value === undefined ? next : heard(next, value));
      this.requestUpdate();
    }
  }

  // --- what is shown --------------------------------------------------------------------------------

  override render() {
    return html`<p class="link" role="status" ?hidden=${this.up}>Waiting for the car</p>
      <div class="grid">${this.trip()}${this.charge()}${this.climate()}${this.windows()}${this.chartTile()}</div>`;
  }

  private number(path: string): number | null {
    return model.number(this.values, path);
  }

  private trip() {
    const speed = this.number(at.SPEED);
    const average = this.number(at.AVERAGE);
    return html`<section aria-labelledby="trip">
      <h2 id="trip">Trip</h2>
      <p class="big" data-test="way">${distance(this.number(at.TRIP))}</p>
      <dl>
        <div><dt>Time</dt><dd>${model.span(this.number(at.TIME))}</dd></div>
        <div><dt>Speed</dt><dd data-test="speed">${kmh(speed)}</dd></div>
        <div><dt>Average</dt><dd>${kmh(average)}</dd></div>
        <div><dt>Uses</dt><dd>${model.consumption(this.values)}</dd></div>
      </dl>
    </section>`;
  }

  private charge() {
    const charge = this.number(at.CHARGE);
    const limit = this.number(at.LIMIT);
    const open = model.flag(this.values, at.FLAP);
    return html`<section aria-labelledby="charge">
      <h2 id="charge">Charge</h2>
      <p class="big">${charge === null ? NONE : percent(charge)}</p>
      <meter min="0" max="100" .value=${charge ?? 0} aria-label="Charge"></meter>
      <dl>
        <div><dt>Range</dt><dd>${distance(this.number(at.RANGE))}</dd></div>
        <div><dt>Now</dt><dd>${model.chargeWords(this.values)}</dd></div>
      </dl>
      ${this.stepper("Charge to", limit === null ? NONE : percent(limit), at.LIMIT, limit, CHARGE_TO)}
      <div class="row">
        ${this.button(open ? "Close flap" : "Open flap", at.FLAP, String(!open), `${open ? "Close" : "Open"} flap of the charging port`)}
      </div>
      ${this.told("charge")}
    </section>`;
  }

  private climate() {
    return html`<section aria-labelledby="climate">
      <h2 id="climate">Climate</h2>
      <dl>
        <div><dt>Cabin</dt><dd>${model.degrees(this.number(at.CABIN))}</dd></div>
        <div><dt>Outside</dt><dd>${model.degrees(this.number(at.OUTSIDE))}</dd></div>
      </dl>
      ${Object.entries(at.WISHES).map(([side, path]) => {
        const wish = this.number(path);
        const name = side === "left" ? "Front left" : "Front right";
        return this.stepper(name, model.degrees(wish), path, wish, WARMTH);
      })}
      <div class="row">
        ${this.toggle("Climate", at.CLIMATE)}${this.toggle("Recirculate", at.RECIRCULATION)}
        ${this.toggle("Defrost", at.DEFROST)}
      </div>
      ${this.told("climate")}
    </section>`;
  }

  private windows() {
    return html`<section aria-labelledby="windows">
      <h2 id="windows">Windows</h2>
      ${Object.entries(at.WINDOWS).map(([name, path]) => {
        const window = `${name.toLowerCase()} window`;
        return html`<div class="row line" role="group" aria-label="${name} window">
          <span class="name">${name}<small data-test=${path}>${model.windowWords(this.number(path))}</small></span>
          ${this.button("Open", path, "100", `Open ${window}`)}
          ${this.button("Half", path, "50", `Half open ${window}`)}
          ${this.button("Close", path, "0", `Close ${window}`)}
        </div>`;
      })}
      ${this.told("windows")}
    </section>`;
  }

  private chartTile() {
    const one = CHARTS[this.chart];
    const samples = this.past.get(one.path) ?? [];
    return html`<section class="wide" aria-labelledby="past">
      <div class="row">
        <h2 id="past">Last ten minutes</h2>
        ${CHARTS.map(
          ({ name }, index) => html`<button type="button" aria-pressed=${index === this.chart}
            @click=${() => {
              this.chart = index;
            }}>${name}</button>`,
        )}
      </div>
      <volant-chart .name=${one.name} .unit=${one.unit} .samples=${samples} .least=${one.least}
        .now=${samples.at(-1)?.at_ms ?? 0}></volant-chart>
    </section>`;
  }

  // --- what is asked --------------------------------------------------------------------------------

  private stepper(name: string, shown: string, path: string, value: number | null, by: Steps) {
    const to = (sign: "−" | "+") => {
      const wanted = (value ?? 0) + (sign === "+" ? by.step : -by.step);
      const lacks = value === null || wanted < by.least || wanted > by.most;
      return this.button(sign, path, String(wanted), `${name} to ${wanted} ${by.unit}`, lacks);
    };
    return html`<div class="row line" role="group" aria-label=${name}>
      <span class="name">${name}</span>
      ${to("−")}<output aria-label=${name}>${shown}</output>${to("+")}
    </div>`;
  }

  private toggle(name: string, path: string) {
    const on = model.flag(this.values, path);
    return html`<button type="button" aria-pressed=${on} ?disabled=${!this.up}
      @click=${() => this.wish(`${name} ${on ? "off" : "on"}`, path, String(!on))}>${name}</button>`;
  }

  private button(shown: string, path: string, wanted: string, words: string, lacks = false) {
    return html`<button type="button" aria-label=${words} ?disabled=${!this.up || lacks}
      @click=${() => this.wish(words, path, wanted)}>${shown}</button>`;
  }

  private wish(words: string, path: string, wanted: string): void {
    this.dispatchEvent(new CustomEvent("volant-ask", { detail: { words, path, wanted } }));
  }

  private told(tile: string) {
    const one = this.asks.get(tile) ?? null;
    const words = wordsOf(one);
    return html`<p class="told ${one?.stage ?? ""}" role="status" data-test="told-${tile}">${words}</p>`;
  }
}

function tileOf(path: string): string {
  return TILES.find(([, paths]) => paths.includes(path))?.[0] ?? "";
}

function kmh(value: number | null): string {
  return value === null ? NONE : `${Math.round(value)} km/h`;
}

define("volant-dashboard", Dashboard);
