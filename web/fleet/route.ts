/** Where one is in the console, as the part of the address after `#`: pages can be kept, sent and gone back to. */

export const PAGES = [
  "campaigns",
  "campaign",
  "new",
  "change",
  "cars",
  "car",
  "releases",
  "people",
  "audit",
] as const;
export type PageName = (typeof PAGES)[number];

export interface Route {
  readonly page: PageName;
  /** Of a campaign or a car; empty on other pages. */
  readonly id: string;
  readonly query: Readonly<Record<string, string>>;
}

export const HOME: Route = { page: "campaigns", id: "", query: {} };

/** What an address says; one that says nothing sensible leads home. */
export function routeOf(hash: string): Route {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [name, ...rest] = path.split("/");
  const page = PAGES.find((one) => one === name);
  let id: string;
  try {
    id = decodeURIComponent(rest.join("/"));
  } catch {
    return HOME;
  }
  if (!page || needsId(page) !== (id !== "")) return HOME;
  return { page, id, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** The address of a page; empty words of a query are left out. */
export function hashOf(page: PageName, id = "", query: Readonly<Record<string, string>> = {}) {
  const told = Object.entries(query).filter(([, value]) => value !== "");
  const search = new URLSearchParams(told).toString();
  const path = id ? `${page}/${encodeURIComponent(id)}` : page;
  return `#/${path}${search ? `?${search}` : ""}`;
}

/** The page of the menu that one is on, or below. */
export function menuOf(page: PageName): PageName {
  if (page === "campaign" || page === "new" || page === "change") return "campaigns";
  return page === "car" ? "cars" : page;
}

function needsId(page: PageName): boolean {
  return page === "campaign" || page === "car" || page === "change";
}
