/** SI in, what people read out; the only place where screens change units. */

export const NONE = "–";

/** A number on a display that does not flicker between two values: it moves only when clearly past half. */
export class Steady {
  private shown = Number.NaN;

  constructor(private readonly slack = 0.15) {}

  of(value: number): number {
    if (!(Math.abs(value - this.shown) <= 0.5 + this.slack)) this.shown = Math.round(value);
    return this.shown;
  }
}

export function kmh(speed_mps: number): number {
  return speed_mps * 3.6;
}

/** "38 m", "1.2 km", "374 km". */
export function distance(metres: number | null): string {
  if (metres === null || !Number.isFinite(metres)) return NONE;
  if (metres < 995) return `${Math.round(metres)} m`;
  const km = metres / 1000;
  return km < 9.95 ? `${km.toFixed(1)} km` : `${Math.round(km)} km`;
}

export function percent(value: number): string {
  return `${Math.round(value)} %`;
}

/** "3:07". */
export function clock(span_s: number): string {
  const whole = Math.max(0, Math.floor(span_s));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** At most `most` characters, for lines that are read at a glance (hmi notes 9.1). */
export function brief(words: string, most = 30): string {
  return words.length <= most ? words : `${words.slice(0, most - 1).trimEnd()}…`;
}
