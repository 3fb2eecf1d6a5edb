/** Paved ground, kerbs and markings from the car's map, each piece unpacked once. */
import type { CockpitLine, CockpitSurface } from "../messages.gen";
import { BACK_M, type Camera, FAR_M, HEIGHT_M, Polygons, visibility } from "./camera";
import { css, mix, type Palette, type Rgb } from "./palette";

const LINE_M = 0.15;
const KERB_M = 0.12;
const DOUBLE_M = 0.28;
/** A guard rail: a band on posts. The posts blur into one further off, so they end there. */
const RAIL_LOW_M = 0.45;
const RAIL_HIGH_M = 0.8;
const POST_STEP_M = 4;
const POST_M = 0.14;
const POSTS_TO_M = 90;

/** Centimetres as the car packs them, in metres, x, y, z after each other. */
export function unpack(packed: Uint8Array): Float32Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const points = new Float32Array(packed.byteLength >> 1);
  for (let i = 0; i < points.length; i++) points[i] = view.getInt16(2 * i, true) / 100;
  return points;
}

interface Piece {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly polygons: readonly Float32Array[];
  readonly posts: readonly Float32Array[];
}

/** Runs [from, to] of a line that are painted, by arc length. */
export function dashes(
  length: number,
  dash: number,
  gap: number,
  phase: number,
): [number, number][] {
  if (dash <= 0 || gap <= 0) return [[0, length]];
  const period = dash + gap;
  const runs: [number, number][] = [];
  const first = phase - period * Math.ceil(phase / period);
  for (let from = first; from < length; from += period) {
    const run: [number, number] = [Math.max(0, from), Math.min(length, from + dash)];
    if (run[1] - run[0] > 0.05) runs.push(run);
  }
  return runs;
}

/** The ribbon of width `width`, `offset` to the left, along `points` between two arc lengths. */
export function ribbon(
  points: Float32Array,
  from: number,
  to: number,
  width: number,
  offset = 0,
): Float32Array {
  const left: number[] = [];
  const right: number[] = [];
  const count = points.length / 3;
  let done = 0;
  const put = (i: number, t: number, cos: number, sin: number) => {
    const k = 3 * i;
    const x = points[k] + t * (points[k + 3] - points[k]);
    const y = points[k + 1] + t * (points[k + 4] - points[k + 1]);
    const z = points[k + 2] + t * (points[k + 5] - points[k + 2]);
    const [a, b] = [offset + width / 2, offset - width / 2];
    left.push(x - a * sin, y + a * cos, z);
    right.unshift(x - b * sin, y + b * cos, z);
  };
  for (let i = 0; i + 1 < count && done < to; i++) {
    const dx = points[3 * i + 3] - points[3 * i];
    const dy = points[3 * i + 4] - points[3 * i + 1];
    const run = Math.hypot(dx, dy);
    if (run > 1e-6 && done + run > from) {
      const [cos, sin] = [dx / run, dy / run];
      if (left.length === 0) put(i, Math.max(0, (from - done) / run), cos, sin);
      put(i, Math.min(1, (to - done) / run), cos, sin);
    }
    done += run;
  }
  return Float32Array.from([...left, ...right]);
}

export function lengthOf(points: Float32Array): number {
  let sum = 0;
  for (let i = 3; i < points.length; i += 3) {
    sum += Math.hypot(points[i] - points[i - 3], points[i + 1] - points[i - 2]);
  }
  return sum;
}

/** The posts under a rail, each a small upright face across it. */
function postsOf(points: Float32Array, length: number): Float32Array[] {
  return dashes(length, POST_M, POST_STEP_M - POST_M, 0).map(([from, to]) => {
    const foot = ribbon(points, from, to, POST_M);
    const [left, right] = [[...foot.slice(0, 3)], [...foot.slice(-3)]];
    const raised = ([x, y, z]: number[]) => [x, y, z + RAIL_LOW_M];
    return Float32Array.from([...left, ...right, ...raised(right), ...raised(left)]);
  });
}

