/** The form that sends files and makes a release of them: one after the other, each with its progress and its hash. */
import { ApiError, pathOf } from "../api";
import { size } from "../model";
import { define, FleetPage, html, nothing } from "../page";
import type { FileView, ReadyView, ReleaseView } from "../views.gen";
import { words } from "../words";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,254}$/;

type Kind = "device" | "image";

interface Wanted {
  readonly file: File;
  kind: Kind;
  hardware: string;
  units: string;
  /** Bytes that have gone; null: it is not on its way. */
  sent: number | null;
  /** What the server took; it need not be sent again. */
  taken: FileView | null;
  why: string;
}

export class Upload extends FleetPage {
  static override properties = {
    ...FleetPage.properties,
    wanted: { state: true },
    going: { state: true },
  };
  declare private wanted: readonly Wanted[];
  /** What ends the sending; null: nothing is sent. */
  declare private going: AbortController | null;

  constructor() {
    super();
    this.wanted = [];
    this.going = null;
  }

  protected override get sources() {
    return [];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("beforeunload", this.leave);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("beforeunload", this.leave);
    this.going?.abort();
  }

  override render() {
    const it = words.upload;
    const begun = this.wanted.some((one) => one.taken || one.why);
    return html`<section aria-labelledby="upload">
      <h2 id="upload">${it.head}</h2>
      <p class="soft small">${it.about}</p>
      ${this.notices()}
      <form class="fields" data-test="upload" @submit=${this.submit}>
        <label>${it.name}<input name="name" required maxlength="128" autocomplete="off" ?readonly=${this.going} /></label>
        <label>${it.version}<input name="version" maxlength="128" autocomplete="off" value="1" ?readonly=${this.going} /></label>
        <label class="wide">${it.files}<input name="files" type="file" multiple ?disabled=${this.going} @change=${this.pick} /></label>
        ${this.wanted.length ? html`<div class="wide">${this.rows()}</div>` : nothing}
        <div class="row wide">
          <button type="submit" class="strong" ?disabled=${this.going || !this.wanted.length}>${begun ? it.again : it.act}</button>
          ${this.going ? html`<button type="button" data-test="stop-sending" @click=${() => this.going?.abort()}>${it.stop}</button>` : nothing}
        </div>
      </form>
    </section>`;
  }

  private rows() {
    const it = words.upload;
    return html`<ul class="sends" aria-label=${it.list}>
      ${this.wanted.map(
        (one) => html`<li class="fields" data-test="send">
        <div class="wide row"><span class="code">${one.file.name}</span>
          <span class="soft small">${size(one.file.size)}</span>
          <button type="button" class="slight" aria-label=${it.remove(one.file.name)} ?disabled=${this.going}
            @click=${() => this.takeOut(one)}>${it.removeIt}</button></div>
        <label>${it.kind}<select ?disabled=${this.going} @change=${(event: Event) => this.set(one, { kind: typedIn(event) as Kind })}>
          ${Object.entries(it.kinds).map(([kind, text]) => html`<option value=${kind} .selected=${kind === one.kind}>${text}</option>`)}
        </select></label>
        ${
          one.kind === "image"
            ? html`<label>${it.hardware}<input .value=${one.hardware} maxlength="128" autocomplete="off" ?readonly=${this.going}
                @input=${(event: Event) => this.set(one, { hardware: typedIn(event).trim() })} /></label>
              <label>${it.units}<input .value=${one.units} autocomplete="off" ?readonly=${this.going}
                @input=${(event: Event) => this.set(one, { units: typedIn(event) })} /></label>`
            : nothing
        }
        <div class="wide small">${this.state(one)}</div>
      </li>`,
      )}
    </ul>`;
  }

