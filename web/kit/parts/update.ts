import type {
  CockpitUpdate,
  UpdateResult,
  UpdateState,
  UpdateUnit,
  UpdateWish,
} from "../messages.gen";
import {
  ENDS,
  headline,
  isAtWork,
  isCalm,
  lineWords,
  type PressedWish,
  progressWords,
  takesWords,
  unusableNow,
  upper,
  versions,
  whenWords,
  whyNot,
  wishes,
} from "../updates";
import { css, define, html, LitElement, nothing, shared } from "./part";

/** Updates: what is offered and what it means, how far it is, what became of it. Decided only in park. */
export class UpdatePanel extends LitElement {
  static override properties = {
    told: { attribute: false, hasChanged: differs },
    seated: { type: Boolean },
    parked: { type: Boolean },
    sure: { state: true },
  };
  /** What updates have in hand; null: the car takes none. */
  declare told: CockpitUpdate | null;
  /** The driver's seat is taken here. */
  declare seated: boolean;
  /** The car stands in park; while it drives, nothing is read or pressed here. */
  declare parked: boolean;
  /** The way back was pressed once, and is asked about. */
  declare sure: boolean;
  /** Stamp of the state on which was pressed; the next one holds the car's answer. */
  private askedNs = -1;
  private hadFocus = false;

  static override styles = [
    shared,
    css`
      :host {
        border: 1.5px solid var(--plate-edge);
        border-radius: var(--round);
        padding: 12px 14px;
        font-size: var(--type-small);
      }
      :host([hidden]) {
        display: none;
      }
      :host(:focus-visible),
      summary:focus-visible,
      button:focus-visible {
        outline: 3px solid var(--assist);
        outline-offset: 2px;
      }
      section {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 10px;
        overflow-wrap: anywhere;
      }
      h2,
      h3,
      p,
      ul,
      li {
        margin: 0;
        padding: 0;
        font-size: var(--type-small);
        font-weight: 400;
      }
      h2 {
        font-weight: 600;
      }
      h3 {
        color: var(--ink-soft);
      }
      .title {
        font-size: var(--type-body);
        font-weight: 600;
      }
      .soft {
        color: var(--ink-soft);
      }
      .why {
        color: var(--soon);
        font-weight: 600;
      }
      .list ul {
        padding-inline-start: 20px;
      }
      .units {
        list-style: none;
        display: grid;
        gap: 8px;
      }
      .units li {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 2px 12px;
      }
      .units .does,
      .units progress {
        grid-column: 1 / -1;
      }
      progress {
        display: block;
        box-sizing: border-box;
        width: 100%;
        height: 10px;
        appearance: none;
        border: 0;
        border-radius: 5px;
        overflow: hidden;
        background: var(--plate-edge);
      }
      .units progress {
        height: 6px;
      }
      progress::-webkit-progress-bar {
        background: var(--plate-edge);
      }
      progress::-webkit-progress-value {
        background: var(--assist);
        transition: inline-size var(--calm);
      }
      progress::-moz-progress-bar {
        background: var(--assist);
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
      button {
        flex: 1 1 auto;
        font: inherit;
        font-weight: 600;
        color: var(--ink);
        background: transparent;
        border: 1.5px solid var(--ink-soft);
        border-radius: 12px;
        min-width: 52px;
        min-height: 48px;
        padding: 0 12px;
        cursor: pointer;
        touch-action: manipulation;
      }
      button.strong {
        flex-basis: 100%;
        background: var(--assist-plate);
        border-color: transparent;
        color: var(--on-deep);
      }
      button:disabled {
        background: transparent;
        color: var(--ink-faint);
        border-color: var(--plate-edge);
        cursor: default;
      }
      summary {
        cursor: pointer;
        box-sizing: border-box;
        min-height: 44px;
        padding: 8px 0;
      }
      details > * + * {
        margin-block-start: 6px;
      }
      [role="status"]:empty {
        display: none;
      }
    `,
  ];

  constructor() {
    super();
    this.told = null;
    this.seated = false;
    this.parked = false;
    this.sure = false;
  }

  private press(wish: UpdateWish): void {
    if (wish === "rollback" && !this.sure) {
      this.sure = true;
      return;
    }
    const { stamp_ns: stamp, offer } = this.told?.state ?? { stamp_ns: 0, offer: "" };
    if (this.askedNs === stamp) return;
    this.askedNs = stamp;
    this.sure = false;
    this.dispatchEvent(
      new CustomEvent<PressedWish>("volant-wish", {
        detail: { wish, offer },
        bubbles: true,
        composed: true,
      }),
    );
  }

