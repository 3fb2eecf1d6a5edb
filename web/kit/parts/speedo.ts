import { css, define, html, LitElement, shared } from "./part";

/** The speed, big; `null` while the car says nothing. */
export class Speedo extends LitElement {
  static override properties = { speed: { type: Number } };
  declare speed: number | null;

  static override styles = [
    shared,
    css`
      :host {
        line-height: 0.92;
      }
      .value {
        font-size: var(--type-huge);
        font-weight: 600;
        letter-spacing: -0.02em;
      }
      .unit {
        font-size: var(--type-body);
        color: var(--ink-soft);
        margin-inline-start: 8px;
      }
    `,
  ];

  constructor() {
    super();
    this.speed = null;
  }

  override render() {
    return html`<span class="value" data-test="speed">${this.speed ?? "–"}</span
      ><span class="unit">km/h</span>`;
  }
}

define("volant-speedo", Speedo);
