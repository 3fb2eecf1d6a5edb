import { brief, distance } from "../format";
import type { Guidance, TurnKind } from "../messages.gen";
import { css, define, html, LitElement, nothing, shared, svg } from "./part";

/** One arrow each, drawn in a square of 48, from the bottom up. */
const WAYS: Record<TurnKind, string> = {
  straight: "M24 44 V10 M13 21 L24 9 L35 21",
  left: "M32 44 V26 Q32 18 24 18 H10 M20 8 L9 18 L20 28",
  right: "M16 44 V26 Q16 18 24 18 H38 M28 8 L39 18 L28 28",
  roundabout: "M24 45 V36 M24 36 A12 12 0 1 1 34 30 M28 25 L35 31 L41 23",
  merge: "M24 44 V10 M14 20 L24 9 L34 20 M8 44 Q10 32 22 26",
  exit: "M16 44 V6 M16 34 Q17 22 36 18 M28 9 L38 18 L29 28",
  fork: "M24 44 V30 Q24 22 12 12 M24 30 Q24 22 36 12 M8 20 L11 10 L21 12 M40 20 L37 10 L27 12",
  arrive: "M14 44 V6 H36 L30 14 L36 22 H14",
};

/** Rounded as people say it: 10 m below 200 m, 50 m below 1 km. */
export function spoken(metres: number): string {
  const step = metres < 200 ? 10 : metres < 1000 ? 50 : 1;
  return distance(Math.max(Math.round(metres / step) * step, 0));
}

/** The next turn of the way; nothing on a drive without one. */
export class GuideTile extends LitElement {
  static override properties = { guidance: { attribute: false } };
  declare guidance: Guidance | null;

  static override styles = [
    shared,
    css`
      .row {
        display: grid;
        grid-template-columns: 46px minmax(0, 1fr);
        align-items: center;
        column-gap: 14px;
        padding-block-end: 10px;
        margin-block-end: 10px;
        border-block-end: 1.5px solid var(--plate-edge);
      }
      svg {
        width: 46px;
        height: 46px;
        color: var(--assist);
      }
      .value {
        font-size: var(--type-large);
        font-weight: 600;
        line-height: 1.05;
      }
      .label {
        max-width: 230px;
        overflow-wrap: anywhere;
      }
      @media (max-height: 560px) {
        .row {
          border: 0;
          padding: 0;
          margin: 0;
        }
        .label {
          display: none;
        }
      }
      @media (max-width: 600px) {
        .row {
          grid-template-columns: 32px minmax(0, 1fr);
          column-gap: 8px;
        }
        svg {
          width: 32px;
          height: 32px;
        }
        .label {
          max-width: 150px;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.guidance = null;
  }

  override render() {
    const { guidance } = this;
    if (!guidance) return nothing;
    return html`<div class="row">
      ${svg`<svg viewBox="0 0 48 48" aria-hidden="true"><path d=${WAYS[guidance.turn]}
        fill="none" stroke="currentColor" stroke-width="5" stroke-linecap="round"
        stroke-linejoin="round" /></svg>`}
      <div>
        <div class="value" data-test="turn">${spoken(guidance.distance_m)}</div>
        <div class="label" data-test="turn-words">${brief(guidance.words, 40)}</div>
      </div>
    </div>`;
  }
}

define("volant-guide", GuideTile);
