/** Marks beside the own car: somebody in the blind spot, a line that is about to be crossed. */
import type { CockpitFrame } from "../messages.gen";
import { css, type Palette } from "./palette";
import { type RoadPainter, ribbon } from "./road";

/** The blind spot as the pilot looks at it: beside and behind, a lane wide. */
const BLIND_M = { from: -5.5, to: 2, near: 0.35, far: 2.1 };
const LINE_M = { from: -2, to: 14, width: 0.3, aside: 0.35 };

export interface Ground {
  x: number;
  y: number;
  z: number;
  yaw: number;
}

export class WarningPainter {
  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly road: RoadPainter,
  ) {}

  draw(frame: CockpitFrame, ego: Ground, palette: Palette): void {
    const { pilot, car } = frame;
    if (!pilot || !frame.ego) return;
    const half = frame.ego.width_m / 2;
    for (const side of ["left", "right"] as const) {
      const sign = side === "left" ? 1 : -1;
      const there = side === "left" ? pilot.blind_spot_left : pilot.blind_spot_right;
      if (there) {
        const meant = car?.indicator === side;
        this.area(ego, sign, half, css(meant ? palette.brakeHard : palette.brake, 0.5));
      }
      if (pilot.departure === side) this.line(ego, sign, half, css(palette.brakeHard, 0.95));
    }
  }

  private area(ego: Ground, sign: number, half: number, colour: string): void {
    const { from, to, near, far } = BLIND_M;
    const [inner, outer] = [sign * (half + near), sign * (half + far)];
    // Wider towards the rear, as what a mirror does not show.
    this.fill(ego, colour, [to, inner, from, inner, from, outer, to - 3, outer]);
  }

  private line(ego: Ground, sign: number, half: number, colour: string): void {
    const { from, to, width, aside } = LINE_M;
    const y = sign * (half + aside);
    const points = ribbon(Float32Array.from([from, y, 0, to, y, 0]), 0, to - from, width);
    const flat: number[] = [];
    for (let i = 0; i < points.length; i += 3) flat.push(points[i], points[i + 1]);
    this.fill(ego, colour, flat);
  }

  /** A polygon of the car's own frame on the ground. */
  private fill(ego: Ground, colour: string, flat: readonly number[]): void {
    const [cos, sin] = [Math.cos(ego.yaw), Math.sin(ego.yaw)];
    const points = new Float32Array((flat.length / 2) * 3);
    for (let i = 0; i < flat.length; i += 2) {
      const k = (i / 2) * 3;
      points[k] = cos * flat[i] - sin * flat[i + 1];
      points[k + 1] = sin * flat[i] + cos * flat[i + 1];
    }
    this.context.beginPath();
    if (!this.road.shape(points, ego.x, ego.y, ego.z)) return;
    this.context.fillStyle = colour;
    this.context.fill();
  }
}