  private state(one: Wanted) {
    const it = words.upload;
    if (one.why)
      return html`<span class="why" role="alert" data-test="refused">${it.refused(one.why)}</span>`;
    if (one.taken) {
      return html`${words.releases.hash} <span class="code" data-test="hash">${one.taken.sha256}</span>`;
    }
    if (one.sent === null) return html`<span class="soft">${it.waits}</span>`;
    const share = one.file.size ? Math.min(1, one.sent / one.file.size) : 1;
    return html`<progress max="1" .value=${share} aria-label=${one.file.name} data-test="progress"></progress>
      <span>${share < 1 ? it.sending(share) : it.checking}</span>`;
  }

  private readonly pick = (event: Event): void => {
    const input = event.currentTarget as HTMLInputElement;
    const more = [...(input.files ?? [])].map(
      (file): Wanted => ({
        file,
        kind: "device",
        hardware: "",
        units: "",
        sent: null,
        taken: null,
        why: "",
      }),
    );
    const names = new Set(more.map((one) => one.file.name));
    this.wanted = [...this.wanted.filter((one) => !names.has(one.file.name)), ...more];
    input.value = "";
  };

  private takeOut(gone: Wanted): void {
    this.wanted = this.wanted.filter((one) => one !== gone);
  }

  private set(one: Wanted, changes: Partial<Wanted>): void {
    Object.assign(one, { why: "" }, changes);
    this.requestUpdate();
  }

  private readonly leave = (event: Event): void => {
    if (this.going) event.preventDefault();
  };

  private readonly submit = (event: Event): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    const name = String(data.get("name")).trim();
    const version = String(data.get("version")).trim() || "1";
    this.told = "";
    this.failed = "";
    this.going = new AbortController();
    void this.send(name, version, this.going.signal)
      .then(() => {
        this.told = words.upload.made(name);
        this.wanted = [];
        form.reset();
        this.dispatchEvent(new CustomEvent("made"));
      })
      .catch((error: unknown) => {
        this.failed = error instanceof Error ? error.message : String(error);
      })
      .finally(() => {
        this.going = null;
      });
  };

  private async send(name: string, version: string, signal: AbortSignal): Promise<void> {
    const it = words.upload;
    const ready = await this.api.get<ReadyView>(pathOf("releases", name, "ready"), {}, signal);
    if (!ready.free) throw new Error(it.taken(name));
    for (const one of this.wanted) {
      const unsigned = one.kind === "image" ? ready.unsigned : "";
      this.set(one, { why: NAME.test(one.file.name) ? unsigned : it.wrongName });
    }
    if (this.wanted.some((one) => one.why)) throw new Error(it.someRefused);
    for (const one of this.wanted) await this.sendOne(name, one, signal);
    for (const one of this.wanted) this.whose(one);
    if (this.wanted.some((one) => one.why)) throw new Error(it.someRefused);
    const files = this.wanted.map((one) => ({
      name: one.file.name,
      sha256: one.taken?.sha256,
      ...(one.kind === "image" ? { hardware: one.hardware, units: unitsOf(one) } : {}),
    }));
    await this.api.send<ReleaseView>("PUT", pathOf("releases", name), { version, files });
  }

  private async sendOne(release: string, one: Wanted, signal: AbortSignal): Promise<void> {
    if (one.taken) return;
    const path = pathOf("releases", release, "files", one.file.name);
    const told = (sent: number) => this.set(one, { sent });
    this.set(one, { sent: 0 });
    try {
      const taken = await this.api.upload<FileView>(path, one.file, told, signal);
      this.set(one, { sent: null, taken });
    } catch (error) {
      this.set(one, { sent: null, why: error instanceof ApiError ? error.message : String(error) });
      throw new Error(words.upload.someRefused);
    }
  }

  /** What the file says itself, where nobody has said it. */
  private whose(one: Wanted): void {
    if (one.kind !== "image" || one.hardware) return;
    const found = one.taken;
    if (found?.hardware) this.set(one, { hardware: found.hardware, units: found.units.join(", ") });
    else this.set(one, { why: words.upload.noHardware });
  }
}

function typedIn(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement).value;
}

function unitsOf(one: Wanted): string[] {
  return one.units.split(/[\s,]+/).filter(Boolean);
}

define("fleet-upload", Upload);
