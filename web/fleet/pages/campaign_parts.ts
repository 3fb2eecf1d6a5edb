/** Parts of a campaign's page: verbs with the reasons why not, health, failures, cars. */
import { figure, until } from "../model";
import { html, nothing } from "../page";
import { hashOf, type Route } from "../route";
import type { CampaignView, FailureView, TasksPage, VerbView } from "../views.gen";
import { words } from "../words";

/** Where tables are framed. */
interface Framing {
  frame(label: string, heads: readonly (readonly [string, string?])[], rows: unknown): unknown;
}

/** All verbs, always in the same place; one that cannot be done says why not, and stays within reach of keys. */
export function verbList(view: CampaignView, press: (verb: string) => void) {
  const all = [...view.verbs].sort((one, other) => urgent(other.verb) - urgent(one.verb));
  return html`<ul class="verbs">${all.map((one) => verb(view, one, press))}</ul>`;
}

/** What somebody in a hurry looks for stands first. */
function urgent(verb: string): number {
  return verb === "pause" ? 2 : verb === "stop" ? 1 : 0;
}

function verb(view: CampaignView, one: VerbView, press: (verb: string) => void) {
  const name = words.verbs[one.verb] ?? one.verb;
  const look = one.why_not ? "" : one.verb === "stop" ? "danger" : "strong";
  if (one.verb === "change" && !one.why_not) {
    return html`<li><a class="button" href=${hashOf("change", view.campaign)} data-verb="change">${name}</a></li>`;
  }
  return html`<li>
    <button type="button" class=${look} data-verb=${one.verb} aria-disabled=${one.why_not ? "true" : nothing}
      aria-describedby=${one.why_not ? `why-${one.verb}` : nothing}
      @click=${() => one.why_not || press(one.verb)}>${name}</button>
    ${one.why_not ? html`<p id="why-${one.verb}" data-why=${one.verb}>${one.why_not}</p>` : nothing}
  </li>`;
}

export function health(at: Framing, view: CampaignView) {
  const it = words.campaign;
  const rows = view.health.map((one) => {
    const evidence = `${Math.floor(one.evidence_share * 100)} %`;
    const bad = one.evidence_share >= 1;
    return html`<tr>
      <th scope="row" class="code">${one.signal}</th>
      <td class="number">${it.rate(figure(one.rate), one.per)}<br /><span class="soft small"
        >${it.counted(words.number(one.events), words.number(Math.round(one.amount)), one.per)}</span></td>
      <td class="number">${it.rate(figure(one.usual_rate), one.per)}</td>
      <td class="number ${bad ? "now" : ""}">${evidence}
        <progress class=${bad ? "now" : ""} max="1" .value=${one.evidence_share}
          aria-label="${it.evidence}, ${one.signal}"></progress></td>
    </tr>`;
  });
  return html`<section aria-labelledby="health">
    <h2 id="health">${it.health}</h2>
    ${
      rows.length
        ? html`<p class="soft small">${it.healthAbout}</p>
          ${at.frame(
            it.health,
            [[it.signal], [it.found, "number"], [it.usual, "number"], [it.evidence, "number"]],
            rows,
          )}`
        : html`<p class="soft">${it.noHealth}</p>`
    }
  </section>`;
}

export function failures(at: Framing, campaign: string, all: readonly FailureView[]) {
  const it = words.campaign;
  if (!all.length) return html`<p class="soft">${it.noFailures}</p>`;
  return at.frame(
    it.failures,
    [[it.reason], [it.state], [it.number, "number"], [it.examples]],
    all.map(
      (one) => html`<tr data-test="failure">
        <td class="long">${one.reason || html`<span class="soft">${it.noReason}</span>`}</td>
        <td class="tight"><a href=${hashOf("campaign", campaign, { state: one.state })}>${words.states[one.state]}</a></td>
        <td class="number">${words.number(one.cars)}</td>
        <td>${one.examples.map((car) => html`<a class="code" href=${hashOf("car", car)}>${car}</a> `)}</td>
      </tr>`,
    ),
  );
}

export function tasks(at: Framing, page: TasksPage, route: Route) {
  const it = words.campaign;
  if (!page.tasks.length) return html`<p class="soft">${it.noCars}</p>`;
  const now_s = Date.now() / 1000;
  const rows = page.tasks.map(
    (one) => html`<tr data-test="task">
      <th scope="row"><a class="code" href=${hashOf("car", one.car)}>${one.car}</a></th>
      <td class="tight">${words.states[one.state]}</td>
      <td>${one.wave}</td>
      <td class="number side">${words.number(one.attempt)}</td>
      <td class="long">${one.reason}</td>
      <td class="tight side">${until(one.due_s, now_s)}</td>
    </tr>`,
  );
  const heads = [
    [it.car],
    [it.state],
    [it.wave],
    [it.attempt, "number side"],
    [it.reason],
    [it.due, "side"],
  ] as const;
  return html`${at.frame(it.list, heads, rows)} ${pager(route, page.next)}`;
}

/** Ways to the next page of a list and back to the first; none where all is shown. */
export function pager(route: Route, next: string) {
  const { page, id, query } = route;
  const first = query.after ? hashOf(page, id, { ...query, after: "" }) : "";
  if (!first && !next) return nothing;
  return html`<div class="row">
    ${first ? html`<a class="button" href=${first} data-test="first">${words.first}</a>` : nothing}
    ${
      next
        ? html`<a class="button" href=${hashOf(page, id, { ...query, after: next })} data-test="next">${words.next}</a>`
        : nothing
    }
  </div>`;
}
