import { clock } from "../format";
import type { CockpitControl, CockpitReplay, ControlKind } from "../messages.gen";
import { css, define, html, LitElement, nothing, shared } from "./part";

const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];

/** Controls while a journal is watched; sends `volant-control` events. */
export class ReplayBar extends LitElement {
  static override properties = {
    paused: { type: Boolean },
    speed: { type: Number },
    position: { type: Number },
    span: { type: Number },
    name: { type: String },
    shown: { type: Boolean, reflect: true },
  };
  declare paused: boolean;
  declare speed: number;
  declare position: number;
  declare span: number;
  declare name: string;
  declare shown: boolean;

  static override styles = [
    shared,
    css`
      .bar {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 6px 10px;
        padding: 4px 14px;
        border-radius: var(--round);
        background: var(--plate);
        border: 1.5px solid var(--plate-edge);
      }
      button {
        font: inherit;
        font-size: var(--type-small);
        font-weight: 600;
        color: var(--ink);
        background: transparent;
        border: 1.5px solid var(--ink-soft);
        border-radius: 12px;
        min-width: 48px;
        min-height: 46px;
        padding: 0 10px;
        cursor: pointer;
      }
      button:focus-visible,
      input:focus-visible {
        outline: 3px solid var(--assist);
        outline-offset: 2px;
      }
      input {
        flex: 1 1 120px;
        min-width: 0;
        accent-color: var(--assist);
      }
      .time {
        font-size: var(--type-small);
        color: var(--ink-soft);
        white-space: nowrap;
      }
    `,
  ];

  constructor() {
    super();
    this.paused = false;
    this.speed = 1;
    this.position = 0;
    this.span = 0;
    this.name = "";
    this.shown = false;
  }

  take(replay: CockpitReplay | null): void {
    this.shown = replay !== null;
    if (!replay) return;
    this.paused = replay.paused;
    this.speed = replay.speed;
    this.position = Math.floor(replay.position_s);
    this.span = Math.ceil(replay.length_s);
    this.name = replay.name;
  }

  private say(kind: ControlKind, value: number | null = null): void {
    const detail: CockpitControl = { type: "control", kind, value };
    this.dispatchEvent(
      new CustomEvent("volant-control", { detail, bubbles: true, composed: true }),
    );
  }

  private faster(step: number): void {
    const nearest = SPEEDS.reduce((a, b) =>
      Math.abs(b - this.speed) < Math.abs(a - this.speed) ? b : a,
    );
    const index = Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(nearest) + step));
    this.say("speed", SPEEDS[index]);
  }

  override render() {
    if (!this.shown) return nothing;
    return html`<div class="bar" role="group" aria-label="Journal ${this.name}">
      <button data-test="pause" @click=${() => this.say(this.paused ? "play" : "pause")}>
        ${this.paused ? "Play" : "Pause"}
      </button>
      <button data-test="step" @click=${() => this.say("step", 1)}>Step</button>
      <button data-test="slower" aria-label="Slower" @click=${() => this.faster(-1)}>−</button>
      <span class="time" data-test="replay-speed">${this.speed}×</span>
      <button data-test="faster" aria-label="Faster" @click=${() => this.faster(1)}>+</button>
      <input
        type="range"
        min="0"
        max=${this.span}
        .value=${String(this.position)}
        aria-label="Place in the journal"
        @change=${(event: Event) => this.say("seek", Number((event.target as HTMLInputElement).value))}
      />
      <span class="time" data-test="replay-time">${clock(this.position)} / ${clock(this.span)}</span>
    </div>`;
  }
}

define("volant-replay", ReplayBar);
