/**
 * The driver's seat in a browser: keys, gamepad and buttons on the glass become hands and feet.
 * Whoever leaves the page leaves the seat; a page that falls silent is a driver who is gone.
 */
import "../kit/parts/alert";
import "../kit/parts/apps";
import "../kit/parts/codes";
import "../kit/parts/guide";
import "../kit/parts/limit";
import "../kit/parts/map";
import "../kit/parts/pilot";
import "../kit/parts/speedo";
import "../kit/parts/update";
import "../kit/parts/view";
import { alarmOf } from "../kit/alarm";
import { haltOf, isOver, reasonOf, turnAhead } from "../kit/arrival";
import { chargeWords } from "../kit/charge";
import { countWords } from "../kit/codes";
import { type Feet, type Hold, handsOf, join, pressKeys, REST, readPad } from "../kit/drive/hands";
import {
  clearCodes,
  HOLD_KEYS,
  PRESS_KEYS,
  type Press,
  padPresses,
  pressOf,
  switchOf,
  type Wishes,
  wishesOf,
  wishOf,
} from "../kit/drive/presses";
import { arrivalWords, rangeWords } from "../kit/energy";
import { kmh, Steady } from "../kit/format";
import { FUNCTIONS } from "../kit/functions";
import { Live } from "../kit/live";
import type { Function as CarFunction, CockpitFrame } from "../kit/messages.gen";
import type { AlertBanner } from "../kit/parts/alert";
import type { AppCards } from "../kit/parts/apps";
import type { CodeList } from "../kit/parts/codes";
import type { GuideTile } from "../kit/parts/guide";
import type { LimitSign } from "../kit/parts/limit";
import type { MapView } from "../kit/parts/map";
import type { PilotTile } from "../kit/parts/pilot";
import type { Speedo } from "../kit/parts/speedo";
import type { UpdatePanel } from "../kit/parts/update";
import type { SceneView } from "../kit/parts/view";
import type { PressedWish } from "../kit/updates";
import { badge, isParked } from "../kit/updates";

const SEND_MS = 50;
/** A press is believed for this long, until the car's own word comes back. */
const BELIEF_MS = 600;

function part<T extends Element>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`the page lacks ${selector}`);
  return found;
}

const speedo = part<Speedo>("volant-speedo");
const limit = part<LimitSign>("volant-limit");
const pilot = part<PilotTile>("volant-pilot");
const alert = part<AlertBanner>("volant-alert");
const guide = part<GuideTile>("volant-guide");
const map = part<MapView>("volant-map");
const codes = part<CodeList>("volant-codes");
const apps = part<AppCards>("volant-apps");
const updates = part<UpdatePanel>("volant-update");
const updateBadge = part<HTMLAnchorElement>("#update-badge");
const codesCount = part<HTMLAnchorElement>("#codes-count");
const energy = {
  all: part<HTMLElement>("#energy"),
  range: part<HTMLElement>("#energy-range"),
  arrival: part<HTMLElement>("#energy-arrival"),
  advice: part<HTMLElement>("#energy-advice"),
};
const charge = part<HTMLElement>("#charge");
const view = part<SceneView>("volant-view");
const stale = part<HTMLElement>("#stale");
const seat = part<HTMLButtonElement>("#seat");
const seatWords = part<HTMLElement>("#seat-words");
const hands = part<HTMLInputElement>("#hands");
const eyes = part<HTMLInputElement>("#eyes");
const setSpeed = part<HTMLOutputElement>("#set-speed");
const gap = part<HTMLOutputElement>("#gap");
const meters = {
  go: part<HTMLMeterElement>("#m-go"),
  brake: part<HTMLMeterElement>("#m-brake"),
  wheel: part<HTMLMeterElement>("#m-wheel"),
};
const boxes = new Map<CarFunction, HTMLInputElement>();
const steadySpeed = new Steady();

let seated = false;
const held = new Set<Hold>();
let feet: Feet = REST;
let padDown: ReadonlySet<number> = new Set();
let padName = "";
let wished: Wishes | null = null;
let wishedMs = Number.NEGATIVE_INFINITY;
let lookedMs = performance.now();
let sentMs = 0;

// --- the seat ------------------------------------------------------------------------------------

function take(): void {
  if (live.state !== "live") return;
  seated = true;
  letGo();
  live.send({ type: "seat", taken: true });
  showSeat("");
}

function leave(words = "You watch."): void {
  if (seated) live.send({ type: "seat", taken: false });
  unseat(words);
}

function unseat(words: string): void {
  seated = false;
  letGo();
  showSeat(words);
}

function letGo(): void {
  held.clear();
  feet = REST;
  for (const pad of document.querySelectorAll("[data-hold]")) pad.classList.remove("held");
}

