import type { Gear } from "../messages.gen";
import { css, define, html, LitElement, shared } from "./part";

const GEARS: readonly [Gear, string][] = [
  ["park", "P"],
  ["reverse", "R"],
  ["neutral", "N"],
  ["drive", "D"],
];

/** P R N D with the one that is in. */
export class GearStrip extends LitElement {
  static override properties = { gear: { type: String } };
  declare gear: Gear | null;

  static override styles = [
    shared,
    css`
      :host {
        display: flex;
        gap: 6px;
        font-size: var(--type-body);
        font-weight: 600;
      }
      span {
        color: var(--ink-faint);
        width: 38px;
        text-align: center;
        padding: 5px 0;
        border-radius: 11px;
      }
      @media (max-width: 600px) {
        :host {
          gap: 2px;
        }
        span {
          width: 34px;
        }
      }
      .in {
        color: var(--plate);
        background: var(--ink);
      }
    `,
  ];

  constructor() {
    super();
    this.gear = null;
  }

  override render() {
    return GEARS.map(
      ([gear, letter]) =>
        html`<span class=${gear === this.gear ? "in" : ""} data-test=${
          gear === this.gear ? "gear" : "gear-out"
        } aria-current=${gear === this.gear ? "true" : "false"}>${letter}</span>`,
    );
  }
}

define("volant-gear", GearStrip);
