import { css } from "../../kit/parts/part";
import { pathOf } from "../api";
import { type Form, formOf, newForm, planOf, type Wrongs } from "../form";
import { planLines, share } from "../model";
import { define, FleetPage, html, nothing } from "../page";
import { hashOf } from "../route";
import { Source } from "../source";
import type { CampaignView, FitView, ReleaseView } from "../views.gen";
import { words } from "../words";
import { check, type Fields, field, pick } from "./fields";
import { ruleRows, waveRows, windowRows } from "./plan_rows";

/** A new campaign, or another plan for one that has not begun: a form, how it fits, and what it says in words. */
export class PlanPage extends FleetPage implements Fields {
  static override properties = {
    ...FleetPage.properties,
    form: { state: true },
    wrongs: { state: true },
  };
  declare form: Form;
  /** Shown once somebody has tried to save. */
  declare wrongs: Wrongs;
  private tried = false;
  /** Of the plan that is changed, as it was when this page was opened. */
  private revision: number | null = null;

  static override styles = [
    ...FleetPage.styles,
    css`
      form {
        display: grid;
        gap: 18px;
        grid-template-columns: minmax(0, 1fr);
      }
      .one {
        display: grid;
        gap: 10px;
        padding: 14px;
        border: var(--line);
        border-radius: 8px;
      }
      .one legend {
        float: left;
        width: 100%;
        font-weight: 600;
        color: var(--ink);
      }
      .one legend + * {
        clear: both;
      }
      .one .fields {
        grid-template-columns: repeat(auto-fill, minmax(146px, 1fr));
        gap: 10px 12px;
      }
      .days {
        display: flex;
        flex-wrap: wrap;
        gap: 0 14px;
      }
      .hint {
        font-size: var(--type-small);
        color: var(--ink-soft);
      }
      .fits {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 22px;
      }
    `,
  ];

  private readonly releases = new Source<ReleaseView[]>(this, (signal) =>
    this.api.get("releases", {}, signal),
  );
  private readonly former = new Source<CampaignView | null>(this, async (signal) => {
    if (this.route.page === "new") return null;
    const found = await this.api.get<CampaignView>(pathOf("campaigns", this.route.id), {}, signal);
    if (this.revision === null) {
      this.revision = found.revision;
      this.change(formOf(found.plan));
    }
    return found;
  });
  private readonly fit = new Source<FitView | null>(this, async (signal) => {
    const { release, cars } = this.form;
    if (!release) return null;
    return this.api.get<FitView>(pathOf("releases", release, "fit"), { cars }, signal);
  });

  constructor() {
    super();
    this.form = newForm();
    this.wrongs = {};
  }

  protected override get sources() {
    return [this.releases, this.former];
  }

  /** A field has changed; what is wrong is told again once it has been told. */
  change(changes: Partial<Form>): void {
    const asked = this.form;
    this.form = { ...asked, ...changes };
    if (this.tried) this.wrongs = planOf(this.form).wrongs;
    if (this.form.release !== asked.release || this.form.cars !== asked.cars) {
      this.fit.value = null;
      void this.fit.reload();
    }
  }

