/**
 * Our frame around an app's page. The app runs in a sandbox within it, without an origin; while the car moves
 * the frame takes it from the screen, or shows no more of it than a card, as its manifest says.
 */
import { followTheme } from "../kit/theme";
import { type State, type View, viewOf } from "./cover";

const RETRY_MS = 1000;

function part<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page lacks #${id}`);
  return found as T;
}

const place = part("place");
const words = part("words");
const card = part("card");
let state: State | null = null;
let heardMs = Number.NEGATIVE_INFINITY;
let app: HTMLIFrameElement | null = null;

function makeApp(one: State): HTMLIFrameElement {
  const made = document.createElement("iframe");
  made.title = one.name;
  made.setAttribute("sandbox", "allow-scripts");
  made.setAttribute("allow", "");
  made.referrerPolicy = "no-referrer";
  made.src = new URL(`app/${one.page}${location.search}`, document.baseURI).href;
  place.append(made);
  return made;
}

function show(view: View): void {
  if (view.app === "none") {
    app?.remove();
    app = null;
  } else if (state) {
    app ??= makeApp(state);
    app.hidden = view.app === "hidden";
  }
  if (words.textContent !== view.words) words.textContent = view.words;
  const [title = "", ...lines] = view.card;
  card.hidden = title === "";
  part("card-title").textContent = title;
  part("card-lines").textContent = lines.join("\n");
}

function look(): void {
  show(viewOf(state, performance.now() - heardMs));
}

function listen(): void {
  const socket = new WebSocket(new URL("state", document.baseURI.replace(/^http/, "ws")));
  socket.onmessage = (event) => {
    state = JSON.parse(String(event.data)) as State;
    heardMs = performance.now();
    part("name").textContent = state.name;
    document.title = `Volant: ${state.name}`;
    look();
  };
  socket.onclose = () => setTimeout(listen, RETRY_MS);
}

followTheme(() => {});
listen();
setInterval(look, 200);
