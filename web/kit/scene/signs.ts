/** What stands beside and lies across the road by its rules: lights, lines to stop at, crossings. */
import type {
  CockpitBar,
  CockpitLight,
  CockpitPost,
  CockpitRoad,
  CockpitZebra,
  LightState,
} from "../messages.gen";
import { BACK_M, type Camera, NEAR_M, visibility } from "./camera";
import { css, type Palette, type Rgb } from "./palette";
import { dashes, type RoadPainter, ribbon } from "./road";

const BAR_M = 0.5;
const STRIPE_M = 0.5;
const BORDER_M = 0.12;
const POST_M = 0.12;
/** The head hangs on its post, above what a person reaches. */
const HEAD_M = { width: 0.42, height: 1.15, foot: 2.2 };
const POSTS_TO_M = 140;
/** A lamp is at least this large on the screen, or nobody reads its colour. */
const LAMP_PX = 2.6;
/** The camera places a light this well; the car has put it on its post where it is near one. */
const SAME_M = 4;

const RED: Rgb = [255, 59, 48];
const AMBER: Rgb = [255, 176, 32];
const GREEN: Rgb = [46, 214, 110];
const DARK: Rgb = [44, 48, 54];
const CASE: Rgb = [18, 20, 24];

/** The three lamps of a state from the top down; null while it is not known. */
export function lampsOf(state: LightState): readonly (Rgb | null)[] {
  return [
    state === "red" || state === "red_amber" ? RED : null,
    state === "amber" || state === "red_amber" ? AMBER : null,
    state === "green" ? GREEN : null,
  ];
}

type Quad = readonly [number, number][];

/** Stripes of a crossing, each as long as the crossing is deep, side by side over its width. */
export function stripes(zebra: CockpitZebra): Float32Array[] {
  const corners: Quad = zebra.x_m.map((x, i) => [x, zebra.y_m[i]]);
  if (corners.length !== 4) return [];
  const span = (i: number) => {
    const [a, b] = [corners[i], corners[(i + 1) % 4]];
    return Math.hypot(b[0] - a[0], b[1] - a[1]);
  };
  // People walk along the longer side; stripes lie across their way.
  const first = span(0) >= span(1) ? 0 : 1;
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => corners[(first + i) % 4]);
  const way = span(first);
  const [ox, oy] = [corners[0][0], corners[0][1]];
  const at = (p: readonly number[], q: readonly number[], t: number) => [
    p[0] + t * (q[0] - p[0]) - ox,
    p[1] + t * (q[1] - p[1]) - oy,
    0,
  ];
  if (zebra.signalled) {
    // Two broken lines, as where a light says who goes.
    return [
      [a, b],
      [d, c],
    ].flatMap(([p, q]) => {
      const line = Float32Array.from([...at(p, q, 0), ...at(p, q, 1)]);
      return dashes(way, STRIPE_M, 0.25, 0).map(([from, to]) => ribbon(line, from, to, BORDER_M));
    });
  }
  return dashes(way, STRIPE_M, STRIPE_M, 0.25).map(([from, to]) =>
    Float32Array.from([
      ...at(a, b, from / way),
      ...at(a, b, to / way),
      ...at(d, c, to / way),
      ...at(d, c, from / way),
    ]),
  );
}

/** The line across a lane, whole or broken, relative to its first end. */
export function barOf(bar: CockpitBar): Float32Array[] {
  const [dx, dy] = [bar.to_x_m - bar.from_x_m, bar.to_y_m - bar.from_y_m];
  const line = Float32Array.from([0, 0, 0, dx, dy, 0]);
  const runs = dashes(Math.hypot(dx, dy), bar.solid ? 0 : 0.5, 0.25, 0);
  return runs.map(([from, to]) => ribbon(line, from, to, BAR_M));
}

export class SignPainter {
  private map: CockpitRoad | null = null;
  private shapes: { x: number; y: number; z: number; polygons: Float32Array[] }[] = [];

  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly camera: Camera,
    private readonly road: RoadPainter,
  ) {}

  /** Crossings and lines on the ground; unpacked once a window of the map. */
  flat(map: CockpitRoad, palette: Palette): void {
    if (map !== this.map) {
      this.map = map;
      this.shapes = [
        ...map.zebras.map((zebra) => ({
          x: zebra.x_m[0],
          y: zebra.y_m[0],
          z: zebra.z_m,
          polygons: stripes(zebra),
        })),
        ...map.bars.map((bar) => ({
          x: bar.from_x_m,
          y: bar.from_y_m,
          z: bar.z_m,
          polygons: barOf(bar),
        })),
      ];
    }
    const { context } = this;
    let any = false;
    context.beginPath();
    for (const { x, y, z, polygons } of this.shapes) {
      for (const polygon of polygons) any = this.road.shape(polygon, x, y, z) || any;
    }
    if (!any) return;
    context.fillStyle = this.road.hazed((_, seen) => css(palette.markWhite, 0.88 * seen));
    context.fill();
  }

  /** Lights that look our way, the farthest first; unlit where the camera does not tell. */
  posts(posts: readonly CockpitPost[], lights: readonly CockpitLight[], palette: Palette): void {
    const { camera } = this;
    const ours = posts
      .map((post) => ({ post, depth: camera.ahead(post.x_m, post.y_m) + BACK_M }))
      .filter(({ post, depth }) => {
        const facing =
          Math.cos(post.heading_rad) * camera.cos + Math.sin(post.heading_rad) * camera.sin;
        return depth > NEAR_M + BACK_M && depth < POSTS_TO_M && facing > 0.3;
      })
      .sort((one, other) => other.depth - one.depth);
    for (const { post, depth } of ours) {
      const seen = lights.find(
        (light) => Math.hypot(light.x_m - post.x_m, light.y_m - post.y_m) < SAME_M,
      );
      this.post(post, depth, seen?.state ?? "unknown", palette);
    }
  }

  private post(post: CockpitPost, depth: number, state: LightState, palette: Palette): void {
    const { camera, context } = this;
    const scale = camera.scale(depth);
    const x = camera.screenX(camera.left(post.x_m, post.y_m), scale);
    const up = camera.up(post.z_m, depth - BACK_M);
    const y = (height: number) => camera.screenY(up + height, scale);
    context.globalAlpha = visibility(depth);
    context.fillStyle = css(palette.post);
    const wide = Math.max(POST_M * scale, 1.2);
    context.fillRect(x - wide / 2, y(0), wide, y(-HEAD_M.foot) - y(0));
    const lamp = Math.max((HEAD_M.width * scale) / 2 - 0.5, LAMP_PX);
    const half = lamp + Math.max(0.06 * scale, 1);
    const top = y(0) - 6 * half + 2;
    context.fillStyle = css(CASE);
    context.beginPath();
    context.roundRect(x - half, top, 2 * half, 6 * half - 2, half * 0.5);
    context.fill();
    context.strokeStyle = css(palette.kerb);
    context.lineWidth = 1;
    context.stroke();
    lampsOf(state).forEach((colour, i) => {
      const centre = top + half + i * (2 * half - 0.7);
      context.fillStyle = css(colour ?? DARK);
      context.beginPath();
      context.arc(x, centre, lamp * 0.86, 0, 2 * Math.PI);
      context.fill();
      if (!colour) return;
      context.globalAlpha = 0.28 * visibility(depth);
      context.beginPath();
      context.arc(x, centre, lamp * 2.1, 0, 2 * Math.PI);
      context.fill();
      context.globalAlpha = visibility(depth);
    });
    context.globalAlpha = 1;
  }
}
