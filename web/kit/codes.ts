/** Trouble codes in words that a driver reads; what a workshop needs stands behind them. */
import { clock, percent } from "./format";
import type { CockpitCodes, CodeFrame, CodeStatus, TroubleCode } from "./messages.gen";

export const STATUS: Record<CodeStatus, string> = {
  active: "Active now",
  pending: "Pending",
  stored: "Stored",
};

/** For the status line; empty where nobody looks for codes. */
export function countWords(codes: CockpitCodes | null): string {
  if (!codes) return "";
  if (codes.count === 0) return "No trouble codes";
  return codes.count === 1 ? "1 trouble code" : `${codes.count} trouble codes`;
}

/** "in this drive at 0:42", "3 drives ago at 1:07". */
export function moment(frame: CodeFrame): string {
  const ago =
    frame.drives_ago === 0
      ? "in this drive"
      : frame.drives_ago === 1
        ? "in the drive before"
        : `${frame.drives_ago} drives ago`;
  return `${ago} at ${clock(frame.stamp_ns / 1e9)}`;
}

/** Since when it is there. */
export function since(code: TroubleCode): string {
  if (!code.first) return "";
  const times = code.occurrences >= 255 ? "255 times or more" : `${code.occurrences} times`;
  return `First ${moment(code.first)}${code.occurrences > 1 ? `, ${times} in all` : ""}`;
}

/** What was measured when it failed last; what was not measured is left out. */
export function frameRows(frame: CodeFrame | null): [string, string][] {
  if (!frame) return [];
  const rows: [string, string][] = [["Failed last", moment(frame)]];
  if (frame.speed_mps !== null) rows.push(["Speed", `${Math.round(3.6 * frame.speed_mps)} km/h`]);
  if (frame.charge_pct !== null) rows.push(["Charge", percent(frame.charge_pct)]);
  if (frame.supply_v !== null) rows.push(["12 V supply", `${frame.supply_v.toFixed(1)} V`]);
  if (frame.odometer_m !== null) {
    rows.push(["Odometer", `${(frame.odometer_m / 1000).toFixed(1)} km`]);
  }
  return rows;
}

/** Why the codes cannot be cleared now; empty: they can. */
export function whyNot(codes: CockpitCodes | null, seated: boolean): string {
  if (!codes || codes.count === 0) return "";
  if (codes.refused) return `Not cleared: ${codes.refused}`;
  if (!codes.may_clear) return "Cleared only when the car stands in park.";
  return seated ? "" : "Take the wheel to clear them.";
}
