/** The instrument cluster: binds the car's frames to the parts; knows no more than a frame says. */
import "../kit/parts/alert";
import "../kit/parts/battery";
import "../kit/parts/confidence";
import "../kit/parts/functions";
import "../kit/parts/gap";
import "../kit/parts/gear";
import "../kit/parts/guide";
import "../kit/parts/limit";
import "../kit/parts/map";
import "../kit/parts/pilot";
import "../kit/parts/replay";
import "../kit/parts/speedo";
import "../kit/parts/view";
import { alarmOf } from "../kit/alarm";
import { haltOf, isOver, reasonOf, turnAhead } from "../kit/arrival";
import { countWords } from "../kit/codes";
import { distance, kmh, Steady } from "../kit/format";
import { leading, switchedOff } from "../kit/functions";
import { Live, STALE_MS } from "../kit/live";
import type { CockpitControl, CockpitFrame } from "../kit/messages.gen";
import type { AlertBanner } from "../kit/parts/alert";
import type { Battery } from "../kit/parts/battery";
import type { Confidence } from "../kit/parts/confidence";
import type { FunctionsLine } from "../kit/parts/functions";
import type { GapTile } from "../kit/parts/gap";
import type { GearStrip } from "../kit/parts/gear";
import type { GuideTile } from "../kit/parts/guide";
import type { LimitSign } from "../kit/parts/limit";
import type { MapView } from "../kit/parts/map";
import type { PilotTile } from "../kit/parts/pilot";
import type { ReplayBar } from "../kit/parts/replay";
import type { Speedo } from "../kit/parts/speedo";
import type { SceneView } from "../kit/parts/view";

function part<T extends Element>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`the page lacks ${selector}`);
  return found;
}

const main = part<HTMLElement>("main");
const speedo = part<Speedo>("volant-speedo");
const limit = part<LimitSign>("volant-limit");
const gear = part<GearStrip>("volant-gear");
const battery = part<Battery>("volant-battery");
const pilot = part<PilotTile>("volant-pilot");
const alert = part<AlertBanner>("volant-alert");
const gap = part<GapTile>("volant-gap");
const guide = part<GuideTile>("volant-guide");
const map = part<MapView>("volant-map");
const functions = part<FunctionsLine>("volant-functions");
const confidence = part<Confidence>("volant-confidence");
const replay = part<ReplayBar>("volant-replay");
const view = part<SceneView>("volant-view");
const stale = part<HTMLElement>("#stale");

const steady = { speed: new Steady(), gap: new Steady(0.4), charge: new Steady(0.05) };

function show(frame: CockpitFrame, nowMs: number): void {
  view.take(frame, nowMs);
  const { car, plan } = frame;
  speedo.speed = car?.valid ? steady.speed.of(kmh(Math.abs(car.speed_mps))) : null;
  gear.gear = car?.gear ?? null;
  battery.charge = car ? steady.charge.of(car.charge_pct) : null;
  const range = frame.energy?.range_m ?? car?.range_m;
  battery.range = range === undefined ? null : 1000 * Math.round(range / 1000);
  limit.limit = plan?.limit_mps == null ? null : Math.round(kmh(plan.limit_mps));
  limit.assumed = plan?.limit_is_default ?? false;
  limit.free = plan !== null && plan.limit_mps === null;
  gap.gap = plan?.gap_m == null ? null : steady.gap.of(plan.gap_m);
  gap.seconds = plan?.time_gap_s == null ? null : Math.round(plan.time_gap_s * 10) / 10;
  const lead = frame.tracks.find((track) => track.track_id === plan?.lead_id);
  gap.kind = lead?.object_class ?? "unknown";
  confidence.share = plan && !frame.stop ? Math.round(plan.confidence * 20) / 20 : null;
  showPilot(frame);
  const alarm = alarmOf(frame);
  if (alert.alert?.alert_id !== alarm?.alert_id || alert.alert?.level !== alarm?.level) {
    alert.alert = alarm;
  }
  guide.guidance = turnAhead(frame);
  functions.drives = leading(frame.pilot);
  functions.off = switchedOff(frame.pilot);
  functions.codes = frame.codes?.count ? countWords(frame.codes) : "";
  map.take(frame, nowMs);
  const left = plan?.distance_left_m;
  map.words = left == null ? "Map" : `Map, ${distance(left)} to go`;
  replay.take(frame.replay);
  view.words = words(frame);
}

function showPilot(frame: CockpitFrame): void {
  const state = frame.pilot;
  pilot.engagement = state?.engagement ?? null;
  const halt = haltOf(frame);
  pilot.stop = halt?.words ?? "";
  pilot.stands = halt?.stands ?? false;
  pilot.over = isOver(frame);
  pilot.reason = reasonOf(frame);
  const engaged = state?.engagement === "engaged" || state?.engagement === "overridden";
  const drives = engaged && !halt;
  pilot.setSpeed = state && drives ? Math.round(kmh(state.set_speed_mps)) : null;
}

function words(frame: CockpitFrame): string {
  const count = frame.tracks.length;
  const others =
    count === 0 ? "no other road users" : `${count} other road user${count > 1 ? "s" : ""}`;
  return `The road ahead with ${others}`;
}

/** What is old is grey and says so, whoever stopped: the link, the pilot or the car. */
function judge(): void {
  const now = performance.now();
  const late = live.isStale(now);
  const frame = live.frame;
  const pilotOld = !late && frame?.replay == null && (frame?.pilot_age_s ?? 0) * 1000 > STALE_MS;
  const carOld = !late && frame?.replay == null && (frame?.car_age_s ?? 0) * 1000 > STALE_MS;
  main.classList.toggle("old", late);
  main.classList.toggle("old-car", carOld);
  view.stale = late || pilotOld;
  const text = label(late, pilotOld, carOld, now);
  stale.hidden = text === "";
  if (stale.textContent !== text) stale.textContent = text;
}

function label(late: boolean, pilotOld: boolean, carOld: boolean, now: number): string {
  if (live.state === "other-version") return "Reload: the car has a new version";
  if (live.state === "ended") return "The drive has ended";
  if (!live.frame) return "Waiting for the car";
  if (late) return `No live data for ${Math.max(1, Math.floor((now - live.cameMs) / 1000))} s`;
  if (carOld) return "No data from the car";
  return pilotOld ? "No data from the pilot" : "";
}

const live = new Live(new URL("../live", location.href.replace(/^http/, "ws")), show);
live.open();
setInterval(judge, 100);
judge();

view.addEventListener(
  "volant-painted",
  (event) => {
    live.send({ type: "painted", sequence: (event as CustomEvent<number>).detail });
  },
  { once: true },
);
replay.addEventListener("volant-control", (event) => {
  live.send((event as CustomEvent<CockpitControl>).detail);
});
