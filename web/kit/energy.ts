/** What is expected of the charge, in words that a driver reads at a glance. */
import type { CockpitEnergy } from "./messages.gen";

/** Whole kilometres. */
export function rangeWords(energy: CockpitEnergy): string {
  return `${Math.round(energy.range_m / 1000)} km`;
}

/** Charge at arrival with its band; a dash without a route. */
export function arrivalWords(energy: CockpitEnergy): string {
  if (energy.arrival_pct === null) return "–";
  if (energy.arrival_pct < 0) return `${Math.ceil(-energy.arrival_pct)} % short`;
  const pct = Math.round(energy.arrival_pct);
  const low = Math.max(Math.round(energy.arrival_low_pct ?? pct), 0);
  const high = Math.min(Math.round(energy.arrival_high_pct ?? pct), 100);
  return low === high ? `${pct} %` : `${pct} % (${low} to ${high})`;
}
