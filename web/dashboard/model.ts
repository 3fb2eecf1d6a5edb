/** What the dashboard says, of the values it has. Pure: no page, no socket, no clock. */
import { clock, distance, NONE, percent } from "../kit/format";
import * as at from "./signals";

/** Values by path below `Vehicle`, as VISS writes them. */
export type Values = ReadonlyMap<string, string>;

export function number(values: Values, path: string): number | null {
  const text = values.get(path);
  const found = text === undefined ? Number.NaN : Number(text);
  return Number.isFinite(found) ? found : null;
}

export function flag(values: Values, path: string): boolean {
  return values.get(path) === "true";
}

/** "21.5 °C". */
export function degrees(value: number | null): string {
  return value === null ? NONE : `${value.toFixed(1)} °C`;
}

/** Below this way a consumption says nothing. */
const LEAST_WAY_M = 500;

/** "17.2 kWh/100 km" over the trip: what came back is taken off. */
export function consumption(values: Values): string {
  const way_m = number(values, at.TRIP);
  const [used_kwh, back_kwh] = [number(values, at.CONSUMED), number(values, at.RECOVERED)];
  if (way_m === null || used_kwh === null || back_kwh === null || way_m < LEAST_WAY_M) return NONE;
  return `${(((used_kwh - back_kwh) / way_m) * 1e5).toFixed(1)} kWh/100 km`;
}

/** "1:07 h" or "7:05 min". */
export function span(seconds: number | null): string {
  if (seconds === null) return NONE;
  if (seconds < 3600) return `${clock(seconds)} min`;
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")} h`;
}

export function chargeWords(values: Values): string {
  if (flag(values, at.IS_CHARGING)) {
    const rest_s = number(values, at.COMPLETE);
    return rest_s ? `Charging, ${span(rest_s)} to go` : "Charging";
  }
  if (flag(values, at.CABLE)) return "Plugged in, not charging";
  const power_kw = (number(values, at.POWER) ?? 0) / 1000;
  if (power_kw > 0.1) return `Gains ${power_kw.toFixed(1)} kW`;
  return power_kw < -0.1 ? `Uses ${(-power_kw).toFixed(1)} kW` : "At rest";
}

export function windowWords(position: number | null): string {
  if (position === null) return NONE;
  if (position <= 0) return "Closed";
  return position >= 100 ? "Open" : `${Math.round(position)} % open`;
}

/** Title and lines of the card on the driver's page: what is known. */
export function card(values: Values): readonly [string, readonly string[]] {
  const charge = number(values, at.CHARGE);
  const lines = [
    [consumption(values), span(number(values, at.TIME))],
    [charge === null ? NONE : `${percent(charge)} charge`, distance(number(values, at.RANGE))],
  ];
  return [
    `Trip ${distance(number(values, at.TRIP))}`,
    lines.map((words) => words.filter((one) => one !== NONE).join(", ")).filter(Boolean),
  ];
}
