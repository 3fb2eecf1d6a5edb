import { css, define, html, LitElement, nothing, shared } from "./part";

/** Which function drives, what is switched off, how many trouble codes there are; silent about nothing. */
export class FunctionsLine extends LitElement {
  static override properties = {
    drives: { type: String },
    off: { type: String },
    codes: { type: String },
  };
  declare drives: string;
  declare off: string;
  declare codes: string;

  static override styles = [
    shared,
    css`
      .drives {
        font-size: var(--type-small);
        font-weight: 600;
        color: var(--assist);
        margin-block-start: 6px;
      }
      .off,
      .codes {
        font-size: var(--type-small);
        color: var(--soon);
        margin-block-start: 4px;
        max-width: 230px;
      }
      @media (max-width: 600px) {
        .off,
        .codes {
          max-width: 150px;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.drives = "";
    this.off = "";
    this.codes = "";
  }

  override render() {
    return html`${this.drives ? html`<div class="drives" data-test="drives">${this.drives}</div>` : nothing}
      ${this.off ? html`<div class="off" data-test="off">${this.off}</div>` : nothing}
      ${this.codes ? html`<div class="codes" data-test="codes">${this.codes}</div>` : nothing}`;
  }
}

define("volant-functions", FunctionsLine);
