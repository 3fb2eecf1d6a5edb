import type { CockpitFrame, CockpitStop, Guidance } from "./messages.gen";
import { lockOf } from "./updates";

/** Why nobody drives off or on: a stop by the car itself, else an update that holds it. */
export function haltOf({ stop, update }: CockpitFrame): CockpitStop | null {
  return stop ?? lockOf(update);
}

/** The trip is over and nobody drives: the pilot has been switched off with it, not by a person. */
export function isOver(frame: CockpitFrame): boolean {
  const { plan, pilot } = frame;
  const byHand = pilot?.engagement === "off" || pilot?.engagement === "ready";
  return byHand && !haltOf(frame) && (plan?.arrived ?? false);
}

/** The next turn; at the destination the road behind it is nobody's way. */
export function turnAhead({ plan }: CockpitFrame): Guidance | null {
  return plan && !plan.arrived ? plan.guidance : null;
}

/** Why the car does what it does, or why the pilot does not drive. */
export function reasonOf(frame: CockpitFrame): string {
  const { pilot, plan, guard } = frame;
  const halt = haltOf(frame);
  if (halt) return halt.reason;
  if (!pilot) return "";
  if (isOver(frame)) return pilot.blocker_words[0] ?? "Pilot off";
  if (plan?.arrived) return "Arrived";
  if (pilot.engagement === "engaged") {
    if (guard?.limited) return "Guard limits the command";
    return plan?.reason || pilot.words;
  }
  return pilot.blocker_words[0] ?? pilot.words;
}