function showSeat(words: string): void {
  seat.setAttribute("aria-pressed", String(seated));
  seat.textContent = seated ? "Leave the wheel" : "Take the wheel";
  const device = padName ? `Gamepad: ${padName.slice(0, 28)}.` : "Keyboard, glass or gamepad.";
  const text = seated ? `You have the wheel. ${device}` : words;
  if (seatWords.textContent !== text) seatWords.textContent = text;
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-press], [data-hold]")) {
    button.disabled = !seated;
  }
  for (const box of [hands, eyes, ...boxes.values()]) box.disabled = !seated;
  codes.seated = seated;
  updates.seated = seated;
}

// --- what is pressed -------------------------------------------------------------------------------

function press(what: Press): void {
  if (!seated) return;
  const now = performance.now();
  const wishes = wished && now - wishedMs < BELIEF_MS ? wished : wishesOf(live.frame);
  const message = pressOf(what, wishes);
  live.send(message);
  wished = { ...wishes };
  wishedMs = now;
  if (message.kind === "set_speed" && message.value !== null) wished.setKmh = message.value * 3.6;
  if (message.kind === "set_time_gap" && message.value !== null) wished.gapS = message.value;
  if (message.indicator) wished.indicator = message.indicator;
  showWishes();
}

function hold(what: Hold, down: boolean): void {
  if (down && seated) held.add(what);
  else held.delete(what);
  for (const pad of document.querySelectorAll(`[data-hold="${what}"]`)) {
    pad.classList.toggle("held", held.has(what));
  }
}

/** Keys that an element with the focus needs for itself. */
function isTaken(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey) return true;
  const onControl =
    event.target instanceof Element &&
    event.target.closest("button,input,summary,a,volant-codes,volant-apps,volant-update");
  return onControl !== null && (event.code === "Space" || event.code === "Enter");
}

addEventListener("keydown", (event) => {
  if (!seated || isTaken(event)) return;
  const pedal = HOLD_KEYS[event.code];
  const button =
    PRESS_KEYS[event.code] ?? { "+": "faster" as const, "-": "slower" as const }[event.key];
  if (pedal) hold(pedal, true);
  else if (event.repeat) return;
  else if (button) press(button);
  else if (event.code === "KeyN") hands.checked = !hands.checked;
  else if (event.code === "KeyM") eyes.checked = !eyes.checked;
  else return;
  event.preventDefault();
});
addEventListener("keyup", (event) => {
  const pedal = HOLD_KEYS[event.code];
  if (pedal) hold(pedal, false);
});
for (const button of document.querySelectorAll<HTMLElement>("[data-press]")) {
  button.addEventListener("click", () => press(button.dataset.press as Press));
}
for (const pad of document.querySelectorAll<HTMLElement>("[data-hold]")) {
  const what = pad.dataset.hold as Hold;
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    hold(what, true);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) {
    pad.addEventListener(end, () => hold(what, false));
  }
  pad.addEventListener("keydown", (event) => {
    if (event.code === "Space" || event.code === "Enter") {
      hold(what, true);
      event.preventDefault();
    }
  });
  pad.addEventListener("keyup", (event) => {
    if (event.code === "Space" || event.code === "Enter") hold(what, false);
  });
  pad.addEventListener("contextmenu", (event) => event.preventDefault());
}
codes.addEventListener("volant-clear", () => {
  if (seated) live.send(clearCodes());
});
updates.addEventListener("volant-wish", (event) => {
  if (seated) live.send(wishOf((event as CustomEvent<PressedWish>).detail));
});
seat.addEventListener("click", () => (seated ? leave() : take()));

// --- the dead man's switch -------------------------------------------------------------------------

addEventListener("blur", letGo);
addEventListener("pagehide", () => leave());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) leave("You left the page, and with it the wheel.");
});
addEventListener("gamepaddisconnected", () => {
  padName = "";
  padDown = new Set();
});

// --- ten times a second and oftener: what hands and feet do -----------------------------------------

function look(): void {
  const now = performance.now();
  const spanS = Math.min((now - lookedMs) / 1000, 0.1);
  lookedMs = now;
  feet = pressKeys(feet, held, spanS);
  let all = feet;
  const pad = navigator.getGamepads?.().find((one) => one?.connected && one.mapping === "standard");
  if (pad) {
    padName = pad.id;
    all = join(feet, readPad(pad));
    const [fresh, down] = padPresses(padDown, pad);
    padDown = down;
    for (const one of fresh) press(one);
  }
  if (seated && now - sentMs >= SEND_MS - 2) {
    sentMs = now;
    live.send(handsOf(all, hands.checked, eyes.checked));
  }
}
setInterval(look, SEND_MS / 2);

// --- what the car says ------------------------------------------------------------------------------

