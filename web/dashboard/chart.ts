import { css, define, html, LitElement, shared, svg } from "../kit/parts/part";
import { lineOf, type Sample, SPAN_MS, scaleOf } from "./series";

const WIDTH = 600;
const HEIGHT = 100;
const MINUTES = SPAN_MS / 60_000;

/** One signal over the last ten minutes. */
export class Chart extends LitElement {
  static override properties = {
    name: { type: String },
    unit: { type: String },
    samples: { attribute: false },
    least: { type: Number },
    now: { type: Number },
  };
  declare name: string;
  declare unit: string;
  declare samples: readonly Sample[];
  /** The upper bound is never below. */
  declare least: number;
  /** Unix time in milliseconds at the right edge. */
  declare now: number;

  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        grid-template: minmax(150px, 1fr) auto / auto minmax(0, 1fr);
        gap: 4px 12px;
        font-size: var(--type-small);
        color: var(--ink-soft);
      }
      .scale {
        display: flex;
        flex-direction: column;
        justify-content: space-between;
        text-align: end;
        min-width: 5.5em;
      }
      .time {
        grid-column: 2;
        display: flex;
        justify-content: space-between;
      }
      svg {
        display: block;
        width: 100%;
        height: 100%;
        min-height: 150px;
        overflow: visible;
      }
      .edge,
      .zero {
        stroke: var(--plate-edge);
        stroke-width: 1.5;
        vector-effect: non-scaling-stroke;
      }
      .zero {
        stroke: var(--ink-faint);
      }
      .line {
        fill: none;
        stroke: var(--assist);
        stroke-width: 3;
        stroke-linejoin: round;
        vector-effect: non-scaling-stroke;
      }
    `,
  ];

  constructor() {
    super();
    this.name = "";
    this.unit = "";
    this.samples = [];
    this.least = 1;
    this.now = 0;
  }

  override render() {
    const scale = scaleOf(this.samples, this.least);
    const line = lineOf(this.samples, this.now, scale, WIDTH, HEIGHT);
    const zero = HEIGHT + (scale.low / (scale.high - scale.low)) * HEIGHT;
    const words = (value: number) => `${value.toLocaleString("en")} ${this.unit}`;
    return html`<div class="scale" aria-hidden="true">
        <span>${words(scale.high)}</span><span>${words(scale.low)}</span>
      </div>
      <svg role="img" aria-label=${this.summary()} viewBox="0 0 ${WIDTH} ${HEIGHT}"
        preserveAspectRatio="none">
        ${svg`<path class="edge" d="M0 0H${WIDTH}M0 ${HEIGHT}H${WIDTH}" />
          <path class="zero" d="M0 ${zero.toFixed(1)}H${WIDTH}" />
          <path class="line" d=${line} />`}
      </svg>
      <div class="time" aria-hidden="true"><span>${MINUTES} min ago</span><span>now</span></div>`;
  }

  /** What it shows, for who cannot see it. */
  private summary(): string {
    const values = this.samples.map((one) => one.value);
    if (!values.length) return `${this.name}: nothing noted yet`;
    const [low, high, now] = [Math.min(...values), Math.max(...values), values[values.length - 1]];
    const words = (value: number) => `${value.toFixed(1)} ${this.unit}`;
    return `${this.name} of the last ${MINUTES} minutes: ${words(low)} to ${words(high)}, now ${words(now)}`;
  }
}

define("volant-chart", Chart);
