/**
 * From keys, buttons on the glass and a gamepad to what hands and feet do. Pure: given its inputs and a
 * span of time, so that every device is tested the same way. What is let go returns to rest by itself.
 */
import type { CockpitHands } from "../messages.gen";

/** What is held down, whatever holds it. */
export type Hold = "throttle" | "brake" | "full-brake" | "left" | "right";

export interface Feet {
  accelerator: number;
  brake: number;
  /** Left positive. */
  wheel: number;
}

export const REST: Feet = { accelerator: 0, brake: 0, wheel: 0 };

/** How far a key goes; a pedal under a foot, and a stick, go all the way. */
const KEY_ACCELERATOR = 0.6;
const KEY_BRAKE = 0.5;
/** Per second: down and back. A foot needs about half a second for the whole way. */
const RATES = { accelerator: [1.2, 4], brake: [2, 5], wheel: [1.6, 3.5] } as const;

function towards(
  value: number,
  goal: number,
  [out, back]: readonly [number, number],
  spanS: number,
) {
  const away = Math.abs(goal) > Math.abs(value) && goal * value >= 0;
  const step = (away ? out : back) * spanS;
  return value + Math.min(Math.max(goal - value, -step), step);
}

/** Keys after a span of time. */
export function pressKeys(feet: Feet, held: ReadonlySet<Hold>, spanS: number): Feet {
  const brake = held.has("full-brake") ? 1 : held.has("brake") ? KEY_BRAKE : 0;
  const accelerator = held.has("throttle") && brake === 0 ? KEY_ACCELERATOR : 0;
  const wheel = (held.has("left") ? 1 : 0) - (held.has("right") ? 1 : 0);
  return {
    accelerator: towards(feet.accelerator, accelerator, RATES.accelerator, spanS),
    // The brake of an emergency is there at once.
    brake: brake === 1 ? 1 : towards(feet.brake, brake, RATES.brake, spanS),
    wheel: towards(feet.wheel, wheel, RATES.wheel, spanS),
  };
}

/** The few numbers of a gamepad that count, as the standard mapping has them. */
export interface Pad {
  axes: readonly number[];
  buttons: readonly { pressed: boolean; value: number }[];
}

const DEAD = 0.08;

function share(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? Math.min(Math.max(value, 0), 1) : 0;
}

/** Stick and triggers; fine around the middle. */
export function readPad(pad: Pad): Feet {
  const raw = pad.axes[0];
  const stick = raw !== undefined && Number.isFinite(raw) ? Math.min(Math.max(raw, -1), 1) : 0;
  const beyond = Math.max(Math.abs(stick) - DEAD, 0) / (1 - DEAD);
  return {
    accelerator: share(pad.buttons[7]?.value),
    brake: share(pad.buttons[6]?.value),
    wheel: beyond === 0 ? 0 : -Math.sign(stick) * beyond ** 1.6,
  };
}

/** Whoever does more wins; the brake always. */
export function join(one: Feet, other: Feet): Feet {
  const wheel = Math.abs(one.wheel) >= Math.abs(other.wheel) ? one.wheel : other.wheel;
  const brake = Math.max(one.brake, other.brake);
  const accelerator = brake > 0 ? 0 : Math.max(one.accelerator, other.accelerator);
  return { accelerator, brake, wheel };
}

export function handsOf(feet: Feet, handsOn: boolean, eyesOn: boolean): CockpitHands {
  return {
    type: "hands",
    accelerator: feet.accelerator,
    brake: feet.brake,
    wheel: feet.wheel,
    hands_on: handsOn,
    eyes_on: eyesOn,
  };
}
