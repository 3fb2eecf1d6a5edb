/** What is asked before something that cannot be taken back. Escape and "Cancel" do nothing. */
import { errorsNow, planLines } from "../model";
import { fieldOf, html, nothing } from "../page";
import type { CampaignView } from "../views.gen";
import { words } from "../words";

function close(event: Event): void {
  (event.target as Element).closest("dialog")?.close();
}

function cancel() {
  return html`<button type="button" @click=${close}>${words.cancel}</button>`;
}

/** Shows what is approved: the plan in words, whole, and the digest that stands for it. */
export function approveDialog(view: CampaignView, approve: () => void) {
  const it = words.approve;
  const again = errorsNow(view);
  return html`<dialog id="approve" aria-labelledby="approve-head">
    <h2 id="approve-head" tabindex="-1" autofocus>${it.head}</h2>
    <dl class="facts">
      ${planLines(view.plan).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
    </dl>
    ${again ? html`<p class="notice soon">${it.forgives(again)}</p>` : nothing}
    <p>${it.about}</p>
    <p class="digest" data-test="approve-digest">${view.digest}</p>
    <div class="row">
      <button type="button" class="strong" data-test="approve" @click=${(event: Event) => {
        close(event);
        approve();
      }}>${it.act}</button>
      ${cancel()}
    </div>
  </dialog>`;
}

export function stopDialog(view: CampaignView, stop: (reason: string) => void) {
  const it = words.stop;
  return html`<dialog id="stop" aria-labelledby="stop-head">
    <h2 id="stop-head">${it.head}</h2>
    <p>${it.about(view.in_flight)}</p>
    <form @submit=${(event: Event) => {
      const reason = fieldOf(event, "reason");
      close(event);
      stop(reason);
    }}>
      <label>${it.reason}<input name="reason" maxlength="512" autocomplete="off" autofocus /></label>
      <div class="row">
        <button type="submit" class="danger" data-test="stop">${it.act}</button>
        ${cancel()}
      </div>
    </form>
  </dialog>`;
}

/** One question before something that cannot be taken back. */
export function sureDialog(id: string, head: string, about: string, act: string, go: () => void) {
  return html`<dialog id=${id} aria-labelledby="${id}-head">
    <h2 id="${id}-head" tabindex="-1" autofocus>${head}</h2>
    <p>${about}</p>
    <div class="row">
      <button type="button" class="danger" data-test=${id} @click=${(event: Event) => {
        close(event);
        go();
      }}>${act}</button>
      ${cancel()}
    </div>
  </dialog>`;
}