function unpackLine(line: CockpitLine): Piece {
  const points = unpack(line.points);
  const length = lengthOf(points);
  const width = line.kind === "curb" ? KERB_M : line.width_m || LINE_M;
  const polygons: Float32Array[] = [];
  const stripe = (broken: boolean, offset: number) => {
    const runs = broken
      ? dashes(length, line.dash_m, line.gap_m, line.phase_m)
      : dashes(length, 0, 0, 0);
    for (const [from, to] of runs) polygons.push(ribbon(points, from, to, width, offset));
  };
  if (line.kind === "barrier") {
    const upright = new Float32Array(2 * points.length);
    for (let i = 0, k = points.length - 3; i < points.length; i += 3, k -= 3) {
      upright.set([points[i], points[i + 1], points[i + 2] + RAIL_HIGH_M], i);
      upright.set([points[k], points[k + 1], points[k + 2] + RAIL_LOW_M], points.length + i);
    }
    polygons.push(upright);
  }
  const parts = line.kind.split("_");
  if (parts.length === 2) {
    // The first of a double line is its left one.
    stripe(parts[0] === "broken", DOUBLE_M / 2);
    stripe(parts[1] === "broken", -DOUBLE_M / 2);
  } else if (line.kind !== "none" && line.kind !== "barrier") {
    stripe(parts[0] === "broken" || line.kind === "botts", 0);
  } else if (line.edge) {
    stripe(false, 0);
  }
  const posts = line.kind === "barrier" ? postsOf(points, length) : [];
  return { x: line.origin_x_m, y: line.origin_y_m, z: line.origin_z_m, polygons, posts };
}

function unpackSurface(surface: CockpitSurface): Piece {
  const left = unpack(surface.left);
  const right = unpack(surface.right);
  const ring = new Float32Array(left.length + right.length);
  ring.set(left);
  for (let i = 0; i < right.length; i += 3) {
    ring.set(right.subarray(right.length - 3 - i, right.length - i), left.length + i);
  }
  const { origin_x_m: x, origin_y_m: y, origin_z_m: z } = surface;
  return { x, y, z, polygons: [ring], posts: [] };
}

type Layer = "white" | "yellow" | "other" | "kerb" | "barrier";

function layerOf(line: CockpitLine): Layer {
  if (line.kind === "barrier") return "barrier";
  if (line.kind === "curb" || line.kind === "edge" || line.kind === "none") return "kerb";
  if (line.colour === "yellow" || line.colour === "orange") return "yellow";
  return line.colour === "white" || line.colour === "standard" ? "white" : "other";
}

