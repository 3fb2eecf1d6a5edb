/** What all pages of the console share: who asks, where one is, what the server said, how a table is framed. */
import type { TemplateResult } from "lit";
import { html, LitElement, nothing, shared } from "../kit/parts/part";
import type { Api } from "./api";
import type { Route } from "./route";
import type { Source } from "./source";
import { look } from "./styles";
import type { MeView, Right, TokenView } from "./views.gen";
import { words } from "./words";

export { define, html, nothing, svg } from "../kit/parts/part";

export abstract class FleetPage extends LitElement {
  static override properties = {
    api: { attribute: false },
    me: { attribute: false },
    route: { attribute: false },
    told: { state: true },
    failed: { state: true },
    token: { state: true },
  };
  static override styles = [shared, look];

  declare api: Api;
  declare me: MeView;
  declare route: Route;
  /** What became of the last thing that was done here. */
  declare protected told: string;
  declare protected failed: string;
  /** A token that was just made, shown until the page is left. */
  declare protected token: TokenView | null;
  /** Something is under way: a second press does nothing. */
  private busy = false;

  constructor() {
    super();
    this.told = "";
    this.failed = "";
    this.token = null;
  }

  /** What is to be fetched anew when the address changes. */
  protected abstract get sources(): readonly Source<unknown>[];

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("route") && this.hasUpdated) {
      for (const one of this.sources) void one.reload();
    }
  }

  protected may(right: Right): boolean {
    return this.me.rights.includes(right);
  }

  /** Do something once, tell what became of it, and look at everything anew. */
  protected async act<T>(doing: () => Promise<T>): Promise<T | null> {
    if (this.busy) return null;
    this.busy = true;
    this.told = "";
    this.failed = "";
    try {
      const found = await doing();
      this.told = words.done;
      return found;
    } catch (error) {
      this.failed = error instanceof Error ? error.message : String(error);
      return null;
    } finally {
      this.busy = false;
      for (const one of this.sources) void one.reload();
    }
  }

  protected go(hash: string): void {
    location.hash = hash;
  }

  protected heading(text: string, more: unknown = nothing): TemplateResult {
    return html`<div class="head"><h1 tabindex="-1">${text}</h1>${more}</div>`;
  }

  /** What the last act brought, and whether what is shown may be old. */
  protected notices(...sources: readonly Source<unknown>[]): TemplateResult {
    const error = sources.find((one) => one.error);
    const stale = error && (error.value === null ? error.error : words.stale(error.error));
    return html`<p class=${stale ? "notice soon" : ""} role="status" data-test="stale">${stale ?? ""}</p>
      <p class=${this.failed ? "notice bad" : ""} role="alert" data-test="failed">${this.failed}</p>
      <p class="soft" role="status" data-test="told">${this.told}</p>`;
  }

  protected waiting(source: Source<unknown>): TemplateResult {
    return html`<p class="soft">${source.error ? "" : words.wait}</p>`;
  }

  /** A table that may be wider than its plate, and then moves by keys too. */
  protected table(
    label: string,
    heads: readonly (readonly [string, string?])[],
    rows: unknown,
  ): TemplateResult {
    return html`<div class="scroll" role="group" aria-label=${label} tabindex="0">
      <table>
        <thead><tr>${heads.map(([head, look = ""]) => html`<th scope="col" class=${look}>${head}</th>`)}</tr></thead>
        <tbody>${rows}</tbody>
      </table>
    </div>`;
  }

  /** A token, which is told this once. */
  protected tokenPlate(about: string): TemplateResult | typeof nothing {
    const { token } = this;
    if (!token) return nothing;
    return html`<div class="plate" role="status" data-test="token">
      <p>${about}</p>
      <p class="digest">${token.token}</p>
      <div class="row">
        <button type="button" @click=${() => this.copy(token.token)}>${words.copy}</button>
        <button type="button" @click=${() => {
          this.token = null;
        }}>${words.close}</button>
      </div>
    </div>`;
  }

  private async copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.told = words.copied;
    } catch {
      // Without leave of the browser it is marked and copied by hand.
    }
  }

  protected dialog(id: string): HTMLDialogElement {
    return this.renderRoot.querySelector(`#${id}`) as HTMLDialogElement;
  }
}

/** What stands in a field of a form that was sent. */
export function fieldOf(event: Event, name: string): string {
  event.preventDefault();
  const form = event.currentTarget as HTMLFormElement;
  return String(new FormData(form).get(name) ?? "").trim();
}
