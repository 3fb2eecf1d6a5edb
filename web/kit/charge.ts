import type { CockpitCharge } from "./messages.gen";

/** Hours and minutes of a span, as people say it. */
export function spanWords(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}

/** Charging and preparing in one line; empty when there is nothing to say. */
export function chargeWords(charge: CockpitCharge | null): string {
  if (!charge) return "";
  const parts: string[] = [];
  if (charge.station !== "none") {
    const kind = charge.station.toUpperCase();
    const power = `${(charge.power_w / 1000).toFixed(1)} kW`;
    const limit = `${Math.round(charge.limit_pct)} %`;
    if (charge.why === "") {
      parts.push(`Charging ${kind} ${power}`);
      if (charge.left_s !== null) parts.push(`${limit} in ${spanWords(charge.left_s)}`);
    } else {
      parts.push(`Plugged in ${kind}: ${charge.why}`);
      if (charge.starts_s !== null) parts.push(`begins in ${spanWords(charge.starts_s)}`);
    }
  }
  if (charge.cabin) parts.push("cabin is made ready");
  if (charge.battery) parts.push("battery is warmed");
  const words = parts.join(", ");
  return words && words.charAt(0).toUpperCase() + words.slice(1);
}
