import { describe, expect, it } from "vitest";
import type { CockpitFrame, CockpitTrack } from "../kit/messages.gen";
import { Motion, SteadyClock } from "../kit/scene/motion";

const SPEED = 30;
const FRAME_S = 1 / 30;

function track(x_m: number, over: Partial<CockpitTrack> = {}): CockpitTrack {
  return {
    track_id: 1,
    object_class: "car",
    x_m,
    y_m: 0,
    z_m: 0,
    yaw_rad: 0,
    speed_mps: SPEED,
    accel_mps2: 0,
    yaw_rate_rps: 0,
    length_m: 4.5,
    width_m: 1.8,
    height_m: 1.5,
    confidence: 1,
    brake_lights: false,
    indicator: "off",
    ghost: false,
    ...over,
  };
}

function frame(time_s: number, tracks: CockpitTrack[], tracks_s = time_s): CockpitFrame {
  return {
    stamp_ns: time_s * 1e9,
    tracks_stamp_ns: tracks_s * 1e9,
    tracks,
    ego: {
      stamp_ns: time_s * 1e9,
      x_m: SPEED * time_s,
      y_m: 0,
      z_m: 0,
      yaw_rad: 0,
      grade: 0,
      yaw_rate_rps: 0,
      speed_mps: SPEED,
      length_m: 4.5,
      width_m: 1.8,
      rear_overhang_m: 0.9,
      valid: true,
    },
  } as unknown as CockpitFrame;
}

/** Frames that arrive with up to 12 ms of chance, pictures at 60 Hz; calls `see` at each picture. */
function play(span_s: number, see: (motion: Motion, local_s: number) => void): void {
  const motion = new Motion();
  let next = 0;
  for (let local_s = 0; local_s < span_s; local_s += 1 / 60) {
    const late_s = 0.012 * Math.abs(Math.sin(next * 12.9898));
    while (next * FRAME_S + late_s <= local_s) {
      const time_s = next * FRAME_S;
      // The pilot ticks at 20 Hz: its newest parts are older than the frame by up to 50 ms.
      const pilot_s = Math.floor(time_s * 20 + 1e-9) / 20;
      motion.take(frame(time_s, [track(40 + SPEED * pilot_s)], pilot_s), local_s);
      next++;
    }
    motion.step(local_s);
    see(motion, local_s);
  }
}

describe("motion", () => {
  it("keeps a car at constant distance still in the picture", () => {
    const gaps: number[] = [];
    play(4, (motion, local_s) => {
      const mover = motion.movers.get(1);
      if (mover && local_s > 1) gaps.push(mover.x - motion.ego.x);
    });
    const spread = Math.max(...gaps) - Math.min(...gaps);
    expect(spread).toBeLessThan(0.05);
    expect(gaps[0]).toBeCloseTo(40, 0);
  });

  it("moves evenly over the road although frames come unevenly", () => {
    const steps: number[] = [];
    let last = Number.NaN;
    play(4, (motion, local_s) => {
      if (local_s > 1.5) steps.push(motion.ego.x - last);
      last = motion.ego.x;
    });
    const even = SPEED / 60;
    for (const step of steps) expect(Math.abs(step - even)).toBeLessThan(0.25 * even);
  });

  it("shows no later than now: the picture is not delayed by a frame", () => {
    let behind = 0;
    play(3, (motion, local_s) => {
      if (local_s > 2) behind = Math.max(behind, SPEED * local_s - motion.ego.x);
    });
    expect(behind / SPEED).toBeLessThan(0.02);
  });

  it("stands when frames stop, after a short guess", () => {
    const motion = new Motion();
    motion.take(frame(1, [track(40)]), 1);
    motion.step(1);
    motion.step(1.3);
    const stood = motion.ego.x;
    motion.step(9);
    expect(motion.ego.x).toBe(stood);
    expect(stood - SPEED).toBeLessThanOrEqual(SPEED * 0.2 + 1e-9);
  });

  it("a jump of the time places everything at once", () => {
    const motion = new Motion();
    motion.take(frame(1, [track(40)]), 1);
    motion.step(1);
    motion.take(frame(60, [track(4000)]), 1.03);
    motion.step(1.03);
    expect(motion.ego.x).toBeCloseTo(SPEED * 60, 0);
    expect(motion.movers.get(1)?.x).toBeCloseTo(4000, 0);
  });

  it("what comes fades in and what goes fades out", () => {
    const motion = new Motion();
    motion.take(frame(1, []), 1);
    motion.step(1);
    motion.take(frame(1.03, [track(40)]), 1.03);
    motion.step(1.03);
    expect(motion.movers.get(1)?.shown).toBeLessThan(0.2);
    motion.take(frame(1.2, [track(45)]), 1.2);
    motion.step(1.2);
    expect(motion.movers.get(1)?.shown).toBeGreaterThan(0.4);
    motion.take(frame(1.23, []), 1.23);
    motion.step(1.23);
    expect(motion.movers.has(1)).toBe(true);
    for (let t = 1.25; t < 2; t += 0.03) {
      motion.take(frame(t, []), t);
      motion.step(t);
    }
    expect(motion.movers.has(1)).toBe(false);
  });

  it("turns the short way round", () => {
    const motion = new Motion();
    motion.take(frame(1, [track(40, { yaw_rad: 3.1, speed_mps: 0 })]), 1);
    motion.step(1);
    motion.take(frame(1.03, [track(40, { yaw_rad: -3.1, speed_mps: 0 })]), 1.03);
    motion.step(1.03);
    expect(Math.abs(motion.movers.get(1)?.yaw ?? 0)).toBeGreaterThan(3.09);
  });
});

describe("the steady clock", () => {
  it("learns the pace of a drive that runs twice as fast", () => {
    const clock = new SteadyClock();
    for (let i = 0; i < 300; i++) clock.take((2 * i) / 30, i / 30);
    const [a, b] = [clock.at(10), clock.at(10 + 1 / 60)];
    expect((b - a) * 60).toBeCloseTo(2, 1);
  });

  it("stands while a journal is paused", () => {
    const clock = new SteadyClock();
    for (let i = 0; i < 60; i++) clock.take(i / 30, i / 30);
    for (let i = 60; i < 200; i++) clock.take(59 / 30, i / 30);
    expect(clock.at(200 / 30) - 59 / 30).toBeLessThan(0.02);
  });
});
