/** Fields of the plan's form, each with what is wrong with it said beside it and to those who listen. */
import type { Form, Wrongs } from "../form";
import { html, nothing } from "../page";

/** Whose fields they are. */
export interface Fields {
  readonly form: Form;
  readonly wrongs: Wrongs;
  change(changes: Partial<Form>): void;
}

interface Kind {
  readonly type?: string;
  readonly min?: number;
  readonly maxlength?: number;
  readonly code?: boolean;
  /** It cannot be changed. */
  readonly fixed?: boolean;
  /** Told when somebody has finished with it, not with each key. */
  readonly late?: boolean;
}

function typedIn(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement).value;
}

function whyWrong(at: Fields, name: string) {
  const why = at.wrongs[name];
  return why ? html`<span class="why small" id="why-${name}">${why}</span>` : nothing;
}

export function field(
  at: Fields,
  name: string,
  label: string,
  value: string,
  set: (value: string) => void,
  kind: Kind = {},
) {
  const wrong = name in at.wrongs;
  const soon = (event: Event) => kind.late || set(typedIn(event));
  return html`<label>${label}<input name=${name} class=${kind.code ? "code" : ""} type=${kind.type ?? "text"}
    .value=${value} min=${kind.min ?? nothing} step=${kind.type === "number" ? "any" : nothing}
    maxlength=${kind.maxlength ?? nothing} autocomplete="off" spellcheck=${kind.code ? "false" : nothing}
    ?readonly=${kind.fixed ?? false} aria-invalid=${wrong ? "true" : nothing}
    aria-describedby=${wrong ? `why-${name}` : nothing}
    @input=${soon} @change=${(event: Event) => set(typedIn(event))} />${whyWrong(at, name)}</label>`;
}

export function pick(
  at: Fields,
  name: string,
  label: string,
  value: string,
  options: readonly (readonly [string, string])[],
  set: (value: string) => void,
) {
  const wrong = name in at.wrongs;
  return html`<label>${label}<select name=${name} aria-invalid=${wrong ? "true" : nothing}
    aria-describedby=${wrong ? `why-${name}` : nothing} @change=${(event: Event) => set(typedIn(event))}>
    ${options.map(([one, text]) => html`<option value=${one} .selected=${one === value}>${text}</option>`)}
  </select>${whyWrong(at, name)}</label>`;
}

export function check(label: string, on: boolean, set: (on: boolean) => void) {
  return html`<label class="check"><input type="checkbox" .checked=${on}
    @change=${(event: Event) => set((event.target as HTMLInputElement).checked)} />${label}</label>`;
}

export { whyWrong };
