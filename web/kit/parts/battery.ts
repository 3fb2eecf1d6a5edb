import { distance, NONE, percent } from "../format";
import { css, define, html, LitElement, shared, svg } from "./part";

const LOW_PCT = 15;

/** State of charge and the range it gives. */
export class Battery extends LitElement {
  static override properties = { charge: { type: Number }, range: { type: Number } };
  declare charge: number | null;
  declare range: number | null;

  static override styles = [
    shared,
    css`
      :host {
        display: flex;
        align-items: center;
        gap: 12px;
        font-size: var(--type-body);
        font-weight: 600;
        white-space: nowrap;
      }
      @media (max-width: 600px) {
        :host {
          gap: 8px;
        }
      }
      svg {
        width: 46px;
        height: 22px;
      }
      .shell {
        fill: none;
        stroke: var(--ink-soft);
        stroke-width: 2;
      }
      .pole {
        fill: var(--ink-soft);
      }
      .fill {
        fill: var(--well);
      }
      .low .fill {
        fill: var(--soon);
      }
      .range {
        color: var(--ink-soft);
        font-weight: 400;
      }
    `,
  ];

  constructor() {
    super();
    this.charge = null;
    this.range = null;
  }

  override render() {
    const share = Math.max(0, Math.min(1, (this.charge ?? 0) / 100));
    const low = this.charge !== null && this.charge <= LOW_PCT;
    return html`<svg class=${low ? "low" : ""} viewBox="0 0 46 22" aria-hidden="true">
        <rect class="shell" x="1" y="1" width="39" height="20" rx="6" />
        <rect class="pole" x="42" y="7" width="3" height="8" rx="1.5" />
        ${svg`<rect class="fill" x="4" y="4" width=${33 * share} height="14" rx="3.5" />`}</svg
      ><span data-test="charge">${this.charge === null ? NONE : percent(this.charge)}</span
      ><span class="range" data-test="range">${distance(this.range)}</span>`;
  }
}

define("volant-battery", Battery);
