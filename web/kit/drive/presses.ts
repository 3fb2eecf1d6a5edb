/** Buttons of the driver: what each asks for, and which key or gamepad button it is. */
import type {
  Function as CarFunction,
  CockpitFrame,
  CockpitPress,
  CockpitWish,
  Indicator,
} from "../messages.gen";
import type { PressedWish } from "../updates";
import type { Hold, Pad } from "./hands";

export type Press =
  | "engage"
  | "cancel"
  | "faster"
  | "slower"
  | "limit"
  | "gap"
  | "left"
  | "right"
  | "hazard";

/** As volant.pilot.functions has them. */
export const GAPS_S = [1.0, 1.4, 1.8, 2.2] as const;
const STEP_KMH = 5;
const MOST_KMH = 145;

export const HOLD_KEYS: Readonly<Record<string, Hold>> = {
  ArrowUp: "throttle",
  KeyW: "throttle",
  ArrowDown: "brake",
  KeyS: "brake",
  Space: "full-brake",
  ArrowLeft: "left",
  KeyA: "left",
  ArrowRight: "right",
  KeyD: "right",
};

export const PRESS_KEYS: Readonly<Record<string, Press>> = {
  KeyP: "engage",
  KeyX: "cancel",
  Escape: "cancel",
  Equal: "faster",
  NumpadAdd: "faster",
  BracketRight: "faster",
  Minus: "slower",
  NumpadSubtract: "slower",
  Slash: "slower",
  KeyL: "limit",
  KeyG: "gap",
  KeyQ: "left",
  KeyE: "right",
  KeyH: "hazard",
};

const PAD_PRESSES: readonly (readonly [number, Press])[] = [
  [0, "engage"],
  [1, "cancel"],
  [2, "gap"],
  [3, "hazard"],
  [4, "left"],
  [5, "right"],
  [12, "faster"],
  [13, "slower"],
  [14, "limit"],
];

/** Which presses began between two looks at the gamepad. */
export function padPresses(before: ReadonlySet<number>, pad: Pad): [Press[], Set<number>] {
  const down = new Set(
    PAD_PRESSES.filter(([i]) => pad.buttons[i]?.pressed === true).map(([i]) => i),
  );
  const fresh = PAD_PRESSES.filter(([i]) => down.has(i) && !before.has(i)).map(
    ([, press]) => press,
  );
  return [fresh, down];
}

/** The next speed of the row, in km/h. */
export function nextSpeed(kmh: number, step: 1 | -1): number {
  const next =
    step > 0
      ? Math.floor(kmh / STEP_KMH + 0.05) * STEP_KMH + STEP_KMH
      : Math.ceil(kmh / STEP_KMH - 0.05) * STEP_KMH - STEP_KMH;
  return Math.min(Math.max(next, 0), MOST_KMH);
}

export function nextGap(seconds: number): number {
  return GAPS_S.find((gap) => gap > seconds + 0.05) ?? GAPS_S[0];
}

/** What the driver has set, as far as it is known here. */
export interface Wishes {
  setKmh: number;
  gapS: number;
  indicator: Indicator;
}

export function wishesOf(frame: CockpitFrame | null): Wishes {
  return {
    setKmh: (frame?.pilot?.set_speed_mps ?? 0) * 3.6,
    gapS: frame?.pilot?.time_gap_setting_s ?? GAPS_S[1],
    indicator: frame?.car?.indicator ?? "off",
  };
}

const plain = { value: null, indicator: null, function: null };

/** The message of a press. */
export function pressOf(press: Press, wishes: Wishes): CockpitPress {
  switch (press) {
    case "engage":
    case "cancel":
      return { type: "press", ...plain, kind: press };
    case "faster":
    case "slower": {
      const kmh = nextSpeed(wishes.setKmh, press === "faster" ? 1 : -1);
      return { type: "press", ...plain, kind: "set_speed", value: kmh / 3.6 };
    }
    case "limit":
      return { type: "press", ...plain, kind: "set_speed" };
    case "gap":
      return { type: "press", ...plain, kind: "set_time_gap", value: nextGap(wishes.gapS) };
    case "left":
    case "right":
    case "hazard":
      return {
        type: "press",
        ...plain,
        kind: "indicate",
        indicator: wishes.indicator === press ? "off" : press,
      };
  }
}

export function clearCodes(): CockpitPress {
  return { type: "press", ...plain, kind: "clear_codes" };
}

export function switchOf(name: CarFunction, on: boolean): CockpitPress {
  return { type: "press", ...plain, kind: "switch", function: name, value: on ? 1 : 0 };
}

export function wishOf({ wish, offer }: PressedWish): CockpitWish {
  return { type: "wish", wish, offer };
}
