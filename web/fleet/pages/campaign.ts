import { css } from "../../kit/parts/part";
import { pathOf } from "../api";
import { PHASE_TONE, planLines } from "../model";
import { define, FleetPage, html, nothing } from "../page";
import { hashOf } from "../route";
import { Source } from "../source";
import type { CampaignView, FailureView, ReportView, TasksPage } from "../views.gen";
import "../wave";
import { words } from "../words";
import { failures, health, tasks, verbList } from "./campaign_parts";
import { approveDialog, stopDialog } from "./dialogs";

const LOOK_MS = 2000;
const PAGE = 25;

/** One campaign: its waves as they go, what may be done with it, why cars failed. */
export class CampaignPage extends FleetPage {
  static override styles = [
    ...FleetPage.styles,
    css`
      .both {
        display: grid;
        grid-template-columns: minmax(0, 1fr) 340px;
        gap: 18px;
        align-items: start;
      }
      .column {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 18px;
      }
      .waves {
        display: grid;
        gap: 22px;
      }
      .verbs {
        display: grid;
        gap: 12px;
        list-style: none;
      }
      .verbs button,
      .verbs a {
        width: 100%;
      }
      .verbs p {
        margin-block-start: 3px;
        font-size: var(--type-small);
        color: var(--ink-soft);
        overflow-wrap: anywhere;
      }
      .picks label {
        grid-template-columns: auto minmax(120px, 1fr);
        align-items: center;
        gap: 8px;
      }
      @media (max-width: 1000px) {
        .both {
          grid-template-columns: minmax(0, 1fr);
        }
        .column {
          display: contents;
        }
        .waves-part {
          order: -2;
        }
        .acts-part {
          order: -1;
        }
        .plan-part {
          order: 1;
        }
        .verbs {
          grid-template-columns: repeat(auto-fill, minmax(220px, 1fr));
        }
      }
      @media (max-width: 700px) {
        .both {
          gap: 12px;
        }
      }
    `,
  ];
  static override properties = { ...FleetPage.properties, asked: { state: true } };
  /** What was shown when a dialog was opened: that is decided about, whatever others do meanwhile. */
  declare private asked: CampaignView | null;
  private readonly view = new Source<CampaignView>(
    this,
    (signal) => this.api.get(this.path, {}, signal),
    LOOK_MS,
  );
  private readonly failed_cars = new Source<FailureView[]>(
    this,
    (signal) => this.api.get(`${this.path}/failures`, {}, signal),
    2 * LOOK_MS,
  );
  private readonly cars = new Source<TasksPage>(
    this,
    (signal) => {
      const { state, wave, after } = this.route.query;
      return this.api.get(`${this.path}/cars`, { state, wave, after, limit: PAGE }, signal);
    },
    5 * LOOK_MS,
  );

  constructor() {
    super();
    this.asked = null;
  }

  protected override get sources() {
    return [this.view, this.failed_cars, this.cars];
  }

  private get path(): string {
    return pathOf("campaigns", this.route.id);
  }

  override render() {
    const view = this.view.value;
    if (!view) {
      return html`${this.heading(this.route.id)} ${this.notices(this.view)} ${this.waiting(this.view)}
        ${this.view.error ? html`<p><a href=${hashOf("campaigns")}>${words.campaign.back}</a></p>` : nothing}`;
    }
    const asked = this.asked ?? view;
    const phase = html`<span class="chip ${PHASE_TONE[view.phase]}" data-test="phase">${words.phases[view.phase]}</span>`;
    return html`<div>
        ${this.heading(view.title, phase)}
        <p class="soft">${view.campaign}, ${view.release}, ${words.campaign.revision(view.revision)}</p>
        <p role="status" data-test="reason">${view.reason}</p>
      </div>
      ${this.notices(this.view, this.failed_cars, this.cars)}
      <div class="both">
        <div class="column">
          ${this.waves(view)}
          ${health(this, view)}
          <section aria-labelledby="failures">
            <h2 id="failures">${words.campaign.failures}</h2>
            ${failures(this, view.campaign, this.failed_cars.value ?? [])}
          </section>
          ${this.carList(view)}
        </div>
        <div class="column">
          <section class="acts-part" aria-labelledby="acts">
            <h2 id="acts">${words.campaign.acts}</h2>
            ${verbList(view, this.press)}
          </section>
          ${this.aboutPlan(view)}
        </div>
      </div>
      ${approveDialog(asked, () =>
        this.verb("approve", { digest: asked.digest, revision: asked.revision }),
      )}
      ${stopDialog(view, (reason) => this.verb("stop", { reason }))}`;
  }

