import type { ObjectClass } from "../messages.gen";
import { css, define, html, LitElement, shared } from "./part";

const NAMES: Record<ObjectClass, string> = {
  car: "Car",
  lorry: "Lorry",
  bus: "Bus",
  motorcycle: "Motorcycle",
  cyclist: "Cyclist",
  pedestrian: "Person",
  obstacle: "Obstacle",
  unknown: "Something",
};

/** Distance to who is ahead, in metres and seconds. */
export class GapTile extends LitElement {
  static override properties = {
    gap: { type: Number },
    seconds: { type: Number },
    kind: { type: String },
  };
  declare gap: number | null;
  declare seconds: number | null;
  declare kind: ObjectClass;

  static override styles = [
    shared,
    css`
      .value {
        font-size: var(--type-large);
        font-weight: 600;
        line-height: 1.05;
      }
      .seconds {
        font-size: var(--type-body);
        color: var(--ink-soft);
        font-weight: 400;
        margin-inline-start: 10px;
      }
    `,
  ];

  constructor() {
    super();
    this.gap = null;
    this.seconds = null;
    this.kind = "unknown";
  }

  override render() {
    const none = this.gap === null;
    return html`<div class="label">${none ? "Road" : NAMES[this.kind]} ahead</div>
      <div class="value">
        <span data-test="gap">${none ? "Clear" : `${this.gap} m`}</span
        ><span class="seconds">${none || this.seconds === null ? "" : `${this.seconds.toFixed(1)} s`}</span>
      </div>`;
  }
}

define("volant-gap", GapTile);