function show(frame: CockpitFrame, nowMs: number): void {
  view.take(frame, nowMs);
  const { car, plan, pilot: state } = frame;
  const halt = haltOf(frame);
  speedo.speed = car?.valid ? steadySpeed.of(kmh(Math.abs(car.speed_mps))) : null;
  limit.limit = plan?.limit_mps == null ? null : Math.round(kmh(plan.limit_mps));
  limit.assumed = plan?.limit_is_default ?? false;
  limit.free = plan !== null && plan.limit_mps === null;
  pilot.engagement = state?.engagement ?? null;
  const engaged = state?.engagement === "engaged" || state?.engagement === "overridden";
  const drives = engaged && !halt;
  pilot.stop = halt?.words ?? "";
  pilot.stands = halt?.stands ?? false;
  pilot.over = isOver(frame);
  pilot.reason = reasonOf(frame);
  pilot.setSpeed = state && drives ? Math.round(kmh(state.set_speed_mps)) : null;
  const alarm = alarmOf(frame);
  if (alert.alert?.alert_id !== alarm?.alert_id || alert.alert?.level !== alarm?.level) {
    alert.alert = alarm;
  }
  guide.guidance = turnAhead(frame);
  map.take(frame, nowMs);
  const flow = chargeWords(frame.charge);
  charge.hidden = flow === "";
  if (charge.textContent !== flow) charge.textContent = flow;
  codes.codes = frame.codes;
  apps.cards = frame.apps;
  const words = countWords(frame.codes);
  codesCount.hidden = words === "";
  if (codesCount.textContent !== words) codesCount.textContent = words;
  codesCount.classList.toggle("some", (frame.codes?.count ?? 0) > 0);
  showUpdate(frame);
  showEnergy(frame);
  meters.go.value = car?.accelerator ?? 0;
  meters.brake.value = car?.brake ?? 0;
  meters.wheel.value = Math.max(-1, Math.min(1, -(car?.steer_rad ?? 0) / 0.3));
  const count = frame.tracks.length;
  view.words = `The road ahead with ${count} other road user${count === 1 ? "" : "s"}`;
  for (const [name, box] of boxes) {
    const off = state?.switched_off.includes(name) ?? false;
    if (nowMs - Number(box.dataset.pressedMs ?? 0) > BELIEF_MS) box.checked = !off;
    box.parentElement?.classList.toggle("acts", state?.functions.includes(name) ?? false);
  }
  showWishes();
}

function showUpdate(frame: CockpitFrame): void {
  updates.told = frame.update;
  updates.parked = isParked(frame);
  updates.hidden = frame.update === null;
  const { words, calls } = badge(frame.update, Date.now() / 1000);
  updateBadge.hidden = words === "";
  write(updateBadge, words);
  updateBadge.classList.toggle("calls", calls);
}

function showEnergy(frame: CockpitFrame): void {
  energy.all.hidden = frame.energy === null;
  if (frame.energy === null) return;
  write(energy.range, rangeWords(frame.energy));
  write(energy.arrival, arrivalWords(frame.energy));
  write(energy.advice, frame.energy.advice);
  energy.all.classList.toggle("short", !frame.energy.reaches);
}

function write(where: HTMLElement, words: string): void {
  if (where.textContent !== words) where.textContent = words;
}

function showWishes(): void {
  const believed = wished && performance.now() - wishedMs < BELIEF_MS ? wished : null;
  const wishes = believed ?? wishesOf(live.frame);
  const speed = live.frame?.pilot ? String(Math.round(wishes.setKmh)) : "–";
  if (setSpeed.value !== speed) setSpeed.value = speed;
  const seconds = live.frame?.pilot ? `${wishes.gapS.toFixed(1)} s` : "–";
  if (gap.value !== seconds) gap.value = seconds;
  for (const side of ["left", "right", "hazard"] as const) {
    part(`[data-press="${side}"]`).setAttribute("aria-pressed", String(wishes.indicator === side));
  }
}

function judge(): void {
  const late = live.isStale(performance.now());
  view.stale = late;
  const text =
    live.state === "other-version"
      ? "Reload: the car has a new version"
      : live.state === "ended"
        ? "The drive has ended"
        : !live.frame
          ? "Waiting for the car"
          : late
            ? "No live data"
            : "";
  stale.hidden = text === "";
  if (stale.textContent !== text) stale.textContent = text;
  if (seated && live.state !== "live") unseat("The link was lost; the wheel is free.");
  seat.disabled = live.state !== "live";
}

for (const [name, words] of FUNCTIONS) {
  const label = document.createElement("label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.dataset.function = name;
  box.addEventListener("change", () => {
    box.dataset.pressedMs = String(performance.now());
    live.send(switchOf(name, box.checked));
  });
  label.append(box, ` ${words}`);
  part("#functions").append(label);
  boxes.set(name, box);
}

const live = new Live(
  new URL("../live", location.href.replace(/^http/, "ws")),
  show,
  () => unseat("Another screen has taken the wheel."),
  () => {
    if (seated) unseat("The link was lost; the wheel is free.");
  },
);
showSeat("You watch.");
live.open();
setInterval(judge, 100);
judge();
