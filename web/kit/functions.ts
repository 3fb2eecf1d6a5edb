/** Names of the pilot's functions for people, in the order of the pilot's own table. */
import type { Function as CarFunction, CockpitPilot } from "./messages.gen";

export const FUNCTIONS: readonly (readonly [CarFunction, string])[] = [
  ["acc", "Cruise"],
  ["lcc", "Lane centring"],
  ["tja", "Jam assist"],
  ["curve_speed", "Curve speed"],
  ["limit_speed", "Speed limits"],
  ["lane_change", "Lane change"],
  ["navigation", "Navigation"],
  ["town", "Town"],
  ["ldw", "Lane warning"],
  ["lka", "Lane keeping"],
  ["bsd", "Blind spot"],
  ["fcw", "Crash warning"],
  ["aeb", "Emergency brake"],
];
const NAMES = new Map<string, string>(FUNCTIONS);
const LEADING = ["navigation", "town", "tja", "lcc", "acc"];

/** The most capable function that acts, or none while the driver drives. */
export function leading(pilot: CockpitPilot | null): string {
  if (!pilot || pilot.engagement === "off" || pilot.engagement === "ready") return "";
  const name = LEADING.find((one) => pilot.functions.includes(one));
  return name ? (NAMES.get(name) ?? name) : "";
}

/** "Off: Lane keeping +2"; emergency braking is named first. */
export function switchedOff(pilot: CockpitPilot | null): string {
  const off = [...(pilot?.switched_off ?? [])].reverse().map((one) => NAMES.get(one) ?? one);
  if (off.length === 0) return "";
  return `Off: ${off[0]}${off.length > 1 ? ` +${off.length - 1}` : ""}`;
}
