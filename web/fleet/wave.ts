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
      rect {
        fill: var(--of, var(--plate-edge));
        stroke: var(--plate);
        vector-effect: non-scaling-stroke;
      }
      .of-well {
        --of: var(--bar-well);
      }
      .of-has {
        --of: var(--bar-has);
      }
      .of-watched {
        --of: var(--bar-watched);
      }
      .of-busy {
        --of: var(--bar-busy);
      }
      .of-told {
        --of: var(--bar-told);
      }
      .of-canceled,
      .of-refused {
        --of: var(--bar-let-go);
      }
      .of-again {
        --of: var(--bar-again);
      }
      .of-lost {
        --of: var(--bar-lost);
      }
      .of-unwell {
        --of: var(--bar-unwell);
      }
      .of-failed {
        --of: var(--bar-failed);
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
        background: var(--of, var(--plate-edge));
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
