import { css, define, html, LitElement, shared } from "./part";

const STEPS = 5;

function word(share: number): string {
  if (share >= 0.8) return "High";
  return share >= 0.5 ? "Fair" : "Low";
}

/** How sure the pilot is of its plan: calm, always there, before any alert (hmi notes, section 2). */
export class Confidence extends LitElement {
  static override properties = { share: { type: Number } };
  declare share: number | null;

  static override styles = [
    shared,
    css`
      .row {
        display: flex;
        align-items: center;
        gap: 14px;
      }
      .value {
        font-size: var(--type-large);
        font-weight: 600;
        line-height: 1.05;
        min-width: 74px;
      }
      .bars {
        display: flex;
        gap: 5px;
        align-items: flex-end;
      }
      .bars i {
        width: 11px;
        border-radius: 3px;
        background: var(--plate-edge);
        transition: background var(--calm);
      }
      .bars i:nth-child(1) {
        height: 11px;
      }
      .bars i:nth-child(2) {
        height: 15px;
      }
      .bars i:nth-child(3) {
        height: 19px;
      }
      .bars i:nth-child(4) {
        height: 23px;
      }
      .bars i:nth-child(5) {
        height: 27px;
      }
      @media (max-width: 600px) {
        .row {
          gap: 8px;
        }
      }
      .high .on {
        background: var(--assist);
      }
      .fair .on {
        background: var(--ink-soft);
      }
      .low .on {
        background: var(--soon);
      }
    `,
  ];

  constructor() {
    super();
    this.share = null;
  }

  override render() {
    const share = this.share ?? 0;
    const words = this.share === null ? "–" : word(share);
    const lit = Math.round(share * STEPS);
    return html`<div class="label">Confidence</div>
      <div class="row ${words.toLowerCase()}">
        <span class="value" data-test="confidence">${words}</span>
        <span class="bars" aria-hidden="true"
          >${Array.from({ length: STEPS }, (_, i) => html`<i class=${i < lit ? "on" : ""}></i>`)}</span
        >
      </div>`;
  }
}

define("volant-confidence", Confidence);
