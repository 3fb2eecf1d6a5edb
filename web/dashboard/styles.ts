import { css } from "../kit/parts/part";

/** How the dashboard's tiles look. */
export const tiles = css`
  :host {
    padding: 16px;
  }
  .grid {
    display: grid;
    grid-template-columns: repeat(3, minmax(0, 1fr));
    gap: var(--gap);
  }
  @media (max-width: 1239px) {
    .grid {
      grid-template-columns: repeat(2, minmax(0, 1fr));
    }
  }
  @media (max-width: 839px) {
    .grid {
      grid-template-columns: minmax(0, 1fr);
    }
  }
  section {
    display: flex;
    flex-direction: column;
    gap: 10px;
    padding: 14px 18px;
    border-radius: var(--round);
    background: var(--plate);
    border: 1.5px solid var(--plate-edge);
    font-size: var(--type-small);
    min-width: 0;
  }
  .wide {
    grid-column: span 2;
  }
  .wide volant-chart {
    flex: 1;
  }
  @media (max-width: 839px) {
    .wide {
      grid-column: auto;
    }
  }
  h2,
  p,
  dl,
  dd {
    margin: 0;
  }
  h2 {
    font-size: var(--type-small);
    font-weight: 600;
    color: var(--ink-soft);
  }
  .row h2 {
    flex: 1;
  }
  .big {
    font-size: var(--type-large);
    font-weight: 600;
  }
  .link {
    padding: 10px 18px;
    margin-block-end: var(--gap);
    border-radius: var(--round);
    background: var(--soon-plate);
    color: var(--on-bright);
    font-weight: 600;
  }
  .link[hidden] {
    display: none;
  }
  dl {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
    gap: 6px 16px;
  }
  dt {
    color: var(--ink-soft);
  }
  dd {
    font-weight: 600;
  }
  meter {
    display: block;
    width: 100%;
    height: 20px;
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
  }
  .line .name {
    flex: 1 1 70px;
  }
  small {
    display: block;
    font-size: var(--type-small);
    color: var(--ink-soft);
  }
  output {
    min-width: 84px;
    text-align: center;
    font-weight: 600;
    font-size: var(--type-body);
  }
  button {
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
  button:focus-visible {
    outline: 3px solid var(--assist);
    outline-offset: 2px;
  }
  button[aria-pressed="true"] {
    background: var(--assist-plate);
    border-color: transparent;
    color: var(--on-deep);
  }
  button:disabled {
    color: var(--ink-faint);
    border-color: var(--plate-edge);
    cursor: default;
  }
  .told {
    min-height: 1.2em;
    color: var(--ink-soft);
  }
  .told.done {
    color: var(--well);
  }
  .told.late,
  .told.refused {
    color: var(--soon);
    font-weight: 600;
  }
`;