export class RoadPainter {
  private readonly lines = new Map<number, Piece>();
  private readonly grounds = new Map<number, Piece>();
  private readonly polygons: Polygons;
  private paints: Record<
    Layer | "post" | "road" | "walk" | "sky" | "ground",
    CanvasGradient
  > | null = null;

  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly camera: Camera,
  ) {
    this.polygons = new Polygons(camera);
  }

  /** Gradients hang on size and theme. */
  prepare(palette: Palette): void {
    const { camera, context } = this;
    const sky = context.createLinearGradient(0, 0, 0, camera.horizon);
    sky.addColorStop(0, css(palette.skyTop));
    sky.addColorStop(0.45, css(mix(palette.skyTop, palette.haze, 0.25)));
    sky.addColorStop(1, css(palette.haze));
    this.paints = {
      sky,
      ground: this.hazed((_, seen) => css(mix(palette.haze, palette.groundNear, seen))),
      road: this.hazed((depth, seen) => {
        const base = mix(palette.roadFar, palette.roadNear, Math.exp(-depth / 60));
        return css(mix(palette.haze, base, seen));
      }),
      walk: this.hazed((_, seen) => css(mix(palette.haze, palette.walkNear, seen))),
      white: this.paint(palette.markWhite),
      yellow: this.paint(palette.markYellow),
      other: this.paint(palette.markOther),
      kerb: this.paint(palette.kerb),
      barrier: this.paint(palette.barrier),
      post: this.paint(palette.post),
    };
  }

  /** A gradient over level ground: the colour at each distance from the camera. */
  hazed(colour: (depth: number, seen: number) => string): CanvasGradient {
    const { camera, context } = this;
    const gradient = context.createLinearGradient(0, camera.horizon, 0, camera.height);
    const room = camera.height - camera.horizon;
    gradient.addColorStop(0, colour(FAR_M, 0));
    for (const depth of [FAR_M, 260, 210, 170, 135, 105, 80, 60, 44, 30, 20, 12]) {
      const at = (camera.groundY(depth) - camera.horizon) / room;
      if (at > 0 && at < 1) gradient.addColorStop(at, colour(depth, visibility(depth)));
    }
    gradient.addColorStop(1, colour(BACK_M, 1));
    return gradient;
  }

  private paint(colour: Rgb): CanvasGradient {
    return this.hazed((depth, seen) => css(colour, 0.94 * seen * (depth < 30 ? 0.9 : 1)));
  }

  backdrop(): void {
    const { context, camera, paints } = this;
    if (!paints) return;
    context.fillStyle = paints.sky;
    context.fillRect(0, 0, camera.width, camera.horizon);
    context.fillStyle = paints.ground;
    context.fillRect(0, camera.horizon, camera.width, camera.height - camera.horizon);
  }

  ground(surfaces: readonly CockpitSurface[]): void {
    const { context, paints } = this;
    if (!paints) return;
    for (const kind of ["walk", "road"] as const) {
      context.beginPath();
      let any = false;
      for (const surface of surfaces) {
        if ((surface.kind === "walk") !== (kind === "walk")) continue;
        any = this.add(this.grounds, surface, unpackSurface) || any;
      }
      if (!any) continue;
      context.fillStyle = paints[kind];
      context.fill();
    }
  }

  markings(lines: readonly CockpitLine[]): void {
    this.layers(lines, ["kerb", "other", "yellow", "white"]);
  }

  /** Barriers stand up, so they come after those on the other side of them. */
  barriers(lines: readonly CockpitLine[]): void {
    this.posts(lines);
    this.layers(lines, ["barrier"]);
  }

  private posts(lines: readonly CockpitLine[]): void {
    const { context, paints, polygons } = this;
    if (!paints) return;
    context.beginPath();
    for (const line of lines) {
      if (layerOf(line) !== "barrier") continue;
      const { x, y, z, posts } = this.piece(this.lines, line, unpackLine);
      for (const post of posts) polygons.add(context, post, x, y, z, POSTS_TO_M);
    }
    context.fillStyle = paints.post;
    context.fill();
  }

  private layers(lines: readonly CockpitLine[], layers: readonly Layer[]): void {
    const { context, paints } = this;
    if (!paints) return;
    for (const layer of layers) {
      context.beginPath();
      let any = false;
      for (const line of lines) {
        if (layerOf(line) !== layer) continue;
        any = this.add(this.lines, line, unpackLine) || any;
      }
      if (!any) continue;
      context.fillStyle = paints[layer];
      context.fill();
    }
  }

  /** Any polygon on the ground, world frame relative to an origin. */
  shape(points: Float32Array, x: number, y: number, z: number): boolean {
    return this.polygons.add(this.context, points, x, y, z);
  }

  private piece<T extends { piece: number }>(
    cache: Map<number, Piece>,
    item: T,
    unpackItem: (item: T) => Piece,
  ): Piece {
    let piece = cache.get(item.piece);
    if (!piece) {
      if (cache.size > 2000) cache.clear();
      piece = unpackItem(item);
      cache.set(item.piece, piece);
    }
    return piece;
  }

  private add<T extends { piece: number }>(
    cache: Map<number, Piece>,
    item: T,
    unpackItem: (item: T) => Piece,
  ): boolean {
    const piece = this.piece(cache, item, unpackItem);
    let any = false;
    for (const polygon of piece.polygons) {
      any = this.polygons.add(this.context, polygon, piece.x, piece.y, piece.z) || any;
    }
    return any;
  }
}

export function surfaceOutline(surface: CockpitSurface): {
  left: Float32Array;
  right: Float32Array;
} {
  return { left: unpack(surface.left), right: unpack(surface.right) };
}

export { HEIGHT_M };
