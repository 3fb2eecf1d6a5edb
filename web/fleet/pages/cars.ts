import { pathOf } from "../api";
import { ago, pairs } from "../model";
import { define, FleetPage, fieldOf, html, nothing } from "../page";
import { hashOf } from "../route";
import { Source } from "../source";
import type { CarsPage, TokenView } from "../views.gen";
import { words } from "../words";
import { pager } from "./campaign_parts";

const PAGE = 50;
/** A page may come back short or empty while a filter still looks: so many are asked for in one go. */
const LOOKS_MOST = 20;

/** Cars by a filter, page by page. */
export class Cars extends FleetPage {
  private readonly page = new Source<CarsPage>(this, (signal) => this.look(signal));

  protected override get sources() {
    return [this.page];
  }

  private async look(signal: AbortSignal): Promise<CarsPage> {
    const { filter, after = "" } = this.route.query;
    let at = after;
    for (let looks = 1; ; looks += 1) {
      const query = { filter, after: at, limit: PAGE };
      const found = await this.api.get<CarsPage>("cars", query, signal);
      if (found.cars.length || !found.next || looks === LOOKS_MOST) return found;
      at = found.next;
    }
  }

  override render() {
    const it = words.carList;
    const page = this.page.value;
    const filter = this.route.query.filter ?? "";
    return html`${this.heading(
      words.pages.cars,
      page ? html`<span class="soft">${it.total(page.total)}</span>` : nothing,
    )}
      <section>
        <form role="search" @submit=${(event: Event) => this.go(hashOf("cars", "", { filter: fieldOf(event, "filter") }))}>
          <label>${it.filter}
            <span class="row"><input class="code grow" name="filter" .value=${filter} maxlength="4096" spellcheck="false"
              autocomplete="off" aria-describedby="why" />
            <button type="submit" class="strong">${it.act}</button></span></label>
        </form>
        <p class="why" id="why" role="alert" data-test="filter-why">${this.page.error}</p>
        <details>
          <summary>${it.examples}</summary>
          <p class="row">${it.examplesText.map(
            (one) => html`<a class="code" href=${hashOf("cars", "", { filter: one })}>${one}</a>`,
          )}</p>
        </details>
      </section>
      ${this.notices()}
      <section aria-label=${it.label}>${page ? this.rows(page) : this.waiting(this.page)}</section>
      ${this.may("admit") ? this.admit() : nothing}`;
  }

  private rows(page: CarsPage) {
    const it = words.carList;
    if (!page.cars.length) {
      return html`<p class="soft">${page.next ? words.wait : it.empty}</p>${pager(this.route, page.next)}`;
    }
    const now_s = Date.now() / 1000;
    const heads = [
      [it.car],
      [it.runs],
      [it.seen],
      [it.groups, "side"],
      [it.says, "side"],
      [it.protocol, "side"],
    ] as const;
    return html`${this.table(
      it.label,
      heads,
      page.cars.map(
        (one) => html`<tr data-test="car">
          <th scope="row"><a class="code" href=${hashOf("car", one.car)}>${one.car}</a></th>
          <td class="long">${pairs(one.runs, 3)}</td>
          <td class="tight">${ago(one.seen_s, now_s)}</td>
          <td class="side">${one.groups.join(", ") || words.none}</td>
          <td class="side long">${pairs(one.attributes, 3)}</td>
          <td class="side">${one.protocol}</td>
        </tr>`,
      ),
    )}${pager(this.route, page.next)}`;
  }

  private admit() {
    const it = words.carList;
    const send = (event: Event) => {
      const car = fieldOf(event, "car");
      void this.act(async () => {
        this.token = await this.api.send<TokenView>("POST", pathOf("cars"), { car });
      });
    };
    return html`<section aria-labelledby="admit">
      <h2 id="admit">${it.admit}</h2>
      <form @submit=${send}>
        <label>${it.id}<span class="row"><input class="code grow" name="car" required maxlength="128" autocomplete="off" />
          <button type="submit">${it.admit}</button></span></label>
      </form>
      ${this.tokenPlate(it.token(this.token?.name ?? ""))}
    </section>`;
  }
}

define("fleet-cars", Cars);
