/** Updates in words that a driver reads: what is offered, how far it is, what became of it. */
import { spanWords } from "./charge";
import type {
  CockpitFrame,
  CockpitStop,
  CockpitUpdate,
  UpdateEnd,
  UpdatePhase,
  UpdateResult,
  UpdateState,
  UpdateWish,
} from "./messages.gen";

/** A wish, and the offer that stood there when it was pressed: nobody agrees to another. */
export interface PressedWish {
  readonly wish: UpdateWish;
  readonly offer: string;
}

const DAY_S = 86_400;
/** Hours before this belong to the night before. */
const MORNING = 6;

const PHASES: Record<UpdatePhase, string> = {
  idle: "No update is in hand",
  checking: "Looking for updates",
  downloading: "An update is being fetched",
  offered: "An update is ready",
  waiting: "The update waits",
  installing: "The update is being installed",
  rebooting: "Units start their new programs",
  trial: "The new programs are on trial",
  confirming: "The update is being finished",
  reverting: "The old programs come back",
};

/** At most 30 characters, for the place that says who drives. */
const LOCKED: Partial<Record<UpdatePhase, string>> = {
  installing: "An update is being installed",
  rebooting: "Units start anew",
  trial: "An update is being checked",
  confirming: "An update is being finished",
  reverting: "The old programs come back",
};

export const ENDS: Record<UpdateEnd, string> = {
  installed: "Installed",
  rolled_back: "Rolled back, the old programs run",
  failed: "Not installed, nothing was changed",
  rejected: "Refused, it is not to be trusted",
};

const FRESH: Record<UpdateEnd, string> = {
  installed: "Updated",
  rolled_back: "Update undone",
  failed: "Update failed",
  rejected: "Update refused",
};

/** The update is at work: its units are shown one by one. */
const AT_WORK: readonly UpdatePhase[] = ["installing", "rebooting", "confirming", "reverting"];
const MEASURED: readonly UpdatePhase[] = ["downloading", ...AT_WORK, "trial"];

/** The car stands in park: only then is anything decided here. */
export function isParked({ car }: CockpitFrame): boolean {
  return car?.valid === true && car.gear === "park" && Math.abs(car.speed_mps) < 0.1;
}

/** What stops the car from being driven, and is no stop of the guard. */
export function lockOf(update: CockpitUpdate | null): CockpitStop | null {
  if (!update?.state.locked) return null;
  const reason = LOCKED[update.state.phase] ?? "An update is not finished";
  return { stands: true, words: "Cannot be driven", reason };
}

