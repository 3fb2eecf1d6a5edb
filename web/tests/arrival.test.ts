import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isOver, reasonOf, turnAhead } from "../kit/arrival";
import type { CockpitFrame, CockpitPilot, CockpitPlan } from "../kit/messages.gen";
import { decode } from "../kit/msgpack";

const DRIVES = decode(
  readFileSync(new URL("./fixtures/frame.msgpack", import.meta.url)),
) as CockpitFrame;
const TURN = { turn: "left" as const, distance_m: 70, words: "Turn left into Station street" };

function frame(plan: Partial<CockpitPlan>, pilot: Partial<CockpitPilot>): CockpitFrame {
  return {
    ...DRIVES,
    stop: null,
    guard: null,
    plan: { ...(DRIVES.plan as CockpitPlan), guidance: TURN, ...plan },
    pilot: { ...(DRIVES.pilot as CockpitPilot), blocker_words: [], ...pilot },
  };
}

const off: Partial<CockpitPilot> = { engagement: "ready", words: "You switched off" };

test("a trip that is over says so and shows no further turn", () => {
  const parked = frame({ arrived: true }, off);
  expect(isOver(parked)).toBe(true);
  expect(reasonOf(parked)).toBe("Pilot off");
  expect(turnAhead(parked)).toBeNull();
  const open = frame(
    { arrived: true },
    { ...off, engagement: "off", blocker_words: ["Door open"] },
  );
  expect(reasonOf(open)).toBe("Door open");
});

test("at the destination the pilot still drives until it is switched off", () => {
  const there = frame({ arrived: true }, { engagement: "engaged" });
  expect(isOver(there)).toBe(false);
  expect(reasonOf(there)).toBe("Arrived");
});

test("on the way the pilot tells why, and whoever switched it off is named", () => {
  const goes = frame({ arrived: false, reason: "Slower car ahead" }, { engagement: "engaged" });
  expect(reasonOf(goes)).toBe("Slower car ahead");
  expect(turnAhead(goes)).toEqual(TURN);
  const left = frame({ arrived: false }, off);
  expect(isOver(left)).toBe(false);
  expect(reasonOf(left)).toBe("You switched off");
});

test("a stop of the car's own comes first", () => {
  const stop = { stands: true, words: "Car stands", reason: "The pilot fell silent" };
  const stopped = { ...frame({ arrived: true }, off), stop: stop as CockpitFrame["stop"] };
  expect(isOver(stopped)).toBe(false);
  expect(reasonOf(stopped)).toBe("The pilot fell silent");
});
