import { keyed } from "lit/directives/keyed.js";
import { css, define, html, LitElement, nothing, shared } from "../kit/parts/part";
import { Api } from "./api";
import "./pages/audit";
import "./pages/campaign";
import "./pages/campaigns";
import "./pages/car";
import "./pages/cars";
import "./pages/people";
import "./pages/plan";
import "./pages/releases";
import { type FleetPage, fieldOf } from "./page";
import { hashOf, menuOf, type PageName, type Route, routeOf } from "./route";
import { look } from "./styles";
import type { MeView } from "./views.gen";
import { words } from "./words";

const KEPT = "volant-fleet-token";
const MENU: readonly PageName[] = ["campaigns", "cars", "releases", "people", "audit"];
const API = "api/v1/";

/** The frame around all pages: who is there, the menu, and where one is. */
export class Console extends LitElement {
  static override properties = {
    me: { state: true },
    route: { state: true },
    why: { state: true },
    asks: { state: true },
  };
  declare private me: MeView | null;
  declare private route: Route;
  /** Why nobody is signed in. */
  declare private why: string;
  declare private asks: boolean;
  private api: Api | null = null;

  static override styles = [
    shared,
    look,
    css`
      :host {
        display: block;
      }
      .skip {
        position: absolute;
        inset-inline-start: 12px;
        inset-block-start: -60px;
        z-index: 2;
        background: var(--plate);
      }
      .skip:focus {
        inset-block-start: 8px;
      }
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0 28px;
        padding: 0 28px;
        background: var(--plate);
        border-block-end: var(--line);
      }
      .brand {
        font-weight: 700;
        font-size: 18px;
        padding-block: 14px;
      }
      nav {
        display: flex;
        flex-wrap: wrap;
        gap: 0 4px;
        flex: 1;
      }
      nav a {
        padding: 16px 12px 13px;
        color: var(--ink-soft);
        text-decoration: none;
        border-block-end: 3px solid transparent;
      }
      nav a:hover {
        color: var(--ink);
      }
      nav a[aria-current] {
        color: var(--ink);
        font-weight: 600;
        border-color: var(--assist);
      }
      .who {
        display: flex;
        align-items: center;
        gap: 12px;
        font-size: var(--type-small);
        color: var(--ink-soft);
      }
      main {
        display: block;
        max-width: 1280px;
        margin: 0 auto;
        padding: 26px 28px 60px;
      }
      .sign {
        max-width: 460px;
        margin: 12vh auto 0;
        padding: 0 14px;
      }
      .sign form {
        display: grid;
        gap: 14px;
      }
      .sign .brand {
        padding: 0 0 14px;
      }
      @media (max-width: 700px) {
        header {
          padding: 0 12px;
          gap: 0 12px;
        }
        .brand {
          flex: 1;
        }
        nav {
          order: 3;
          flex: 1 0 100%;
          flex-wrap: nowrap;
          overflow-x: auto;
          margin-inline: -12px;
          padding-inline: 2px;
        }
        nav a {
          padding: 8px 7px 7px;
          font-size: var(--type-small);
          white-space: nowrap;
        }
        main {
          padding: 16px 12px 40px;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.me = null;
    this.route = routeOf(location.hash);
    this.why = "";
    this.asks = false;
    const kept = sessionStorage.getItem(KEPT);
    if (kept) void this.enter(kept);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("hashchange", this.move);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("hashchange", this.move);
  }

  private readonly move = (): void => {
    const before = this.route;
    this.route = routeOf(location.hash);
    if (before.page === this.route.page && before.id === this.route.id) return;
    scrollTo(0, 0);
    void this.focusHeading();
  };

  /** Who came by keys or by ear begins at the heading of the new page. */
  private async focusHeading(): Promise<void> {
    await this.updateComplete;
    const page = this.renderRoot.querySelector<FleetPage>("main > *");
    await page?.updateComplete;
    page?.shadowRoot?.querySelector<HTMLElement>("h1")?.focus();
  }

  private async enter(token: string): Promise<void> {
    this.asks = true;
    const api = new Api(token, new URL(API, document.baseURI).href, (why) => this.leave(why));
    try {
      this.me = await api.get<MeView>("me");
      this.api = api;
      this.why = "";
      sessionStorage.setItem(KEPT, token);
    } catch (error) {
      this.why = error instanceof Error ? error.message : String(error);
    }
    this.asks = false;
  }

  private leave(why: string): void {
    sessionStorage.removeItem(KEPT);
    this.why = this.me && why ? words.signIn.out(why) : why;
    this.me = null;
    this.api = null;
  }

  override updated(): void {
    const page = this.me ? words.pages[this.route.page] : words.signIn.head;
    document.title = words.title(this.route.id && this.me ? `${this.route.id}, ${page}` : page);
  }

  override render() {
    const { me, api } = this;
    if (!me || !api) return this.signIn();
    return html`<header>
        <button type="button" class="skip" @click=${this.skip}>${words.skip}</button>
        <span class="brand">${words.brand}</span>
        <nav aria-label=${words.menu}>${MENU.map((page) => this.entry(page))}</nav>
        <div class="who">
          <span data-test="who">${words.who(me.name, words.people.roles[me.role] ?? me.role)}</span>
          <button type="button" class="slight" @click=${() => this.leave("")}>${words.signOut}</button>
        </div>
      </header>
      <main tabindex="-1">${keyed(`${this.route.page} ${this.route.id}`, this.page(me, api))}</main>`;
  }

  private entry(page: PageName) {
    const here = menuOf(this.route.page) === page;
    return html`<a href=${hashOf(page)} aria-current=${here ? "page" : nothing}>${words.pages[page]}</a>`;
  }

  private readonly skip = (): void => {
    this.renderRoot.querySelector<HTMLElement>("main")?.focus();
  };

  private page(me: MeView, api: Api) {
    const { route } = this;
    switch (route.page) {
      case "campaigns":
        return html`<fleet-campaigns .me=${me} .api=${api} .route=${route}></fleet-campaigns>`;
      case "campaign":
        return html`<fleet-campaign .me=${me} .api=${api} .route=${route}></fleet-campaign>`;
      case "new":
      case "change":
        return html`<fleet-plan .me=${me} .api=${api} .route=${route}></fleet-plan>`;
      case "cars":
        return html`<fleet-cars .me=${me} .api=${api} .route=${route}></fleet-cars>`;
      case "car":
        return html`<fleet-car .me=${me} .api=${api} .route=${route}></fleet-car>`;
      case "releases":
        return html`<fleet-releases .me=${me} .api=${api} .route=${route}></fleet-releases>`;
      case "people":
        return html`<fleet-people .me=${me} .api=${api} .route=${route}></fleet-people>`;
      case "audit":
        return html`<fleet-audit .me=${me} .api=${api} .route=${route}></fleet-audit>`;
    }
  }

  private signIn() {
    const it = words.signIn;
    return html`<main class="sign">
      <p class="brand">${words.brand}</p>
      <section>
        <h1>${it.head}</h1>
        <p class="soft">${it.about}</p>
        <form @submit=${(event: Event) => this.enter(fieldOf(event, "token"))}>
          <label>${it.token}<input class="code" name="token" type="password" autocomplete="off" required
            ?disabled=${this.asks} aria-describedby="kept" /></label>
          <button type="submit" class="strong" ?disabled=${this.asks}>${this.asks ? it.asks : it.act}</button>
        </form>
        <p class="why" role="alert" data-test="out">${this.why}</p>
        <p class="soft small" id="kept">${it.kept}</p>
      </section>
    </main>`;
  }
}

define("volant-fleet", Console);
