import { brief, size } from "../model";
import { define, FleetPage, html, nothing } from "../page";
import { Source } from "../source";
import type { DeltaView, ReleaseView } from "../views.gen";
import { words } from "../words";
import "./upload";

const LOOK_MS = 5000;

/** Releases with their files, and deltas in the making. */
export class Releases extends FleetPage {
  private readonly list = new Source<ReleaseView[]>(
    this,
    (signal) => this.api.get("releases", {}, signal),
    4 * LOOK_MS,
  );
  private readonly deltas = new Source<DeltaView[]>(
    this,
    (signal) => this.api.get("deltas", {}, signal),
    LOOK_MS,
  );

  protected override get sources() {
    return [this.list, this.deltas];
  }

  override render() {
    const it = words.releases;
    return html`${this.heading(words.pages.releases)} ${this.notices(this.list, this.deltas)}
      <section aria-label=${it.label}>
        ${this.list.value ? this.rows(this.list.value) : this.waiting(this.list)}
      </section>
      ${
        this.may("run")
          ? html`<fleet-upload .api=${this.api} .me=${this.me} .route=${this.route}
              @made=${() => void this.list.reload()}></fleet-upload>`
          : nothing
      }
      <section aria-labelledby="deltas">
        <h2 id="deltas">${it.deltas}</h2>
        <p class="soft small">${it.deltasAbout}</p>
        ${this.deltas.value ? this.deltaRows(this.deltas.value) : this.waiting(this.deltas)}
      </section>`;
  }

  private rows(all: readonly ReleaseView[]) {
    const it = words.releases;
    if (!all.length) return html`<p class="soft">${it.empty}</p>`;
    const heads = [
      [it.release],
      [it.version],
      [it.files],
      [it.made, "side"],
      [it.by, "side"],
    ] as const;
    return this.table(
      it.label,
      heads,
      all.map(
        (one) => html`<tr data-test="release">
          <th scope="row" class="code">${one.release}</th>
          <td>${one.version}</td>
          <td><details>
            <summary>${it.fileCount(one.files.length)}, ${size(one.files.reduce((sum, file) => sum + file.length, 0))}</summary>
            ${one.files.map(
              (file) => html`<dl class="facts small">
                <dt>${it.file}</dt><dd class="code">${file.name}</dd>
                <dt>${it.hardware}</dt><dd>${file.hardware || words.none}</dd>
                <dt>${it.size}</dt><dd>${size(file.length)}</dd>
                <dt>${it.hash}</dt><dd class="code">${file.sha256}</dd>
              </dl>`,
            )}
          </details></td>
          <td class="tight side">${words.moment(one.made_s)}</td>
          <td class="side">${one.by}</td>
        </tr>`,
      ),
    );
  }

  private deltaRows(all: readonly DeltaView[]) {
    const it = words.releases;
    if (!all.length) return html`<p class="soft">${it.noDeltas}</p>`;
    const heads = [
      [it.base],
      [it.target],
      [it.cars, "number"],
      [it.state],
      [it.size, "number"],
      [it.reason, "side"],
    ] as const;
    return this.table(
      it.deltas,
      heads,
      all.map(
        (one) => html`<tr data-test="delta">
          <td class="code tight" title=${one.base}>${brief(one.base)}</td>
          <td class="code tight" title=${one.target}>${brief(one.target)}</td>
          <td class="number">${words.number(one.cars)}</td>
          <td>${it.states[one.state] ?? one.state}
            ${
              one.state === "making"
                ? html`<progress max="1" .value=${one.share} aria-label=${it.states.making}></progress>`
                : ""
            }</td>
          <td class="number">${one.length ? size(one.length) : words.none}</td>
          <td class="side long">${one.reason}</td>
        </tr>`,
      ),
    );
  }
}

define("fleet-releases", Releases);