/** "tonight at 02:10", "today at 14:00", "tomorrow at 09:30", "on 3 Dec at 02:10". */
export function whenWords(atS: number, nowS: number): string {
  const at = new Date(atS * 1000);
  const time = `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
  if (at.getHours() < MORNING && atS >= nowS && atS - nowS < DAY_S) return `tonight at ${time}`;
  const midnight = new Date(nowS * 1000).setHours(0, 0, 0, 0);
  const days = Math.round((new Date(at).setHours(0, 0, 0, 0) - midnight) / (DAY_S * 1000));
  const name = { "-1": "yesterday", "0": "today", "1": "tomorrow" }[String(days)];
  return name ? `${name} at ${time}` : `on ${dayWords(at)} at ${time}`;
}

function dayWords(at: Date): string {
  return at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

/** "0.4 MB", "48 MB", "1.2 GB". */
export function sizeWords(bytes: number): string {
  const mega = bytes / 1e6;
  if (mega >= 999.5) return `${(mega / 1000).toFixed(1)} GB`;
  return mega < 9.95 ? `${Math.max(mega, 0.1).toFixed(1)} MB` : `${Math.round(mega)} MB`;
}

/** The first line of the panel. */
export function headline({ phase, starts_s }: UpdateState, nowS: number): string {
  if (phase === "waiting" && starts_s !== null)
    return `It will be installed ${whenWords(starts_s, nowS)}`;
  return PHASES[phase];
}

/** How far this phase is; empty where that is not measured. */
export function progressWords({ phase, done, left_s, size_bytes, locked }: UpdateState): string {
  const known = done > 0 || left_s !== null;
  if (!MEASURED.includes(phase) || (phase === "trial" && !known)) return "";
  const parts = [`${Math.floor(done * 100)} %`];
  if (phase === "downloading" && size_bytes > 0) parts[0] += ` of ${sizeWords(size_bytes)}`;
  // A trial goes on while the car is driven, and ends with its next start.
  const how = phase === "trial" && !locked ? "of driving left, or one more start" : "left";
  if (left_s !== null)
    parts.push(`${left_s < 60 ? "less than a minute" : spanWords(left_s)} ${how}`);
  return parts.join(", ");
}

/** Whether it is of use to know what cannot be used: before it begins, and while it works. */
export function unusableNow(state: UpdateState): readonly string[] {
  const { phase, locked, unusable } = state;
  return phase === "downloading" || (phase === "trial" && !locked) ? [] : unusable;
}

/** Nothing is in hand: a reason is a word and no warning. */
export function isCalm({ phase }: UpdateState): boolean {
  return phase === "idle" || phase === "checking";
}

export function isAtWork({ phase }: UpdateState): boolean {
  return AT_WORK.includes(phase);
}

/** How long installing takes, before it begins; empty where it is not told. */
export function takesWords({ phase, takes_s }: UpdateState): string {
  const ahead = phase === "offered" || phase === "waiting";
  return ahead && takes_s > 0 ? `Takes about ${spanWords(Math.max(takes_s, 60))}` : "";
}

/** What stands under the seat's button, and whether it wants to be seen; empty: nothing. */
export function badge(
  update: CockpitUpdate | null,
  nowS: number,
): { words: string; calls: boolean } {
  if (!update) return { words: "", calls: false };
  const { phase, starts_s, done, last } = update.state;
  const percent = `${Math.floor(done * 100)} %`;
  switch (phase) {
    case "offered":
      return { words: "Update ready", calls: true };
    case "waiting":
      return starts_s === null
        ? { words: "Update waits", calls: true }
        : { words: `Update ${whenWords(starts_s, nowS)}`, calls: false };
    case "installing":
    case "rebooting":
    case "confirming":
      return { words: `Update ${percent}`, calls: false };
    case "trial":
      return { words: "Update on trial", calls: false };
    case "reverting":
      return { words: "Going back", calls: true };
    default:
      return freshEnd(last, nowS);
  }
}

/** What became of the last update is told for a day. */
function freshEnd(last: UpdateResult | null, nowS: number): { words: string; calls: boolean } {
  if (!last || Math.abs(nowS - last.at_s) > DAY_S) return { words: "", calls: false };
  return { words: FRESH[last.end], calls: last.end !== "installed" };
}

const LABELS: Record<UpdateWish, string> = {
  check: "Look for updates",
  now: "Install now",
  tonight: "Tonight",
  later: "Later",
  rollback: "Back to the old",
};

/** Some wishes are taken but would change nothing: who has an offer needs no look for one. */
function isOfUse(wish: UpdateWish, { phase, starts_s }: UpdateState): boolean {
  if (wish === "check") return phase === "idle";
  return wish !== "tonight" || phase !== "waiting" || starts_s === null;
}

/** What can be pressed, the strongest first. */
export function wishes(state: UpdateState): readonly (readonly [UpdateWish, string])[] {
  const order: readonly UpdateWish[] = ["now", "tonight", "later", "rollback", "check"];
  return order
    .filter((wish) => state.can.includes(wish) && isOfUse(wish, state))
    .map((wish) => [
      wish,
      wish === "later" && state.phase === "waiting" ? "Not now" : LABELS[wish],
    ]);
}

/** Why nothing can be pressed, or was not taken; empty: it can. */
export function whyNot(update: CockpitUpdate, seated: boolean): string {
  if (update.silent) return "Updates have fallen silent; this is what was said last.";
  if (update.state.refused) return `Not taken: ${update.state.refused}`;
  if (update.state.can.length === 0 || seated) return "";
  return "Take the wheel to decide.";
}

/** Words of the car as the beginning of a line. */
export function upper(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A line of a result, such as "Steering: 1.8 -> 1.9". */
export function lineWords(line: string): string {
  return line.replace(": - -> ", ": new ").replace(" -> ", " → ");
}

/** Versions of a unit, as far as they are known. */
export function versions({ runs, gets }: { runs: string; gets: string }): string {
  if (!gets || gets === runs) return runs;
  return runs ? `${runs} → ${gets}` : `new: ${gets}`;
}