  override render() {
    const it = words.form;
    const { plan, wrongs } = planOf(this.form);
    const isNew = this.route.page === "new";
    const told = Object.keys(this.wrongs).length;
    if (!this.may("run")) {
      const role = words.people.roles[this.me.role] ?? this.me.role;
      return html`${this.heading(isNew ? words.pages.new : words.pages.change)}
        <p class="notice soon" role="status" data-test="may-not">${it.mayNot(this.me.name, role)}</p>
        <p><a href=${hashOf("campaigns")}>${words.campaign.back}</a></p>`;
    }
    return html`${this.heading(isNew ? words.pages.new : words.pages.change)}
      ${this.notices(this.releases, this.former)}
      <form novalidate @submit=${this.save}>
        ${this.what(isNew)} ${this.who()}
        ${this.group("waves", it.waves, waveRows(this, this.able))}
        ${this.group("pace", it.pace, this.pace())}
        ${this.group("hours", it.hours, windowRows(this))}
        ${this.group("health", it.health, ruleRows(this))}
        <section aria-labelledby="review">
          <h2 id="review">${it.review}</h2>
          ${
            Object.keys(wrongs).length
              ? nothing
              : html`<dl class="facts">${planLines(plan).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
                <details><summary>${words.campaign.json}</summary>
                  <pre tabindex="0" data-test="json">${JSON.stringify(plan, null, 2)}</pre></details>`
          }
          <p class="why" role="alert" data-test="wrong">${told ? it.wrong(told) : ""}</p>
          <div class="row">
            <button type="submit" class="strong" data-test="save">${isNew ? it.save : it.saveChange}</button>
            <a class="button" href=${isNew ? hashOf("campaigns") : hashOf("campaign", this.route.id)}>${words.cancel}</a>
          </div>
        </section>
      </form>`;
  }

  private group(id: string, head: string, inside: unknown) {
    return html`<section aria-labelledby=${id}><h2 id=${id}>${head}</h2>${inside}</section>`;
  }

  private what(isNew: boolean) {
    const it = words.form;
    const releases = this.releases.value ?? [];
    const options = releases.map((one): readonly [string, string] => [
      one.release,
      one.version ? `${one.release} (${one.version})` : one.release,
    ]);
    return this.group(
      "what",
      it.what,
      html`<div class="fields">
        ${field(this, "title", it.title, this.form.title, (title) => this.change({ title }), { maxlength: 200 })}
        ${field(this, "campaign_id", it.id, this.form.campaign_id, (campaign_id) => this.change({ campaign_id }), { maxlength: 128, fixed: !isNew })}
        ${pick(this, "release", it.release, this.form.release, [["", it.choose], ...options], (release) => this.change({ release }))}
      </div>`,
    );
  }

  private who() {
    const it = words.form;
    return this.group(
      "who",
      it.who,
      html`${field(this, "cars", it.cars, this.form.cars, (cars) => this.change({ cars }), { code: true, maxlength: 4096, late: true })}
        <p class="hint code">${it.carsHint}</p>
        <h3>${it.fit}</h3>
        <div aria-live="polite" data-test="fit">${this.fits()}</div>`,
    );
  }

  private fits() {
    const it = words.form;
    if (this.fit.error) return html`<p class="why">${this.fit.error}</p>`;
    if (!this.form.release) return html`<p class="soft">${it.fitChoose}</p>`;
    const fit = this.fit.value;
    if (!fit) return html`<p class="soft">${it.fitAsks}</p>`;
    const reasons = Object.entries(fit.unable).sort(([, one], [, other]) => other - one);
    const unable = reasons.reduce((sum, [, cars]) => sum + cars, 0);
    const all = fit.able + fit.already + unable;
    const told: readonly (readonly [string, string, number])[] = [
      ["well", it.able, fit.able],
      ["calm", it.already, fit.already],
      ["soon", it.unable, unable],
    ];
    return html`<p class="fits">${told.map(
      ([
        tone,
        text,
        cars,
      ]) => html`<span><span class="chip ${tone}">${words.number(cars)}</span> ${text}
        <span class="soft small">${share(cars, all)}</span></span>`,
    )}</p>
    ${
      reasons.length
        ? html`<ul class="reasons">${reasons.map(
            ([why, cars]) => html`<li class="small">${words.cars(cars)}: ${why}</li>`,
          )}</ul>`
        : nothing
    }`;
  }

  private get able(): number | null {
    return this.fit.value ? this.fit.value.able + this.fit.value.already : null;
  }

  private pace() {
    const it = words.form;
    const { form } = this;
    const number = { type: "number", min: 0 } as const;
    return html`<div class="fields">
        ${field(this, "concurrency", it.concurrency, form.concurrency, (concurrency) => this.change({ concurrency }), number)}
        ${field(this, "patience_h", it.patience, form.patience_h, (patience_h) => this.change({ patience_h }), number)}
        ${field(this, "watch_h", it.watch, form.watch_h, (watch_h) => this.change({ watch_h }), number)}
        ${field(this, "tries", it.tries, form.tries, (tries) => this.change({ tries }), number)}
        ${field(this, "begins", it.begins, form.begins, (begins) => this.change({ begins }), { type: "datetime-local" })}
        ${field(this, "ends", it.ends, form.ends, (ends) => this.change({ ends }), { type: "datetime-local" })}
      </div>
      <div class="checks">
        ${check(it.confirm, form.confirm, (confirm) => this.change({ confirm }))}
        ${check(it.forced, form.forced, (forced) => this.change({ forced }))}
      </div>`;
  }

  private readonly save = async (event: Event): Promise<void> => {
    event.preventDefault();
    const { plan, wrongs } = planOf(this.form);
    this.tried = true;
    this.wrongs = wrongs;
    if (Object.keys(wrongs).length) {
      await this.updateComplete;
      this.renderRoot.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
      return;
    }
    const { revision } = this;
    const path = pathOf("campaigns", this.route.id, "plan");
    const made = await this.act(() =>
      this.route.page === "new"
        ? this.api.send<CampaignView>("POST", "campaigns", plan)
        : this.api.send<CampaignView>("PUT", path, plan, { revision: revision ?? undefined }),
    );
    if (made) this.go(hashOf("campaign", made.campaign));
    else this.renderRoot.querySelector("[role=alert]")?.scrollIntoView({ block: "center" });
  };
}

define("fleet-plan", PlanPage);
