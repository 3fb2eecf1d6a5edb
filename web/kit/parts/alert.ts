import { brief } from "../format";
import type { Alert } from "../messages.gen";
import { css, define, html, LitElement, nothing, shared, svg } from "./part";

/** Level to look: 1 advice, 2 prompt (amber), 3 warning and 4 critical (red, full width). */
const LOOKS = ["status", "advice", "prompt", "warning", "critical"] as const;

const sign = svg`<svg viewBox="0 0 40 36" aria-hidden="true">
  <path d="M20 2 L38 34 H2 Z" fill="none" stroke="currentColor" stroke-width="4" stroke-linejoin="round" />
  <path d="M20 13 V23 M20 27 V30" stroke="currentColor" stroke-width="4" />
</svg>`;

/** The one alert on show; what to do stands under what is wrong. */
export class AlertBanner extends LitElement {
  static override properties = { alert: { attribute: false } };
  declare alert: Alert | null;

  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        justify-items: center;
      }
      .banner {
        display: flex;
        align-items: center;
        gap: 18px;
        box-sizing: border-box;
        padding: 12px 26px 12px 20px;
        border-radius: var(--round);
        background: var(--plate);
        border: 1.5px solid var(--plate-edge);
        color: var(--ink);
      }
      svg {
        width: 40px;
        height: 36px;
        flex: none;
      }
      .words {
        font-size: var(--type-body);
        font-weight: 600;
      }
      .action {
        font-size: var(--type-small);
      }
      .prompt {
        background: var(--soon-plate);
        color: var(--on-bright);
        border-color: transparent;
      }
      .warning,
      .critical {
        background: var(--now-plate);
        color: var(--on-deep);
        border-color: transparent;
      }
      .critical {
        width: 100%;
        justify-content: center;
      }
      .critical .words {
        font-size: var(--type-large);
      }
    `,
  ];

  constructor() {
    super();
    this.alert = null;
  }

  override render() {
    const { alert } = this;
    if (!alert) return nothing;
    const look = LOOKS[alert.level] ?? "warning";
    return html`<div class="banner ${look}" role=${alert.level >= 2 ? "alert" : "status"}>
      ${alert.level >= 2 ? sign : nothing}
      <div>
        <div class="words" data-test="alert">${brief(alert.words)}</div>
        ${alert.action ? html`<div class="action">${brief(alert.action)}</div>` : nothing}
      </div>
    </div>`;
  }
}

define("volant-alert", AlertBanner);
