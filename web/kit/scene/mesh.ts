/**
 * Bodies of road users as a few shaded faces. A mesh lives in a unit box: x from -0.5 (rear) to 0.5, y
 * from -0.5 (right) to 0.5, z from 0 to 1; it is stretched to the length, width and height of the track.
 * Faces are drawn in the order they were added, those turned away left out.
 */
import { Material } from "./palette";

export type Point = readonly [number, number, number];

export interface Face {
  corners: Uint8Array | Uint16Array;
  material: Material;
  /** In the unit box, not of unit length: tells which side is seen. */
  outward: Point;
  /** Of unit length, at the mesh's nominal size: tells the light. */
  normal: Point;
  /** Faces far away leave small parts out. */
  detail: boolean;
}

export interface Mesh {
  points: Float32Array;
  faces: readonly Face[];
}

/** A side with a waist a little over the middle. */
const PLAIN = [
  [0, 0.95],
  [0.55, 1],
  [1, 0.93],
] as const;

export class MeshBuilder {
  private readonly points: number[] = [];
  private readonly faces: Face[] = [];

  constructor(
    private readonly length: number,
    private readonly width: number,
    private readonly height: number,
  ) {}

  /** A face that looks away from `inside`. */
  face(material: Material, corners: readonly Point[], inside: Point, detail = false): this {
    let outward = cross(corners);
    const centre = middle(corners);
    const away =
      outward[0] * (centre[0] - inside[0]) +
      outward[1] * (centre[1] - inside[1]) +
      outward[2] * (centre[2] - inside[2]);
    if (away < 0) outward = [-outward[0], -outward[1], -outward[2]];
    const base = this.points.length / 3;
    for (const corner of corners) this.points.push(...corner);
    this.faces.push({
      corners: Uint16Array.from(corners, (_, i) => base + i),
      material,
      outward,
      normal: unit([outward[0] / this.length, outward[1] / this.width, outward[2] / this.height]),
      detail,
    });
    return this;
  }

  /** The same face on both sides of the body. */
  pair(material: Material, corners: readonly Point[], inside: Point, detail = false): this {
    const other = corners.map(([x, y, z]): Point => [x, -y, z]);
    this.face(material, corners, inside, detail);
    return this.face(material, other, [inside[0], -inside[1], inside[2]], detail);
  }

  /** A box without its bottom. */
  box(material: Material, low: Point, high: Point, top = material, detail = false): this {
    const [x0, y0, z0] = low;
    const [x1, y1, z1] = high;
    const inside: Point = [(x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2];
    const at = (x: number, y: number, z: number): Point => [x, y, z];
    this.face(
      material,
      [at(x1, y0, z0), at(x1, y1, z0), at(x1, y1, z1), at(x1, y0, z1)],
      inside,
      detail,
    );
    this.face(
      material,
      [at(x0, y0, z0), at(x0, y1, z0), at(x0, y1, z1), at(x0, y0, z1)],
      inside,
      detail,
    );
    this.face(
      material,
      [at(x0, y0, z0), at(x1, y0, z0), at(x1, y0, z1), at(x0, y0, z1)],
      inside,
      detail,
    );
    this.face(
      material,
      [at(x0, y1, z0), at(x1, y1, z0), at(x1, y1, z1), at(x0, y1, z1)],
      inside,
      detail,
    );
    return this.face(
      top,
      [at(x0, y0, z1), at(x1, y0, z1), at(x1, y1, z1), at(x0, y1, z1)],
      inside,
      detail,
    );
  }

  /**
   * A body through cross sections [x, half width, low, high]. `profile` shapes each side from bottom to
   * top: [share of the height, share of the half width].
   */
  loft(
    side: Material,
    top: Material,
    sections: readonly (readonly [number, number, number, number])[],
    profile: readonly (readonly [number, number])[] = PLAIN,
  ): this {
    const rings = sections.map(([x, half, low, high]) =>
      profile.map(([up, out]): Point => [x, half * out, low + up * (high - low)]),
    );
    const right = (p: Point): Point => [p[0], -p[1], p[2]];
    for (let i = 0; i + 1 < rings.length; i++) {
      const [a, b] = [rings[i], rings[i + 1]];
      const x = (a[0][0] + b[0][0]) / 2;
      for (let k = 0; k + 1 < profile.length; k++) {
        this.pair(side, [a[k], b[k], b[k + 1], a[k + 1]], [0, 0, 0.3]);
      }
      const last = profile.length - 1;
      this.face(top, [a[last], b[last], right(b[last]), right(a[last])], [x, 0, -9]);
    }
    for (const ring of [rings[0], rings[rings.length - 1]]) {
      this.face(side, [...ring, ...[...ring].reverse().map(right)], [0, 0, 0.3]);
    }
    return this;
  }

  /** A wheel on each side: a dark disc and a rim, flush with the body. */
  wheels(x: number, radius_m: number, at = 0.495, spokes = 12): this {
    const rx = radius_m / this.length;
    const rz = radius_m / this.height;
    const disc = (share: number, y: number): Point[] =>
      Array.from({ length: spokes }, (_, i): Point => {
        const angle = (2 * Math.PI * i) / spokes;
        return [x + rx * share * Math.cos(angle), y, rz + rz * share * Math.sin(angle)];
      });
    this.pair(Material.Tyre, disc(1, at), [x, 0, rz]);
    return this.pair(Material.Rim, disc(0.62, at + 0.004), [x, 0, rz], true);
  }

  done(): Mesh {
    return { points: Float32Array.from(this.points), faces: this.faces };
  }
}

function cross(corners: readonly Point[]): Point {
  let [x, y, z] = [0, 0, 0];
  for (let i = 0; i < corners.length; i++) {
    const a = corners[i];
    const b = corners[(i + 1) % corners.length];
    x += (a[1] - b[1]) * (a[2] + b[2]);
    y += (a[2] - b[2]) * (a[0] + b[0]);
    z += (a[0] - b[0]) * (a[1] + b[1]);
  }
  return [x, y, z];
}

function middle(corners: readonly Point[]): Point {
  const sum = [0, 0, 0];
  for (const corner of corners) for (let k = 0; k < 3; k++) sum[k] += corner[k];
  return [sum[0] / corners.length, sum[1] / corners.length, sum[2] / corners.length];
}

function unit(v: Point): Point {
  const length = Math.hypot(...v) || 1;
  return [v[0] / length, v[1] / length, v[2] / length];
}
