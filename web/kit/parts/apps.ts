import type { AppCard } from "../messages.gen";
import { css, define, html, LitElement, nothing, shared } from "./part";

const OWN = /^http:\/\/127\.0\.0\.1:\d+\/[\w-]+\/$/;

/** What apps show: a card each, and the way to their pages while the car stands. */
export class AppCards extends LitElement {
  static override properties = { cards: { attribute: false, hasChanged: differs } };
  declare cards: readonly AppCard[];

  static override styles = [
    shared,
    css`
      h2,
      h3,
      p,
      ul {
        margin: 0;
        padding: 0;
        font-size: var(--type-small);
      }
      h2 {
        position: absolute;
        width: 1px;
        height: 1px;
        overflow: hidden;
        clip-path: inset(50%);
      }
      h3 {
        font-weight: 400;
        color: var(--ink-soft);
      }
      ul {
        list-style: none;
        display: grid;
        gap: 8px;
      }
      li {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 2px 12px;
        padding: 8px 12px;
        border: 1.5px solid var(--plate-edge);
        border-radius: var(--round);
        overflow-wrap: anywhere;
      }
      .title {
        font-weight: 600;
      }
      a {
        grid-column: 2;
        grid-row: 1 / span 4;
        align-self: center;
        display: grid;
        place-items: center;
        min-width: 52px;
        min-height: 48px;
        padding: 0 12px;
        border: 1.5px solid var(--ink-soft);
        border-radius: 12px;
        color: var(--ink);
        font-weight: 600;
        text-decoration: none;
      }
      a:focus-visible {
        outline: 3px solid var(--assist);
        outline-offset: 2px;
      }
    `,
  ];

  constructor() {
    super();
    this.cards = [];
  }

  override render() {
    if (!this.cards.length) return nothing;
    return html`<h2>Apps</h2>
      <ul>
        ${this.cards.map(
          (one) => html`<li data-app=${one.app}>
            <h3>${one.name}</h3>
            ${one.title ? html`<p class="title">${one.title}</p>` : nothing}
            ${one.lines.map((line) => html`<p>${line}</p>`)}
            ${
              OWN.test(one.address)
                ? html`<a href=${one.address} target="_blank" rel="noopener noreferrer"
                  aria-label="Open ${one.name}">Open</a>`
                : nothing
            }
          </li>`,
        )}
      </ul>`;
  }
}

function differs(now: unknown, before: unknown): boolean {
  return JSON.stringify(now) !== JSON.stringify(before);
}

define("volant-apps", AppCards);
