/** The plan on the road: the ribbon that the car will follow, its own lane, and the gap to the lead. */
import type { CockpitFrame, CockpitPlan, CockpitSurface } from "../messages.gen";
import { BACK_M, type Camera, NEAR_M, visibility } from "./camera";
import type { Mover } from "./motion";
import { css, mix, type Palette, type Rgb } from "./palette";
import { lengthOf, type RoadPainter, ribbon, unpack } from "./road";

const WIDTH_M = 1.7;
const EDGE_M = 0.09;
/** A lead nearer than this leaves no room for its distance between it and the own car. */
const LABEL_FROM_M = 10.5;
const BRACKET_M = 0.26;
const LANE_GLOW_M = 0.2;
/** Plans are drawn from here on, so that the ribbon begins in front of the bumper. */
const BUMPER_M = 0.4;

/** Blue while it holds speed, amber to red by braking (comfort braking ends at -3.5 m/s2). */
export function accelColour(palette: Palette, accel_mps2: number): Rgb {
  if (accel_mps2 > -0.6) return palette.assist;
  const share = (-accel_mps2 - 0.6) / 0.5;
  if (share < 1) return mix(palette.assist, palette.brake, share);
  return mix(palette.brake, palette.brakeHard, Math.min(1, Math.max(0, -accel_mps2 - 1.8) / 1.7));
}

export class PathPainter {
  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly camera: Camera,
    private readonly road: RoadPainter,
  ) {}

  /** Borders of the own lane glow while the pilot steers. */
  lane(lane: CockpitSurface, palette: Palette, active: boolean): void {
    const { context } = this;
    const colour = active ? palette.assist : palette.idle;
    context.beginPath();
    for (const packed of [lane.left, lane.right]) {
      const points = unpack(packed);
      const edge = ribbon(points, 0, lengthOf(points), LANE_GLOW_M);
      this.road.shape(edge, lane.origin_x_m, lane.origin_y_m, lane.origin_z_m);
    }
    const full = active ? 0.62 : 0.2;
    context.fillStyle = this.road.hazed((depth, seen) =>
      css(colour, full * seen * Math.max(0, Math.min(1, (125 - depth) / 70))),
    );
    context.fill();
  }

  /** The planned way as one polygon whose gradient follows the planned acceleration. */
  ribbon(
    plan: CockpitPlan,
    frontX: number,
    frontY: number,
    palette: Palette,
    active: boolean,
  ): void {
    const { context } = this;
    const count = plan.x_m.length;
    if (count < 2) return;
    const [ox, oy, oz] = [plan.x_m[0], plan.y_m[0], plan.z_m[0]];
    const points = new Float32Array(3 * count);
    for (let i = 0; i < count; i++) {
      points[3 * i] = plan.x_m[i] - ox;
      points[3 * i + 1] = plan.y_m[i] - oy;
      points[3 * i + 2] = plan.z_m[i] - oz;
    }
    const length = lengthOf(points);
    const from = Math.max(0, Math.hypot(frontX - ox, frontY - oy)) + BUMPER_M;
    if (length - from < 1) return;
    const gradient = this.gradient(plan, palette, active);
    if (!gradient) return;
    context.beginPath();
    if (!this.road.shape(ribbon(points, from, length, WIDTH_M), ox, oy, oz)) return;
    context.fillStyle = gradient;
    context.globalAlpha = active ? 0.6 : 0.25;
    context.fill();
    context.beginPath();
    for (const side of [-1, 1]) {
      this.road.shape(ribbon(points, from, length, EDGE_M, (side * WIDTH_M) / 2), ox, oy, oz);
    }
    context.globalAlpha = active ? 0.95 : 0.35;
    context.fill();
    context.globalAlpha = 1;
  }

  private gradient(plan: CockpitPlan, palette: Palette, active: boolean): CanvasGradient | null {
    const { camera, context } = this;
    const count = plan.x_m.length;
    const depthOf = (i: number) => camera.ahead(plan.x_m[i], plan.y_m[i]) + BACK_M;
    const bottom = camera.height;
    const far = Math.max(depthOf(count - 1), BACK_M + 2);
    const top = camera.groundY(far);
    if (bottom - top < 1) return null;
    const gradient = context.createLinearGradient(0, bottom, 0, top);
    let last = -1;
    for (let i = 0; i < count; i++) {
      const depth = depthOf(i);
      if (depth < NEAR_M) continue;
      const at = Math.min(1, Math.max(0, (bottom - camera.groundY(depth)) / (bottom - top)));
      if (at <= last + 0.004 && i + 1 < count) continue;
      last = at;
      const colour = active ? accelColour(palette, plan.accel_mps2[i]) : palette.idle;
      const fade = visibility(depth) * Math.min(1, (1 - at) * 6 + (at >= 1 ? 0 : 0.06));
      gradient.addColorStop(at, css(colour, fade));
    }
    return last < 0 ? null : gradient;
  }

  /** A bracket on the road behind the lead, and how far it is. */
  lead(frame: CockpitFrame, mover: Mover, palette: Palette): void {
    const { context, camera } = this;
    const { plan } = frame;
    if (!plan || plan.gap_m === null) return;
    const { track } = mover;
    const [cos, sin] = [Math.cos(mover.yaw), Math.sin(mover.yaw)];
    const rear = -track.length_m / 2 - 0.55;
    const wide = track.width_m / 2 + 0.35;
    const half = BRACKET_M / 2;
    context.beginPath();
    for (const [u0, v0, u1, v1] of [
      [rear, wide + half, rear, -wide - half],
      [rear, wide, rear + 1.2, wide],
      [rear, -wide, rear + 1.2, -wide],
    ]) {
      const ends = [
        u0 * cos - v0 * sin,
        u0 * sin + v0 * cos,
        0,
        u1 * cos - v1 * sin,
        u1 * sin + v1 * cos,
        0,
      ];
      const bar = ribbon(Float32Array.from(ends), 0, 99, BRACKET_M);
      this.road.shape(bar, mover.x, mover.y, mover.z);
    }
    const depth = camera.ahead(mover.x, mover.y) + BACK_M;
    context.fillStyle = css(
      accelColour(palette, Math.min(0, frame.car?.accel_mps2 ?? 0)),
      0.95 * visibility(depth) * mover.shown,
    );
    context.fill();
  }

  /** The distance, on a plate beside the bracket; drawn over all bodies. */
  label(whole_m: number, mover: Mover, palette: Palette): void {
    const { context, camera } = this;
    const ahead = camera.ahead(mover.x, mover.y) - mover.track.length_m / 2;
    const depth = ahead + BACK_M;
    if (ahead < LABEL_FROM_M || depth > 190) return;
    const scale = camera.scale(depth);
    const words = `${whole_m} m`;
    context.font = `600 20px ${LABEL_FAMILY}`;
    const width = context.measureText(words).width + 20;
    const x = camera.screenX(camera.left(mover.x, mover.y), scale) - width / 2;
    const y = camera.screenY(camera.up(mover.z, ahead), scale) + 26;
    context.fillStyle = palette.labelPlate;
    context.beginPath();
    context.roundRect(x, y - 17, width, 30, 9);
    context.fill();
    context.fillStyle = palette.label;
    context.textBaseline = "middle";
    context.fillText(words, x + 10, y - 1);
  }
}

const LABEL_FAMILY =
  '"Inter", "Helvetica Neue", "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif';
