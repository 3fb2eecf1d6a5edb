import { css } from "../../kit/parts/part";
import { ENDED, GOING, PHASE_TONE, share } from "../model";
import { define, FleetPage, html, nothing } from "../page";
import { hashOf } from "../route";
import { Source } from "../source";
import type { CampaignLine, FleetView } from "../views.gen";
import { words } from "../words";

const LOOK_MS = 3000;
type Which = "all" | "going" | "ended";

/** All campaigns, and the fleet in a few numbers. */
export class Campaigns extends FleetPage {
  static override styles = [
    ...FleetPage.styles,
    css`
      .numbers {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
        gap: 12px;
      }
      .numbers div {
        padding: 12px 16px;
        background: var(--plate);
        border: var(--line);
        border-radius: var(--round);
      }
      .numbers dt {
        font-size: var(--type-small);
        color: var(--ink-soft);
      }
      .numbers dd {
        font-size: 22px;
        font-weight: 600;
      }
      td progress {
        width: 110px;
        margin: 6px 0 0 auto;
      }
      .title {
        display: block;
      }
      .title + span {
        font-weight: 400;
      }
      @media (max-width: 700px) {
        .numbers {
          grid-template-columns: 1fr 1fr;
        }
        td progress {
          display: none;
        }
        .chip {
          white-space: normal;
        }
      }
    `,
  ];
  private readonly list = new Source<CampaignLine[]>(
    this,
    (signal) => this.api.get("campaigns", {}, signal),
    LOOK_MS,
  );
  private readonly fleet = new Source<FleetView>(
    this,
    (signal) => this.api.get("fleet", {}, signal),
    4 * LOOK_MS,
  );

  protected override get sources() {
    return [this.list, this.fleet];
  }

  override render() {
    const make = html`<a class="button strong" href=${hashOf("new")} data-test="make">${words.campaigns.make}</a>`;
    return html`${this.heading(words.pages.campaigns, this.may("run") ? make : nothing)}
      ${this.notices(this.list, this.fleet)} ${this.numbers()}
      <section aria-labelledby="list">
        <div class="head">
          <h2 id="list">${words.campaigns.label}</h2>
          <div class="row" role="group" aria-label=${words.campaigns.show}>
            ${(["all", "going", "ended"] as const).map((one) => this.choice(one))}
          </div>
        </div>
        ${this.list.value ? this.rows(this.list.value) : this.waiting(this.list)}
      </section>`;
  }

  private get which(): Which {
    const asked = this.route.query.show;
    return asked === "going" || asked === "ended" ? asked : "all";
  }

  private choice(one: Which) {
    const hash = hashOf("campaigns", "", one === "all" ? {} : { show: one });
    const here = one === this.which;
    return html`<a class="button ${here ? "strong" : ""}" href=${hash} aria-current=${here ? "true" : nothing}
      >${words.campaigns[one]}</a>`;
  }

  private numbers() {
    const fleet = this.fleet.value;
    const it = words.fleet;
    const going = [...GOING].reduce((sum, phase) => sum + (fleet?.campaigns[phase] ?? 0), 0);
    const shown = (value: number | null | undefined) => {
      if (value === null) return it.counting;
      return value === undefined ? words.none : words.number(value);
    };
    const told: readonly (readonly [string, number | null | undefined])[] = [
      [it.cars, fleet?.cars],
      [it.hour, fleet?.heard_hour],
      [it.day, fleet?.heard_day],
      [it.going, fleet ? going : undefined],
      [it.releases, fleet?.releases],
    ];
    return html`<dl class="numbers" aria-label=${it.label}>
      ${told.map(([name, value]) => html`<div><dt>${name}</dt><dd>${shown(value)}</dd></div>`)}
    </dl>`;
  }

  private rows(all: readonly CampaignLine[]) {
    const it = words.campaigns;
    const wanted = { all: null, going: GOING, ended: ENDED }[this.which];
    const lines = all.filter((one) => !wanted || wanted.has(one.phase));
    if (!lines.length) return html`<p class="soft">${it.empty}</p>`;
    return this.table(
      it.label,
      [
        [it.campaign],
        [it.phase],
        [it.good, "number"],
        [it.flight, "number side"],
        [it.errors, "number"],
        [it.release, "side"],
        [it.wave, "side"],
      ],
      lines.map(
        (one) => html`<tr data-test="campaign">
          <th scope="row" class="long"><a class="title" href=${hashOf("campaign", one.campaign)}>${one.title}</a>
            <span class="soft small">${one.campaign}</span></th>
          <td><span class="chip ${PHASE_TONE[one.phase]}">${words.phases[one.phase]}</span></td>
          <td class="number">${share(one.good, one.cars)}
            <progress class="well" max=${one.cars || 1} .value=${one.good}
              aria-label=${it.progress(one.good, one.cars)}></progress></td>
          <td class="number side">${words.number(one.in_flight)}</td>
          <td class="number ${one.errors ? "now" : ""}">${words.number(one.errors)}</td>
          <td class="side">${one.release}</td>
          <td class="side">${one.wave || words.none}</td>
        </tr>`,
      ),
    );
  }
}

define("fleet-campaigns", Campaigns);
