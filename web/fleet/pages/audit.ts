import { define, FleetPage, html, nothing } from "../page";
import { hashOf } from "../route";
import { Source } from "../source";
import type { AuditCheckView, AuditLine } from "../views.gen";
import { words } from "../words";

const PAGE = 100;

/** What everybody and every campaign did, newest first, and whether nothing of it was changed. */
export class Audit extends FleetPage {
  static override properties = {
    ...FleetPage.properties,
    checked: { state: true },
    checking: { state: true },
  };
  declare private checked: AuditCheckView | null;
  declare private checking: boolean;
  private readonly list = new Source<AuditLine[]>(this, (signal) =>
    this.api.get("audit", { before: this.route.query.before, limit: PAGE }, signal),
  );

  constructor() {
    super();
    this.checked = null;
    this.checking = false;
  }

  protected override get sources() {
    return [this.list];
  }

  override render() {
    const it = words.audit;
    const check = html`<button type="button" ?disabled=${this.checking} data-test="check" @click=${this.check}>
      ${this.checking ? it.checks : it.check}</button>`;
    const found = this.checked;
    return html`${this.heading(words.pages.audit, check)} ${this.notices(this.list)}
      <p class="well code" role="status" data-test="whole">${found ? it.whole(found.lines, found.digest) : ""}</p>
      <section aria-label=${it.label}>
        ${this.list.value ? this.rows(this.list.value) : this.waiting(this.list)}
      </section>`;
  }

  private rows(lines: readonly AuditLine[]) {
    const it = words.audit;
    if (!lines.length) return html`<p class="soft">${it.empty}</p>`;
    const last = lines[lines.length - 1].number;
    const heads = [
      [it.number, "number"],
      [it.when],
      [it.by],
      [it.act],
      [it.about],
      [it.data],
    ] as const;
    return html`${this.table(
      it.label,
      heads,
      lines.map(
        (one) => html`<tr data-test="line">
          <td class="number soft">${words.number(one.number)}</td>
          <td class="tight">${words.precise(one.at_s)}</td>
          <td>${one.by}</td>
          <th scope="row" class="tight">${one.act}</th>
          <td class="code">${one.about}</td>
          <td class="long code soft">${dataOf(one)}</td>
        </tr>`,
      ),
    )}
      <div class="row">
        ${this.route.query.before ? html`<a class="button" href=${hashOf("audit")}>${it.newest}</a>` : nothing}
        ${
          lines.length === PAGE
            ? html`<a class="button" href=${hashOf("audit", "", { before: String(last) })}>${it.older}</a>`
            : nothing
        }
      </div>`;
  }

  private readonly check = async (): Promise<void> => {
    this.checking = true;
    this.checked = await this.act(() => this.api.get<AuditCheckView>("audit/check"));
    this.checking = false;
  };
}

/** What a line says, without the text of a plan: that stands with its campaign. */
function dataOf(line: AuditLine): string {
  const { text, ...rest } = line.data;
  const more = text === undefined ? [] : [words.audit.plan];
  const said = Object.keys(rest).length ? [JSON.stringify(rest)] : [];
  return [...said, ...more].join(" ");
}

define("fleet-audit", Audit);
