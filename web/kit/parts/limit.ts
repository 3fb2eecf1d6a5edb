import { css, define, html, LitElement, nothing, shared } from "./part";

/** The limit that holds, as the sign beside the road; a broken ring says it is only assumed. */
export class LimitSign extends LitElement {
  static override properties = {
    limit: { type: Number },
    assumed: { type: Boolean },
    free: { type: Boolean },
  };
  declare limit: number | null;
  declare assumed: boolean;
  declare free: boolean;

  static override styles = [
    shared,
    css`
      .sign {
        box-sizing: border-box;
        width: 76px;
        height: 76px;
        border-radius: 50%;
        border: 9px solid var(--sign-red);
        background: var(--sign-face);
        color: var(--sign-ink);
        display: grid;
        place-items: center;
        font-size: 29px;
        font-weight: 700;
        letter-spacing: -0.04em;
        box-shadow: 0 0 0 2px var(--sign-face);
      }
      .assumed {
        border-style: dashed;
        border-width: 6px;
      }
      .free {
        border: 2px solid var(--sign-ink);
        background: linear-gradient(
          135deg,
          var(--sign-face) 46%,
          var(--sign-ink) 46%,
          var(--sign-ink) 54%,
          var(--sign-face) 54%
        );
      }
    `,
  ];

  constructor() {
    super();
    this.limit = null;
    this.assumed = false;
    this.free = false;
  }

  override render() {
    if (this.free) return html`<div class="sign free" role="img" aria-label="No limit"></div>`;
    if (this.limit === null) return nothing;
    const words = `Limit ${this.limit} km/h${this.assumed ? ", assumed" : ""}`;
    return html`<div class="sign ${this.assumed ? "assumed" : ""}" role="img" aria-label=${words} data-test="limit">
      ${this.limit}
    </div>`;
  }
}

define("volant-limit", LimitSign);
