import { css } from "../kit/parts/part";

/** How the console's pages look: plates, tables, fields, buttons. */
export const look = css`
  :host {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 18px;
    font-size: var(--type-body);
  }
  * {
    box-sizing: border-box;
  }
  h1,
  h2,
  h3,
  p,
  dl,
  dd,
  ul,
  fieldset,
  figure {
    margin: 0;
    padding: 0;
  }
  h1 {
    font-size: var(--type-large);
    line-height: 1.2;
    overflow-wrap: anywhere;
  }
  h1:focus,
  h2:focus {
    outline: none;
  }
  h2 {
    font-size: 18px;
  }
  h3 {
    font-size: var(--type-body);
  }
  section,
  .plate {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    align-content: start;
    gap: 12px;
    padding: 18px 20px;
    background: var(--plate);
    border: var(--line);
    border-radius: var(--round);
    min-width: 0;
  }
  a {
    color: var(--assist);
    text-underline-offset: 3px;
    text-decoration-thickness: 1px;
  }
  a:hover {
    text-decoration-thickness: 2px;
  }
  :focus-visible {
    outline: 3px solid var(--assist);
    outline-offset: 2px;
    border-radius: 4px;
  }
  code,
  .code {
    font-family: var(--code);
    font-size: 0.92em;
    overflow-wrap: anywhere;
  }
  pre {
    margin: 0;
    padding: 12px;
    overflow: auto;
    max-height: 340px;
    border: var(--line);
    border-radius: 8px;
    background: var(--sky);
    font: 13px / 1.5 var(--code);
  }
  .soft {
    color: var(--ink-soft);
  }
  .small {
    font-size: var(--type-small);
  }
  .head {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px 14px;
  }
  .head > :first-child {
    margin-inline-end: auto;
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
  }

  /* words that stand out */
  .chip {
    display: inline-flex;
    align-items: center;
    gap: 7px;
    padding: 2px 10px;
    border: 1.5px solid currentColor;
    border-radius: 99px;
    font-size: var(--type-small);
    font-weight: 600;
    white-space: nowrap;
  }
  .chip::before {
    content: "";
    inline-size: 8px;
    block-size: 8px;
    border-radius: 50%;
    background: currentColor;
  }
  .well {
    color: var(--well);
  }
  .assist {
    color: var(--assist);
  }
  .soon {
    color: var(--soon);
  }
  .now {
    color: var(--now);
  }
  .calm {
    color: var(--ink-soft);
  }
  .notice {
    padding: 10px 14px;
    border-radius: 8px;
    font-weight: 600;
  }
  .notice.bad {
    background: var(--now-plate);
    color: var(--on-deep);
  }
  .notice.soon {
    background: var(--soon-plate);
    color: var(--on-bright);
  }
  .why {
    color: var(--now);
    font-weight: 600;
  }
  [role="status"]:empty,
  [role="alert"]:empty {
    display: none;
  }

  /* buttons */
  button,
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    min-height: 40px;
    padding: 0 16px;
    font: inherit;
    font-weight: 600;
    color: var(--ink);
    background: transparent;
    border: 1.5px solid var(--ink-soft);
    border-radius: 8px;
    cursor: pointer;
    text-decoration: none;
    touch-action: manipulation;
  }
  button:hover:not([aria-disabled="true"], :disabled),
  .button:hover {
    border-color: var(--ink);
    background: color-mix(in srgb, var(--ink) 8%, transparent);
  }
  button.strong,
  .button.strong,
  button.strong:hover:not([aria-disabled="true"], :disabled),
  .button.strong:hover {
    background: var(--assist-plate);
    border-color: transparent;
    color: var(--on-deep);
  }
  button.danger,
  button.danger:hover:not([aria-disabled="true"], :disabled) {
    background: var(--now-plate);
    border-color: transparent;
    color: var(--on-deep);
  }
  button[aria-disabled="true"],
  button:disabled {
    background: transparent;
    color: var(--ink-faint);
    border-color: var(--plate-edge);
    cursor: default;
  }
  button.slight {
    min-height: 32px;
    padding: 0 10px;
    font-size: var(--type-small);
  }

  /* fields */
  label,
  .field {
    display: grid;
    gap: 4px;
    align-content: start;
    font-size: var(--type-small);
    color: var(--ink-soft);
    min-width: 0;
  }
  .checks {
    display: flex;
    flex-wrap: wrap;
    gap: 0 24px;
  }
  label.check {
    display: inline-flex;
    align-items: center;
    gap: 8px;
    min-height: 40px;
    color: var(--ink);
    font-size: var(--type-body);
  }
  input:not([type="checkbox"]),
  select,
  textarea {
    width: 100%;
    min-height: 40px;
    padding: 6px 10px;
    font: inherit;
    font-size: var(--type-body);
    color: var(--ink);
    background: var(--field);
    border: 1px solid var(--ink-faint);
    min-width: 0;
    border-radius: 8px;
  }
  input.code,
  textarea.code {
    font-family: var(--code);
    font-size: 15px;
  }
  select {
    text-overflow: ellipsis;
    max-width: 30rem;
  }
  input[aria-invalid="true"],
  select[aria-invalid="true"] {
    border: 2px solid var(--now);
  }
  input[type="checkbox"] {
    inline-size: 20px;
    block-size: 20px;
    margin: 0;
    accent-color: var(--assist);
  }
  .fields {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(210px, 1fr));
    gap: 12px 16px;
    align-items: start;
  }
  .grow {
    flex: 1 1 220px;
    min-width: 0;
  }
  .wide {
    grid-column: 1 / -1;
  }
  fieldset {
    border: 0;
    min-width: 0;
  }
  summary {
    cursor: pointer;
    min-height: 32px;
    padding: 4px 0;
    color: var(--ink-soft);
  }

  /* tables */
  .scroll {
    overflow-x: auto;
    margin-inline: -20px;
    padding-inline: 20px;
    scrollbar-width: thin;
    scrollbar-color: var(--ink-faint) transparent;
    /* A shade at the edge behind which there is more: the covers move with the table, the shades do not. */
    background:
      linear-gradient(90deg, var(--plate) 40%, transparent) left / 48px 102% no-repeat local,
      linear-gradient(270deg, var(--plate) 40%, transparent) right / 48px 102% no-repeat local,
      linear-gradient(90deg, var(--ink-faint), transparent) left / 14px 100% no-repeat scroll,
      linear-gradient(270deg, var(--ink-faint), transparent) right / 14px 100% no-repeat scroll;
  }
  table {
    width: 100%;
    border-collapse: collapse;
    font-size: 15px;
  }
  th,
  td {
    padding: 8px 14px 8px 0;
    text-align: start;
    vertical-align: baseline;
    border-block-end: var(--line);
  }
  th:last-child,
  td:last-child {
    padding-inline-end: 0;
  }
  tbody tr:last-child > * {
    border-block-end: 0;
  }
  thead th {
    font-size: var(--type-small);
    font-weight: 600;
    color: var(--ink-soft);
    white-space: nowrap;
  }
  tbody th {
    font-weight: 600;
  }
  tbody tr:hover {
    background: color-mix(in srgb, var(--ink) 4%, transparent);
  }
  .number {
    text-align: end;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .tight {
    white-space: nowrap;
  }
  .long {
    overflow-wrap: anywhere;
    min-width: 180px;
  }
  th.code,
  td.code,
  th .code,
  td a.code {
    white-space: nowrap;
  }
  td a,
  th a {
    display: inline-block;
    min-height: 24px;
  }
  td.long.code {
    white-space: normal;
  }
  dl.facts {
    display: grid;
    grid-template-columns: minmax(110px, max-content) minmax(0, 1fr);
    gap: 6px 18px;
  }
  dl.facts dt {
    color: var(--ink-soft);
  }
  dl.facts dd {
    overflow-wrap: anywhere;
  }

  /* bars */
  progress {
    display: block;
    width: 100%;
    height: 10px;
    appearance: none;
    border: 0;
    border-radius: 5px;
    overflow: hidden;
    background: var(--plate-edge);
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
  progress.now::-webkit-progress-value {
    background: var(--now);
  }
  progress.well::-webkit-progress-value {
    background: var(--well);
  }

  dialog {
    width: min(720px, calc(100vw - 24px));
    max-height: calc(100vh - 24px);
    padding: 22px;
    color: var(--ink);
    background: var(--plate);
    border: 1.5px solid var(--ink-faint);
    border-radius: var(--round);
    overflow: auto;
  }
  dialog[open] {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 14px;
  }
  .sends {
    display: grid;
    gap: 14px;
    list-style: none;
  }
  .sends > li {
    padding-top: 14px;
    border-top: var(--line);
  }
  dialog form {
    display: grid;
    gap: 14px;
  }
  dialog::backdrop {
    background: rgb(0 0 0 / 55%);
  }
  .digest {
    padding: 10px 12px;
    border: var(--line);
    border-radius: 8px;
    background: var(--sky);
    font: 600 15px / 1.5 var(--code);
    overflow-wrap: anywhere;
  }

  @media (max-width: 700px) {
    :host {
      gap: 12px;
    }
    section,
    .plate {
      padding: 14px;
    }
    .scroll {
      margin-inline: -14px;
      padding-inline: 14px;
    }
    .side {
      display: none;
    }
    .long {
      min-width: 110px;
    }
    dl.facts {
      grid-template-columns: minmax(0, 1fr);
      gap: 0;
    }
    dl.facts dd {
      margin-block-end: 8px;
    }
  }
`;
