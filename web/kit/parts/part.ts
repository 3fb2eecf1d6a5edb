/** What all parts share: a frame around Lit, and the few styles that every part needs. */
import { css, LitElement } from "lit";

export const shared = css`
  :host {
    display: block;
    color: var(--ink);
    font-family: var(--type-family);
    font-variant-numeric: tabular-nums;
  }
  .label {
    font-size: var(--type-small);
    color: var(--ink-soft);
  }
`;

export { css, html, nothing, svg } from "lit";
export { LitElement };

/** Register an element once, so that a page may import a part twice. */
export function define(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element);
}
