import { css, define, html, LitElement, nothing, shared, svg } from "../kit/parts/part";
import { segments, waveSummary, waveWords } from "./model";
import { hashOf } from "./route";
import { look } from "./styles";
import type { WaveView } from "./views.gen";
import { words } from "./words";

/** One wave as it is now: a bar of its cars by state, and how far it is from opening the next or stopping it all. */
export class WaveBar extends LitElement {
  static override properties = {
    wave: { attribute: false },
    campaign: {},
    last: { type: Boolean },
  };
  declare wave: WaveView;
  declare campaign: string;
  declare last: boolean;

  static override styles = [
    shared,
    look,
    css`
      :host {
        gap: 6px;
      }
      h3 {
        overflow-wrap: anywhere;
      }
      svg {
        display: block;
        width: 100%;
        height: 22px;
        border-radius: 6px;
        background: var(--plate-edge);
      }
      .of-well,
      .of-has {
        fill: var(--well);
        background: var(--well);
      }
      .of-has {
        opacity: 0.6;
      }
      .of-watched {
        fill: color-mix(in srgb, var(--assist) 55%, var(--well));
        background: color-mix(in srgb, var(--assist) 55%, var(--well));
      }
      .of-busy,
      .of-told {
        fill: var(--assist);
        background: var(--assist);
      }
      .of-told {
        opacity: 0.65;
      }
      .of-waiting {
        fill: var(--plate-edge);
        background: var(--plate-edge);
      }
      .of-canceled,
      .of-refused {
        fill: var(--ink-faint);
        background: var(--ink-faint);
      }
      .of-again {
        fill: var(--soon);
        background: var(--soon);
      }
      .of-lost,
      .of-unwell,
      .of-failed {
        fill: var(--now);
        background: var(--now);
      }
      .of-lost {
        opacity: 0.7;
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 18px;
        list-style: none;
        font-size: var(--type-small);
      }
      li a {
        display: inline-flex;
        align-items: center;
        gap: 7px;
        min-height: 26px;
        color: var(--ink);
      }
      .swatch {
        inline-size: 11px;
        block-size: 11px;
        border-radius: 3px;
        outline: 1px solid var(--ink-faint);
      }
      .far {
        display: flex;
        flex-wrap: wrap;
        gap: 0 22px;
        font-size: var(--type-small);
        color: var(--ink-soft);
      }
    `,
  ];

  override render() {
    const { wave } = this;
    const it = words.campaign;
    const parts = segments(wave);
    const close = wave.errors > 0;
    return html`<div class="head">
        <h3>${wave.name}</h3>
        <span class="soft small">${waveWords(wave, Date.now() / 1000)}</span>
        <span class="small">${words.cars(wave.size)}</span>
      </div>
      <svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label=${waveSummary(wave)}>
        ${parts.map((one) => svg`<rect class="of-${one.state}" x=${one.at} y="0" width=${one.width} height="10" />`)}
      </svg>
      <ul>
        ${parts.map(
          (one) => html`<li>
            <a href=${hashOf("campaign", this.campaign, { state: one.state, wave: wave.name })}>
              <span class="swatch of-${one.state}"></span>${it.part(words.states[one.state], one.cars)}</a>
          </li>`,
        )}
      </ul>
      ${
        wave.size
          ? html`<p class="far">
            <span>${this.last ? it.lastGood(wave.good, wave.size) : it.good(wave.good, wave.good_wanted)}</span>
            <span class=${close ? "now" : ""}>${it.errors(wave.errors, wave.errors_limit)}</span>
          </p>`
          : nothing
      }`;
  }
}

define("fleet-wave", WaveBar);
