import { css, define, html, LitElement, nothing, shared } from "./part";

/** Which function drives, and what the driver has switched off; silent when there is nothing to say. */
export class FunctionsLine extends LitElement {
  static override properties = { drives: { type: String }, off: { type: String } };
  declare drives: string;
  declare off: string;

  static override styles = [
    shared,
    css`
      .drives {
        font-size: var(--type-small);
        font-weight: 600;
        color: var(--assist);
        margin-block-start: 6px;
      }
      .off {
        font-size: var(--type-small);
        color: var(--soon);
        margin-block-start: 4px;
        max-width: 230px;
      }
      @media (max-width: 600px) {
        .off {
          max-width: 150px;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.drives = "";
    this.off = "";
  }

  override render() {
    return html`${this.drives ? html`<div class="drives" data-test="drives">${this.drives}</div>` : nothing}
      ${this.off ? html`<div class="off" data-test="off">${this.off}</div>` : nothing}`;
  }
}

define("volant-functions", FunctionsLine);
