import { pathOf } from "../api";
import { define, FleetPage, html, nothing } from "../page";
import { Source } from "../source";
import type { PersonView, TokenView } from "../views.gen";
import { words } from "../words";
import { sureDialog } from "./dialogs";

const DAY_S = 86_400;
const ROLES = ["viewer", "operator", "approver", "admin"] as const;

/** Who may act: tokens with their roles, made and taken back. */
export class People extends FleetPage {
  static override properties = { ...FleetPage.properties, going: { state: true } };
  /** Whose token is about to be taken back. */
  declare private going: string;
  private readonly list = new Source<PersonView[]>(this, (signal) =>
    this.api.get("people", {}, signal),
  );

  constructor() {
    super();
    this.going = "";
  }

  protected override get sources() {
    return [this.list];
  }

  override render() {
    const it = words.people;
    return html`${this.heading(words.pages.people)} ${this.notices(this.list)}
      ${this.tokenPlate(it.token(this.token?.name ?? ""))}
      <section aria-label=${it.label}>
        ${this.list.value ? this.rows(this.list.value) : this.waiting(this.list)}
      </section>
      ${this.may("people") ? this.add() : nothing}
      ${sureDialog("revoke", it.revokeHead(this.going), it.revokeAbout, it.revokeAct, () =>
        this.act(() => this.api.send("DELETE", pathOf("people", this.going))),
      )}`;
  }

  private rows(all: readonly PersonView[]) {
    const it = words.people;
    const heads = [
      [it.name],
      [it.role],
      [it.state],
      [it.made, "side"],
      [it.expires, "side"],
      [it.revoke],
    ] as const;
    return this.table(
      it.label,
      this.may("people") ? heads : heads.slice(0, -1),
      all.map((one) => {
        const state = stateOf(one, Date.now() / 1000);
        return html`<tr data-test="person">
          <th scope="row">${one.name}</th>
          <td>${it.roles[one.role] ?? one.role}</td>
          <td><span class="chip ${state === "valid" ? "well" : "calm"}">${it[state]}</span></td>
          <td class="tight side">${words.moment(one.made_s)}</td>
          <td class="tight side">${one.expires_s === null ? it.always : words.moment(one.expires_s)}</td>
          ${this.may("people") ? html`<td>${state === "valid" ? this.revoke(one.name) : nothing}</td>` : nothing}
        </tr>`;
      }),
    );
  }

  private revoke(name: string) {
    return html`<button type="button" class="slight" aria-label=${words.people.revokeLabel(name)} @click=${() => {
      this.going = name;
      this.dialog("revoke").showModal();
    }}>${words.people.revoke}</button>`;
  }

  private add() {
    const it = words.people;
    return html`<section aria-labelledby="add">
      <h2 id="add">${it.add}</h2>
      <form class="fields" @submit=${this.send}>
        <label>${it.name}<input name="name" required maxlength="128" autocomplete="off" /></label>
        <label class="wide">${it.role}<select name="role">
          ${ROLES.map((one) => html`<option value=${one}>${it.roles[one]}: ${it.rolesAbout[one]}</option>`)}
        </select></label>
        <label>${it.days}<input name="days" type="number" min="0.01" step="any" /></label>
        <div class="wide"><button type="submit" class="strong">${it.act}</button></div>
      </form>
    </section>`;
  }

  private readonly send = (event: Event): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    const days = Number(data.get("days") || 0);
    const body = {
      name: String(data.get("name")).trim(),
      role: data.get("role"),
      expires_s: days > 0 ? Date.now() / 1000 + days * DAY_S : null,
    };
    void this.act(async () => {
      this.token = await this.api.send<TokenView>("POST", "people", body);
      form.reset();
    });
  };
}

function stateOf(one: PersonView, now_s: number): "valid" | "over" | "revoked" {
  if (one.revoked_s !== null) return "revoked";
  return one.expires_s !== null && one.expires_s <= now_s ? "over" : "valid";
}

define("fleet-people", People);
