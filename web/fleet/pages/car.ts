import { pathOf } from "../api";
import { namesOf } from "../form";
import { ago, RETRIED, until } from "../model";
import { define, FleetPage, fieldOf, html, nothing } from "../page";
import { hashOf } from "../route";
import { Source } from "../source";
import type { CarView, TaskView } from "../views.gen";
import { words } from "../words";
import { sureDialog } from "./dialogs";

const LOOK_MS = 5000;

/** One car: what it runs, what it says, where it was updated and what came of it. */
export class Car extends FleetPage {
  private readonly view = new Source<CarView>(
    this,
    (signal) => this.api.get(this.path, {}, signal),
    LOOK_MS,
  );

  protected override get sources() {
    return [this.view];
  }

  private get path(): string {
    return pathOf("cars", this.route.id);
  }

  override render() {
    const view = this.view.value;
    const it = words.car;
    if (!view) {
      return html`${this.heading(this.route.id)} ${this.notices(this.view)} ${this.waiting(this.view)}`;
    }
    return html`${this.heading(view.car)} ${this.notices(this.view)}
      <section>
        <dl class="facts">
          <dt>${it.protocol}</dt><dd>${view.protocol}</dd>
          <dt>${it.seen}</dt><dd>${ago(view.seen_s, Date.now() / 1000)}</dd>
          <dt>${it.groups}</dt><dd>${view.groups.join(", ") || words.none}</dd>
        </dl>
        ${this.may("admit") ? this.groups(view) : nothing}
      </section>
      ${this.listed("units", it.units, it.noUnits, [[it.unit], [it.version]], pairRows(view.runs))}
      ${this.tasks(view)} ${this.history(view)}
      ${this.listed("says", it.says, it.saysNothing, [[it.word], [it.value]], pairRows(view.attributes))}
      ${this.attacks(view)} ${this.may("admit") ? this.removal(view) : nothing}`;
  }

  private listed(
    id: string,
    head: string,
    empty: string,
    heads: readonly (readonly [string, string?])[],
    rows: readonly unknown[],
    more: unknown = nothing,
  ) {
    return html`<section aria-labelledby=${id}>
      <h2 id=${id}>${head}</h2>
      ${rows.length ? this.table(head, heads, rows) : html`<p class="soft">${empty}</p>`} ${more}
    </section>`;
  }

  private tasks(view: CarView) {
    const it = words.campaign;
    const now_s = Date.now() / 1000;
    const rows = view.tasks.map(
      (one) => html`<tr data-test="task">
        <th scope="row"><a href=${hashOf("campaign", one.campaign)}>${one.campaign}</a></th>
        <td class="tight">${words.states[one.state]} ${this.again(one)}</td>
        <td>${one.wave}</td>
        <td class="number">${words.number(one.attempt)}</td>
        <td class="long">${one.reason}</td>
        <td class="tight side">${until(one.due_s, now_s)}</td>
      </tr>`,
    );
    const heads = [
      [words.pages.campaign],
      [it.state],
      [it.wave],
      [it.attempt, "number"],
      [it.reason],
      [it.due, "side"],
    ] as const;
    return this.listed("tasks", words.car.tasks, words.car.noTasks, heads, rows);
  }

  private again(task: TaskView) {
    if (!this.may("run") || !RETRIED.has(task.state)) return nothing;
    const path = pathOf("campaigns", task.campaign, "retry");
    const body = { cars: [task.car] };
    return html`<button type="button" class="slight" data-test="again" aria-label=${words.car.againLabel(task.campaign)}
      @click=${() => this.act(() => this.api.send("POST", path, body))}>${words.car.again}</button>`;
  }

  private history(view: CarView) {
    const it = words.car;
    const rows = view.history.map(
      (one) => html`<tr data-test="change">
        <td class="tight">${words.moment(one.at_s)}</td>
        <th scope="row">${one.unit}</th>
        <td class="code">${one.before || it.absent}</td>
        <td class="code">${one.after || it.absent}</td>
      </tr>`,
    );
    const heads = [[it.when], [it.unit], [it.before], [it.after]] as const;
    return this.listed("history", it.history, it.noHistory, heads, rows);
  }

  private attacks(view: CarView) {
    const it = words.car;
    const rows = pairRows(view.attacks);
    if (!rows.length && !view.refused) return nothing;
    const refused = view.refused
      ? html`<p class="now">${it.refused(view.refused)}${view.why_refused ? `: ${view.why_refused}` : ""}</p>`
      : nothing;
    return this.listed("attacks", it.attacks, it.noAttacks, [[it.unit], [it.why]], rows, refused);
  }

  private groups(view: CarView) {
    const send = (event: Event) => {
      const groups = namesOf(fieldOf(event, "groups"));
      void this.act(() => this.api.send("PUT", `${this.path}/groups`, { groups }));
    };
    return html`<form @submit=${send}>
      <label>${words.car.groups}, ${words.car.groupsHint}
        <span class="row"><input class="code grow" name="groups" value=${view.groups.join(" ")} autocomplete="off" />
        <button type="submit">${words.car.saveGroups}</button></span></label>
    </form>`;
  }

  private removal(view: CarView) {
    const it = words.car;
    const go = async () => {
      const gone = await this.act(async () => {
        await this.api.send("DELETE", this.path);
        return true;
      });
      if (gone) this.go(hashOf("cars"));
    };
    return html`<div>
        <button type="button" @click=${() => this.dialog("remove").showModal()}>${it.remove}</button>
      </div>
      ${sureDialog("remove", it.removeHead(view.car), it.removeAbout, it.removeAct, () => void go())}`;
  }
}

function pairRows(told: Readonly<Record<string, string>>) {
  const all = Object.entries(told).sort(([one], [other]) => (one < other ? -1 : 1));
  return all.map(
    ([name, value]) =>
      html`<tr data-test="pair"><th scope="row">${name}</th><td class="long code">${value}</td></tr>`,
  );
}

define("fleet-car", Car);