  frame(label: string, heads: readonly (readonly [string, string?])[], rows: unknown) {
    return this.table(label, heads, rows);
  }

  private waves(view: CampaignView) {
    const begun = view.waves.some((wave) => wave.size > 0);
    const last = view.waves.length - 1;
    const it = words.campaign;
    return html`<section class="waves-part" aria-labelledby="waves">
      <div class="head">
        <h2 id="waves">${it.waves}</h2>
        ${begun ? html`<span class="soft small">${it.told(view.told)}</span>` : nothing}
      </div>
      ${begun ? nothing : html`<p class="soft">${it.notBegun}</p>`}
      <div class="waves">
        ${view.waves.map(
          (wave, place) =>
            html`<fleet-wave .wave=${wave} .campaign=${view.campaign} ?last=${place === last}></fleet-wave>`,
        )}
      </div>
      ${view.late ? html`<p class="now">${it.late(view.late)}</p>` : nothing}
      ${
        view.most_errors
          ? html`<p class="soft small">${it.promise}: ${it.most(view.most_errors)}.</p>`
          : nothing
      }
    </section>`;
  }

  private aboutPlan(view: CampaignView) {
    const it = words.campaign;
    const who: readonly (readonly [string, string])[] = [
      [it.authors, view.authors.join(", ")],
      [it.asked, view.asked_by],
      [it.approved, view.approved_by],
    ];
    return html`<section class="plan-part" aria-labelledby="plan">
      <h2 id="plan">${it.plan}</h2>
      <dl class="facts small">
        ${[...who, ...planLines(view.plan)].map(([name, value]) => html`<dt>${name}</dt><dd>${value || words.none}</dd>`)}
      </dl>
      <p class="soft small">${it.digest}</p>
      <p class="digest small" data-test="digest">${view.digest}</p>
      <details>
        <summary>${it.json}</summary>
        <pre tabindex="0">${JSON.stringify(view.plan, null, 2)}</pre>
      </details>
      <button type="button" @click=${this.saveReport}>${it.report}</button>
    </section>`;
  }

  private carList(view: CampaignView) {
    const it = words.campaign;
    const { state = "", wave = "" } = this.route.query;
    const pick = (name: string) => (event: Event) => {
      const wanted = { state, wave, [name]: (event.target as HTMLSelectElement).value };
      this.go(hashOf("campaign", view.campaign, wanted));
    };
    return html`<section aria-labelledby="cars">
      <div class="head">
        <h2 id="cars">${it.list}</h2>
        <div class="row picks">
          <label>${it.pick}<select .value=${state} @change=${pick("state")}>
            <option value="">${it.anyState}</option>
            ${Object.entries(words.states).map(
              ([one, name]) =>
                html`<option value=${one} ?selected=${one === state}>${name}</option>`,
            )}
          </select></label>
          <label>${it.pickWave}<select .value=${wave} @change=${pick("wave")}>
            <option value="">${it.anyWave}</option>
            ${view.waves.map(
              (one) =>
                html`<option value=${one.name} ?selected=${one.name === wave}>${one.name}</option>`,
            )}
          </select></label>
        </div>
      </div>
      ${this.cars.value ? tasks(this, this.cars.value, this.route) : this.waiting(this.cars)}
    </section>`;
  }

  // --- what is done ---------------------------------------------------------------------------------

  private readonly press = (verb: string): void => {
    this.asked = this.view.value;
    if (verb === "approve" || verb === "stop") this.dialog(verb).showModal();
    else void this.verb(verb);
  };

  private verb(verb: string, more: Record<string, unknown> = {}): Promise<unknown> {
    const revision = verb === "stop" || verb === "pause" ? null : this.view.value?.revision;
    return this.act(async () => {
      this.view.value = await this.api.send<CampaignView>("POST", `${this.path}/${verb}`, {
        revision,
        ...more,
      });
    });
  }

  private readonly saveReport = (): void => {
    void this.act(async () => {
      const report = await this.api.get<ReportView>(`${this.path}/report`);
      const link = document.createElement("a");
      const text = JSON.stringify(report, null, 2);
      link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      link.download = `${this.route.id}-report.json`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 0);
    });
  };
}

define("fleet-campaign", CampaignPage);