  override willUpdate(): void {
    this.hadFocus = this.shadowRoot?.activeElement != null;
    if (!this.parked || !this.told?.state.can.includes("rollback")) this.sure = false;
  }

  /** Who pressed a button that is gone now still has the focus here. */
  override updated(): void {
    if (this.hadFocus && this.shadowRoot?.activeElement == null) this.focus();
  }

  private buttons(update: CockpitUpdate) {
    const off = !this.seated || update.silent;
    if (this.sure) {
      return html`<p>The car goes back to the programs before, and cannot be driven meanwhile.</p>
        <div class="buttons">
          <button type="button" data-wish="rollback" ?disabled=${off} @click=${() => this.press("rollback")}>
            Go back
          </button>
          <button type="button" data-test="keep" @click=${() => {
            this.sure = false;
          }}>Keep the new</button>
        </div>`;
    }
    const all = wishes(update.state);
    if (!all.length) return nothing;
    return html`<div class="buttons">
      ${all.map(
        ([wish, words]) => html`<button
          type="button"
          class=${wish === "now" ? "strong" : ""}
          data-wish=${wish}
          ?disabled=${off}
          @click=${() => this.press(wish)}
        >
          ${words}
        </button>`,
      )}
    </div>`;
  }

  private inHand(state: UpdateState) {
    const far = progressWords(state);
    return html`${state.title ? html`<p class="title" data-test="title">${state.title}</p>` : nothing}
      ${state.reasons.map((why) => html`<p class=${isCalm(state) ? "soft" : "why"} data-test="reason">${upper(why)}</p>`)}
      ${state.locked ? html`<p class="why" data-test="locked">The car cannot be driven now.</p>` : nothing}
      ${
        far
          ? html`<progress max="1" .value=${state.done} aria-label="This step"></progress>
            <p data-test="progress">${far}</p>`
          : nothing
      }
      ${isAtWork(state) ? unitList(state.units, true) : nothing}
      ${state.phase === "reverting" ? nothing : list("What changes", state.changes)}
      ${list("Cannot be used meanwhile", unusableNow(state))}
      ${takesWords(state) ? html`<p data-test="takes">${takesWords(state)}</p>` : nothing}
      ${
        !isAtWork(state) && state.units.length
          ? html`<details>
              <summary>${count(state.units.length)}</summary>
              ${unitList(state.units, false)}
            </details>`
          : nothing
      }`;
  }

  override render() {
    const { told: update } = this;
    if (!update) return nothing;
    const { state } = update;
    const nowS = Date.now() / 1000;
    return html`<section aria-label="Updates">
      <h2>Updates</h2>
      <p role="status" data-test="headline">${headline(state, nowS)}</p>
      ${
        this.parked
          ? html`${this.inHand(state)} ${this.buttons(update)}
              <p class="soft" role="status" data-test="why-not">${whyNot(update, this.seated)}</p>
              ${state.last ? result(state.last, nowS) : nothing}`
          : html`<p class="soft" data-test="drives">More when the car stands in park.</p>`
      }
    </section>`;
  }
}

function count(units: number): string {
  return units === 1 ? "1 unit" : `${units} units`;
}

function list(head: string, lines: readonly string[]) {
  if (!lines.length) return nothing;
  return html`<div class="list">
    <h3>${head}</h3>
    <ul>
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>
  </div>`;
}

function unitList(units: readonly UpdateUnit[], bars: boolean) {
  return html`<ul class="units">
    ${units.map(
      (one) => html`<li data-test="unit">
        <span>${one.unit}</span><span class="soft">${versions(one)}</span>
        ${one.does ? html`<span class="does soft">${one.does}</span>` : nothing}
        ${
          bars
            ? html`<progress max="1" .value=${one.done} aria-label=${one.unit}></progress>`
            : nothing
        }
      </li>`,
    )}
  </ul>`;
}

function result(last: UpdateResult, nowS: number) {
  return html`<details data-test="last">
    <summary>Last update: ${ENDS[last.end]}</summary>
    <p>${last.title || "Without a title"}, ${whenWords(last.at_s, nowS)}</p>
    ${last.why ? html`<p class="why">${upper(last.why)}</p>` : nothing}
    ${last.end === "installed" ? list("What changed", last.changes) : nothing}
    ${list("Its units", last.units.map(lineWords))}
  </details>`;
}

/** Frames bring a new object thirty times a second; what it says changes once a second at most. */
function differs(now: CockpitUpdate | null, before: CockpitUpdate | null | undefined): boolean {
  return JSON.stringify(now) !== JSON.stringify(before);
}

define("volant-update", UpdatePanel);
