/** Emergency braking as an alert: it speaks over everything else. */
import type { Alert, BrakeStage, CockpitFrame, Engagement } from "./messages.gen";

const WORDS: Partial<Record<BrakeStage, readonly [string, string]>> = {
  warning: ["Brake!", "Danger ahead"],
  partial: ["Emergency braking", "Brake"],
  full: ["Emergency braking", "Hold on"],
  hold: ["Held after emergency stop", "Accelerate to drive on"],
};
const DRIVERS: readonly Engagement[] = ["off", "ready"];

/** The alert on show: that of emergency braking, else the car's own. */
export function alarmOf(frame: CockpitFrame): Alert | null {
  const { aeb } = frame;
  const words = aeb ? WORDS[aeb.stage] : undefined;
  if (!aeb || !words) return frame.alert;
  // A pilot that brakes by itself needs no call to its driver at the first stage.
  const byHand = frame.pilot === null || DRIVERS.includes(frame.pilot.engagement);
  const level = aeb.stage === "hold" ? 2 : aeb.stage === "warning" && !byHand ? 3 : 4;
  return {
    stamp_ns: frame.stamp_ns,
    alert_id: `aeb_${aeb.stage}`,
    level,
    words: words[0],
    cause: aeb.words,
    action: aeb.stage === "hold" ? words[1] : aeb.words || words[1],
    until_ns: frame.stamp_ns,
  };
}
