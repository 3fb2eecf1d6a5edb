/**
 * Calm motion between frames: a steady clock on the car's time, and things that move on by their own
 * speed and are drawn gently to where the newest frame has them. Nothing is delayed and nothing jumps.
 */
import type { CockpitEgo, CockpitFrame, CockpitTrack } from "../messages.gen";

/** Guesses reach no further than this past the newest frame; then the picture stands and goes stale. */
const AHEAD_MAX_S = 0.2;
const JUMP_S = 0.4;
const JUMP_M = 4;
const PULL_S = 0.11;
const TURN_S = 0.16;
const FADE_S = 0.3;

/** Of the error at each frame, taken at once, and turned into pace (1/s2): settles within a second. */
const PHASE = 0.22;
const RATE = 9;

/** The car's time, made even: frames arrive with a few milliseconds of chance. */
export class SteadyClock {
  private source_s = 0;
  private local_s = Number.NaN;
  private newest_s = 0;
  private rate = 1;

  take(source_s: number, local_s: number): void {
    const error = source_s - this.raw(local_s);
    if (source_s === this.newest_s && Math.abs(error) < JUMP_S) {
      // The car's time stands, as in a journal that is paused: so does the picture.
      this.source_s = this.raw(local_s) + 0.25 * error;
      this.rate = 0;
    } else if (!(Math.abs(error) < JUMP_S)) {
      this.source_s = source_s;
      this.rate = 1;
    } else {
      const span_s = Math.min(0.1, local_s - this.local_s);
      this.source_s = this.raw(local_s) + PHASE * error;
      this.rate = Math.max(0, Math.min(16, this.rate + RATE * span_s * error));
    }
    this.local_s = local_s;
    this.newest_s = source_s;
  }

  at(local_s: number): number {
    return Math.min(this.raw(local_s), this.newest_s + AHEAD_MAX_S);
  }

  private raw(local_s: number): number {
    return this.source_s + this.rate * (local_s - this.local_s);
  }
}

export interface Pose {
  x: number;
  y: number;
  z: number;
  yaw: number;
}

export interface Mover extends Pose {
  track: CockpitTrack;
  /** 0 to 1: comes and goes softly. */
  shown: number;
  gone: boolean;
}

function wrap(angle: number): number {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
}

/** A pose moved on along its own arc. */
function along(pose: Pose, speed: number, yawRate: number, span_s: number): void {
  const turn = yawRate * span_s;
  const heading = pose.yaw + 0.5 * turn;
  pose.x += speed * span_s * Math.cos(heading);
  pose.y += speed * span_s * Math.sin(heading);
  pose.yaw += turn;
}

function pull(pose: Pose, wanted: Pose, span_s: number): void {
  const far = Math.hypot(wanted.x - pose.x, wanted.y - pose.y) > JUMP_M;
  const share = far ? 1 : 1 - Math.exp(-span_s / PULL_S);
  const turn = far ? 1 : 1 - Math.exp(-span_s / TURN_S);
  pose.x += share * (wanted.x - pose.x);
  pose.y += share * (wanted.y - pose.y);
  pose.z += share * (wanted.z - pose.z);
  pose.yaw += turn * wrap(wanted.yaw - pose.yaw);
}

export class Motion {
  readonly ego: Pose & { grade: number } = { x: 0, y: 0, z: 0, yaw: 0, grade: 0 };
  readonly movers = new Map<number, Mover>();
  /** The car's time that the picture shows. */
  now_s = 0;
  private readonly clock = new SteadyClock();
  private readonly wanted: Pose = { x: 0, y: 0, z: 0, yaw: 0 };
  private frame: CockpitFrame | null = null;
  private placed = false;

  take(frame: CockpitFrame, local_s: number): void {
    this.frame = frame;
    this.clock.take(frame.stamp_ns / 1e9, local_s);
  }

  /** Move everything on to this local time. */
  step(local_s: number): void {
    const frame = this.frame;
    if (!frame) return;
    const now_s = this.clock.at(local_s);
    const span_s = now_s - this.now_s;
    const jumped = span_s < 0 || span_s > JUMP_S;
    this.now_s = now_s;
    if (frame.ego) this.stepEgo(frame.ego, jumped ? 0 : span_s, jumped);
    this.stepTracks(frame, jumped ? 0 : span_s, jumped);
  }

  private stepEgo(ego: CockpitEgo, span_s: number, jumped: boolean): void {
    const pose = this.ego;
    const wanted = this.wanted;
    copy(wanted, ego);
    const ahead = Math.min(Math.max(this.now_s - ego.stamp_ns / 1e9, -0.1), AHEAD_MAX_S);
    along(wanted, ego.speed_mps, ego.yaw_rate_rps, ahead);
    wanted.z += ego.grade * ego.speed_mps * ahead;
    if (jumped || !this.placed) {
      Object.assign(pose, wanted);
      pose.grade = ego.grade;
      this.placed = true;
      return;
    }
    along(pose, ego.speed_mps, ego.yaw_rate_rps, span_s);
    pose.z += ego.grade * ego.speed_mps * span_s;
    pull(pose, wanted, span_s);
    pose.grade += (1 - Math.exp(-span_s / 0.4)) * (ego.grade - pose.grade);
  }

  private stepTracks(frame: CockpitFrame, span_s: number, jumped: boolean): void {
    const ahead = Math.min(Math.max(this.now_s - frame.tracks_stamp_ns / 1e9, -0.1), AHEAD_MAX_S);
    for (const mover of this.movers.values()) mover.gone = true;
    for (const track of frame.tracks) {
      const wanted = this.wanted;
      copy(wanted, track);
      along(
        wanted,
        Math.max(track.speed_mps + 0.5 * track.accel_mps2 * ahead, Math.min(track.speed_mps, 0)),
        track.yaw_rate_rps,
        ahead,
      );
      const mover = this.movers.get(track.track_id);
      if (!mover) {
        this.movers.set(track.track_id, { ...wanted, track, shown: jumped ? 1 : 0, gone: false });
        continue;
      }
      mover.gone = false;
      mover.track = track;
      if (jumped) {
        Object.assign(mover, wanted);
        mover.shown = 1;
      } else {
        along(mover, track.speed_mps, track.yaw_rate_rps, span_s);
        pull(mover, wanted, span_s);
      }
    }
    this.fade(span_s, jumped);
  }

  private fade(span_s: number, jumped: boolean): void {
    for (const [id, mover] of this.movers) {
      if (mover.gone) {
        along(mover, mover.track.speed_mps, mover.track.yaw_rate_rps, span_s);
        mover.shown -= span_s / FADE_S;
        if (jumped || mover.shown <= 0) this.movers.delete(id);
      } else if (mover.shown < 1) {
        mover.shown = Math.min(1, mover.shown + span_s / FADE_S);
      }
    }
  }
}

function copy(pose: Pose, from: { x_m: number; y_m: number; z_m: number; yaw_rad: number }): void {
  pose.x = from.x_m;
  pose.y = from.y_m;
  pose.z = from.z_m;
  pose.yaw = from.yaw_rad;
}
