import { brief } from "../format";
import type { Engagement } from "../messages.gen";
import { css, define, html, LitElement, shared, svg } from "./part";

/** Names of the states as people read them; colour never stands alone (hmi notes 9.4, 9.7). */
export const STATES: Record<Engagement, { words: string; tone: string }> = {
  off: { words: "Manual", tone: "neutral" },
  ready: { words: "Pilot ready", tone: "neutral" },
  engaged: { words: "Pilot drives", tone: "assist" },
  overridden: { words: "You override", tone: "soon" },
  takeover: { words: "Take over now", tone: "now" },
  minimal_risk: { words: "Safe stop", tone: "now" },
};

const wheel = svg`<svg viewBox="0 0 48 48" aria-hidden="true">
  <circle cx="24" cy="24" r="19" fill="none" stroke="currentColor" stroke-width="4.5" />
  <circle cx="24" cy="24" r="5.5" fill="currentColor" />
  <path d="M6 21 L19 23 M42 21 L29 23 M24 29 V42" stroke="currentColor" stroke-width="4.5" fill="none" />
</svg>`;

/** The one place that says who drives, and why the car does what it does. */
export class PilotTile extends LitElement {
  static override properties = {
    engagement: { type: String },
    reason: { type: String },
    setSpeed: { type: Number },
    stop: { type: String },
    stands: { type: Boolean },
    over: { type: Boolean },
  };
  declare engagement: Engagement | null;
  declare reason: string;
  declare setSpeed: number | null;
  /** The car is stopped by itself, in words; empty: it is the pilot's state that counts. */
  declare stop: string;
  declare stands: boolean;
  /** The trip is over, and nobody drives. */
  declare over: boolean;

  static override styles = [
    shared,
    css`
      .tile {
        display: grid;
        grid-template-columns: 58px 1fr auto;
        align-items: center;
        column-gap: 16px;
        box-sizing: border-box;
        padding: 12px 20px 12px 14px;
        border-radius: var(--round);
        background: var(--plate);
        border: 1.5px solid var(--plate-edge);
      }
      svg {
        width: 54px;
        height: 54px;
      }
      .state {
        font-size: var(--type-body);
        font-weight: 600;
      }
      .reason {
        font-size: var(--type-small);
        color: var(--ink-soft);
        min-height: 1.2em;
      }
      .set {
        text-align: end;
        padding-inline-start: 18px;
        border-inline-start: 1.5px solid currentColor;
      }
      .set b {
        display: block;
        font-size: var(--type-large);
        line-height: 1;
      }
      .set span {
        font-size: var(--type-small);
      }
      .assist {
        background: var(--assist-plate);
        border-color: transparent;
        color: var(--on-deep);
      }
      .soon {
        background: var(--soon-plate);
        border-color: transparent;
        color: var(--on-bright);
      }
      .now {
        background: var(--now-plate);
        border-color: transparent;
        color: var(--on-deep);
      }
      .assist .reason,
      .now .reason {
        color: var(--on-deep);
      }
      .soon .reason {
        color: var(--on-bright);
      }
    `,
  ];

  constructor() {
    super();
    this.engagement = null;
    this.reason = "";
    this.setSpeed = null;
    this.stop = "";
    this.stands = false;
    this.over = false;
  }

  private state(): { words: string; tone: string } {
    if (this.stop) return { words: this.stop, tone: this.stands ? "soon" : "now" };
    if (this.over) return { words: "Arrived", tone: "neutral" };
    return this.engagement ? STATES[this.engagement] : { words: "Starting", tone: "neutral" };
  }

  override render() {
    const { words, tone } = this.state();
    return html`<div class="tile ${tone}">
      ${wheel}
      <div>
        <div class="state" data-test="pilot">${words}</div>
        <div class="reason" data-test="reason">${brief(this.reason)}</div>
      </div>
      ${
        this.setSpeed === null
          ? html`<div></div>`
          : html`<div class="set"><b data-test="set-speed">${this.setSpeed}</b><span>set</span></div>`
      }
    </div>`;
  }
}

define("volant-pilot", PilotTile);
