/**
 * A dashboard for whoever rides along: trip, charge, climate, windows, and how it went the last ten minutes.
 * It is an app like anybody else's: VISS at the address of its own page, with the rights of its manifest.
 */
import "./chart";
import "./dashboard";
import { followTheme } from "../kit/theme";
import { type Data, type Point, Refused, Viss } from "../kit/viss";
import { ask, granted, refused } from "./asks";
import type { Dashboard } from "./dashboard";
import { card } from "./model";
import type { Sample } from "./series";
import { ALL, CHARGE, POWER, SPEED } from "./signals";

const CARD_MS = 2000;
const HISTORY_S = 600;
const ROOT = "Vehicle.";

const found = document.querySelector<Dashboard>("volant-dashboard");
if (!found) throw new Error("the page lacks its dashboard");
const board = found;
let shown = "";

function text(value: Point["value"]): string {
  return typeof value === "string" ? value : value.join(", ");
}

function samples(points: readonly Point[]): Sample[] {
  return points
    .map((one) => ({ at_ms: Date.parse(one.ts), value: Number(text(one.value)) }))
    .filter((one) => Number.isFinite(one.value));
}

function take(data: Data): void {
  for (const [path, points] of data) {
    const name = path.slice(ROOT.length);
    board.take(name, text(points[points.length - 1].value), samples(points));
  }
}

function link(up: boolean): void {
  board.up = up;
  if (up) fetchPast();
}

async function fetchPast(): Promise<void> {
  for (const path of [SPEED, POWER, CHARGE]) {
    try {
      for (const points of (await viss.history([path], HISTORY_S)).values()) {
        board.takePast(path, samples(points));
      }
    } catch {
      // Nothing was noted of it yet; the chart begins now.
    }
  }
}

board.addEventListener("volant-ask", async (event) => {
  const { words, path, wanted } = (event as CustomEvent).detail;
  const one = ask(words, path, wanted);
  board.ask(one, path);
  try {
    await viss.set(ROOT + path, wanted);
    board.change(path, granted);
  } catch (error) {
    const why = error instanceof Refused ? error.message : String(error);
    board.change(path, (now) => refused(now, why));
  }
});

async function show(): Promise<void> {
  if (!board.up) return;
  const [title, lines] = card(board.values);
  const now = [title, ...lines].join("\n");
  if (now === shown) return;
  try {
    await viss.card(title, lines);
    shown = now;
  } catch {
    // The link is lost; it is shown once it is back.
  }
}

const viss = new Viss(ALL, take, link);
followTheme(() => {});
viss.run();
setInterval(show, CARD_MS);
