import { frameRows, STATUS, since, whyNot } from "../codes";
import type { CockpitCodes, TroubleCode } from "../messages.gen";
import { css, define, html, LitElement, nothing, shared } from "./part";

/** The trouble codes, each with what it means and the circumstances of its failure. */
export class CodeList extends LitElement {
  static override properties = {
    codes: { attribute: false, hasChanged: differs },
    seated: { type: Boolean },
  };
  declare codes: CockpitCodes | null;
  /** The driver's seat is taken here. */
  declare seated: boolean;

  static override styles = [
    shared,
    css`
      :host {
        border: 1.5px solid var(--plate-edge);
        border-radius: var(--round);
        padding: 12px 14px;
        font-size: var(--type-small);
      }
      h2,
      p,
      ul,
      dl {
        margin: 0;
        padding: 0;
        font-size: var(--type-small);
      }
      h2 {
        font-weight: 600;
        padding-block-end: 6px;
      }
      ul {
        list-style: none;
        display: grid;
        gap: 4px;
      }
      summary {
        cursor: pointer;
        padding: 8px 0;
        min-height: 44px;
        box-sizing: border-box;
      }
      summary b {
        white-space: nowrap;
      }
      summary:focus-visible,
      button:focus-visible {
        outline: 3px solid var(--assist);
        outline-offset: 2px;
      }
      .status {
        font-weight: 600;
        color: var(--ink-soft);
      }
      .active .status {
        color: var(--soon);
      }
      .active.warns .status {
        color: var(--now);
      }
      .words {
        display: block;
        overflow-wrap: anywhere;
      }
      .soft,
      dt {
        color: var(--ink-soft);
      }
      dl {
        display: grid;
        grid-template-columns: max-content 1fr;
        gap: 2px 14px;
        padding-block: 4px 10px;
      }
      dd {
        margin: 0;
      }
      .clear {
        display: grid;
        gap: 6px;
        padding-block-start: 8px;
      }
      button {
        font: inherit;
        font-weight: 600;
        color: var(--ink);
        background: transparent;
        border: 1.5px solid var(--ink-soft);
        border-radius: 12px;
        min-height: 48px;
        cursor: pointer;
      }
      button:disabled {
        color: var(--ink-faint);
        border-color: var(--plate-edge);
        cursor: default;
      }
    `,
  ];

  constructor() {
    super();
    this.codes = null;
    this.seated = false;
  }

  private clear(): void {
    this.dispatchEvent(new CustomEvent("volant-clear", { bubbles: true, composed: true }));
  }

  private one(code: TroubleCode) {
    return html`<li class="${code.status}${code.warns ? " warns" : ""}" data-test="code">
      <details>
        <summary>
          <b>${code.code}</b> · <span class="status">${STATUS[code.status]}</span>
          <span class="words">${code.unit_words}: ${code.words}</span>
        </summary>
        <p class="soft" data-test="since">${since(code)}</p>
        <dl>
          ${frameRows(code.latest).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
        </dl>
      </details>
    </li>`;
  }

  override render() {
    const { codes } = this;
    const head = html`<h2>Trouble codes</h2>`;
    if (!codes) return html`${head}<p class="soft">Not looked for in this drive.</p>`;
    if (codes.count === 0) return html`${head}<p data-test="no-codes">None. All is well.</p>`;
    const more = codes.count - codes.codes.length;
    const why = whyNot(codes, this.seated);
    return html`${head}
      <ul>
        ${codes.codes.map((code) => this.one(code))}
      </ul>
      ${more > 0 ? html`<p class="soft">And ${more} more.</p>` : nothing}
      <div class="clear">
        <button
          type="button"
          data-test="clear"
          ?disabled=${!this.seated || !codes.may_clear}
          @click=${() => this.clear()}
        >
          Clear all
        </button>
        <p class="soft" role="status" data-test="why-not">${why}</p>
      </div>`;
  }
}

/** Frames bring a new object thirty times a second; what it says changes seldom. */
function differs(now: CockpitCodes | null, before: CockpitCodes | null | undefined): boolean {
  return JSON.stringify(now) !== JSON.stringify(before);
}

define("volant-codes", CodeList);
