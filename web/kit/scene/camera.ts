/**
 * A camera behind and above the own car that looks level ahead, its picture shifted down (as with a
 * shift lens): verticals stay vertical, and on level ground the height on the screen tells the distance,
 * so haze is one gradient per colour.
 *
 * Camera frame: `ahead` metres in front of the rear axle, `left`, `up` above the road there.
 */

export const HEIGHT_M = 6.3;
export const BACK_M = 13.2;
export const NEAR_M = 2.4;
/** What is further is not drawn. */
export const FAR_M = 330;
/** Haze by this length: exp(-(d / HAZE_M)^3), clear to 120 m and then soon dense. */
export const HAZE_M = 220;
const HORIZON = 0.275;
const FOCAL = 1.2;

export function visibility(depth_m: number): number {
  const ratio = depth_m / HAZE_M;
  return Math.exp(-ratio * ratio * ratio);
}

export class Camera {
  width = 1280;
  height = 720;
  focal = 620;
  horizon = 216;
  middle = 640;
  x = 0;
  y = 0;
  z = 0;
  cos = 1;
  sin = 0;
  grade = 0;

  resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    this.focal = FOCAL * Math.min(height, width * 0.75);
    this.horizon = HORIZON * height;
    this.middle = width / 2;
  }

  place(x: number, y: number, z: number, yaw: number, grade: number): void {
    this.x = x;
    this.y = y;
    this.z = z;
    this.cos = Math.cos(yaw);
    this.sin = Math.sin(yaw);
    this.grade = grade;
  }

  ahead(x: number, y: number): number {
    return this.cos * (x - this.x) + this.sin * (y - this.y);
  }

  left(x: number, y: number): number {
    return -this.sin * (x - this.x) + this.cos * (y - this.y);
  }

  /** Height over the plane that the own car stands on. */
  up(z: number, ahead: number): number {
    return z - this.z - this.grade * ahead;
  }

  scale(depth: number): number {
    return this.focal / depth;
  }

  screenX(left: number, scale: number): number {
    return this.middle - left * scale;
  }

  screenY(up: number, scale: number): number {
    return this.horizon + (HEIGHT_M - up) * scale;
  }

  /** Screen height of level ground at a distance from the camera. */
  groundY(depth: number): number {
    return this.horizon + HEIGHT_M * this.scale(depth);
  }
}

const MAX = 512;

/**
 * Puts polygons of world points onto a canvas path, cut at the near plane. One instance a scene: its
 * scratch room is used again for every polygon.
 */
export class Polygons {
  private readonly depth = new Float64Array(MAX);
  private readonly side = new Float64Array(MAX);
  private readonly rise = new Float64Array(MAX);

  constructor(private readonly camera: Camera) {}

  /** `points` are x, y, z triples relative to an origin. True when anything was added. */
  add(
    path: CanvasRenderingContext2D,
    points: Float32Array,
    originX: number,
    originY: number,
    originZ: number,
    furthest = FAR_M,
  ): boolean {
    const camera = this.camera;
    const count = Math.min(points.length / 3, MAX);
    let near = Number.POSITIVE_INFINITY;
    let far = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const dx = points[3 * i] + originX - camera.x;
      const dy = points[3 * i + 1] + originY - camera.y;
      const ahead = camera.cos * dx + camera.sin * dy;
      const depth = ahead + BACK_M;
      this.depth[i] = depth;
      this.side[i] = camera.cos * dy - camera.sin * dx;
      this.rise[i] = points[3 * i + 2] + originZ - camera.z - camera.grade * ahead;
      if (depth < near) near = depth;
      if (depth > far) far = depth;
    }
    if (far <= NEAR_M || near > furthest) return false;
    if (near > NEAR_M) this.whole(path, count);
    else this.cut(path, count);
    return true;
  }

  private whole(path: CanvasRenderingContext2D, count: number): void {
    for (let i = 0; i < count; i++) {
      this.point(path, this.depth[i], this.side[i], this.rise[i], i === 0);
    }
    path.closePath();
  }

  private cut(path: CanvasRenderingContext2D, count: number): void {
    let first = true;
    for (let i = 0; i < count; i++) {
      const j = i + 1 === count ? 0 : i + 1;
      const inside = this.depth[i] > NEAR_M;
      if (inside) {
        this.point(path, this.depth[i], this.side[i], this.rise[i], first);
        first = false;
      }
      if (inside !== this.depth[j] > NEAR_M) {
        const t = (NEAR_M - this.depth[i]) / (this.depth[j] - this.depth[i]);
        const side = this.side[i] + t * (this.side[j] - this.side[i]);
        const rise = this.rise[i] + t * (this.rise[j] - this.rise[i]);
        this.point(path, NEAR_M, side, rise, first);
        first = false;
      }
    }
    path.closePath();
  }

  private point(
    path: CanvasRenderingContext2D,
    depth: number,
    side: number,
    rise: number,
    first: boolean,
  ): void {
    const scale = this.camera.focal / depth;
    const x = this.camera.middle - side * scale;
    const y = this.camera.horizon + (HEIGHT_M - rise) * scale;
    if (first) path.moveTo(x, y);
    else path.lineTo(x, y);
  }
}
