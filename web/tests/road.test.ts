import { describe, expect, it } from "vitest";
import { BACK_M, Camera, FAR_M, HEIGHT_M, Polygons, visibility } from "../kit/scene/camera";
import { dashes, lengthOf, ribbon, unpack } from "../kit/scene/road";

describe("dashes", () => {
  it("are as long as the map says, and repeat", () => {
    expect(dashes(60, 6, 12, 0)).toEqual([
      [0, 6],
      [18, 24],
      [36, 42],
      [54, 60],
    ]);
  });

  it("go on over the seam of two pieces", () => {
    // The piece before was 50 m long: 50 = 2 * 18 + 14, so the next dash starts 4 m in.
    expect(dashes(30, 6, 12, -14)).toEqual([
      [4, 10],
      [22, 28],
    ]);
    expect(dashes(10, 6, 12, -3)).toEqual([[0, 3]]);
    expect(dashes(10, 6, 12, 5)).toEqual([[5, 10]]);
  });

  it("without a gap are one line", () => {
    expect(dashes(60, 0, 0, 0)).toEqual([[0, 60]]);
  });
});

describe("ribbon", () => {
  const line = Float32Array.from([0, 0, 0, 10, 0, 1, 20, 0, 2]);

  it("has its width and its ends", () => {
    const ring = ribbon(line, 5, 15, 0.3);
    const xs = Array.from({ length: ring.length / 3 }, (_, i) => ring[3 * i]);
    const ys = Array.from({ length: ring.length / 3 }, (_, i) => ring[3 * i + 1]);
    expect(Math.min(...xs)).toBeCloseTo(5);
    expect(Math.max(...xs)).toBeCloseTo(15);
    expect(Math.max(...ys) - Math.min(...ys)).toBeCloseTo(0.3);
  });

  it("follows the height", () => {
    const ring = ribbon(line, 5, 15, 0.3);
    expect(ring[2]).toBeCloseTo(0.5);
  });

  it("lies to the left by its offset", () => {
    const ring = ribbon(line, 0, 20, 0.2, 1);
    expect(ring[1]).toBeCloseTo(1.1);
  });

  it("measures along the line", () => {
    expect(lengthOf(line)).toBeCloseTo(20);
  });
});

describe("unpack", () => {
  it("reads centimetres, negative ones too", () => {
    const bytes = new Uint8Array(new Int16Array([150, -25, 32767]).buffer);
    expect([...unpack(bytes)].map((v) => Math.round(v * 100))).toEqual([150, -25, 32767]);
  });
});

describe("camera", () => {
  it("puts level ground on the height that its distance tells", () => {
    const camera = new Camera();
    camera.resize(1280, 720);
    camera.place(100, 50, 7, Math.PI / 2, 0);
    const ahead = camera.ahead(100, 80);
    expect(ahead).toBeCloseTo(30);
    const scale = camera.scale(ahead + BACK_M);
    expect(camera.screenY(camera.up(7, ahead), scale)).toBeCloseTo(camera.groundY(30 + BACK_M));
    expect(camera.screenX(camera.left(100, 80), scale)).toBeCloseTo(640);
    expect(camera.left(98, 80)).toBeCloseTo(2);
  });

  it("shows the own car whole at every size", () => {
    for (const [width, height] of [
      [1280, 720],
      [1920, 720],
      [800, 480],
      [390, 844],
    ]) {
      const camera = new Camera();
      camera.resize(width, height);
      expect(camera.groundY(BACK_M - 1)).toBeLessThan(height);
      expect(camera.horizon).toBeLessThan(camera.groundY(FAR_M));
    }
  });

  it("fades with distance", () => {
    expect(visibility(0)).toBe(1);
    expect(visibility(120)).toBeGreaterThan(0.8);
    expect(visibility(FAR_M)).toBeLessThan(0.06);
  });
});

class Path {
  points: [number, number][] = [];
  moveTo(x: number, y: number) {
    this.points.push([x, y]);
  }
  lineTo(x: number, y: number) {
    this.points.push([x, y]);
  }
  closePath() {}
}

describe("polygons", () => {
  const camera = new Camera();
  camera.resize(1280, 720);
  camera.place(0, 0, 0, 0, 0);
  const polygons = new Polygons(camera);
  const add = (points: number[]) => {
    const path = new Path();
    const any = polygons.add(
      path as unknown as CanvasRenderingContext2D,
      Float32Array.from(points),
      0,
      0,
      0,
    );
    return { any, points: path.points };
  };

  it("behind the camera are left out", () => {
    expect(add([-90, -1, 0, -50, -1, 0, -50, 1, 0]).any).toBe(false);
  });

  it("further than asked for are left out", () => {
    const far = Float32Array.from([120, -1, 0, 130, -1, 0, 130, 1, 0]);
    const path = new Path() as unknown as CanvasRenderingContext2D;
    expect(polygons.add(path, far, 0, 0, 0, 90)).toBe(false);
    expect(polygons.add(path, far, 0, 0, 0)).toBe(true);
  });

  it("across the camera are cut in front of it", () => {
    const { any, points } = add([-90, -2, 0, 50, -2, 0, 50, 2, 0, -90, 2, 0]);
    expect(any).toBe(true);
    expect(points).toHaveLength(4);
    for (const [x, y] of points) {
      expect(Number.isFinite(x)).toBe(true);
      expect(y).toBeGreaterThan(camera.horizon);
    }
  });

  it("in front keep their corners", () => {
    const { points } = add([20, -1, 0, 30, -1, 0, 30, 1, 0]);
    expect(points).toHaveLength(3);
    expect(points[0][0]).toBeGreaterThan(640);
    expect(points[2][0]).toBeLessThan(640);
    expect(points[0][1]).toBeCloseTo(camera.horizon + HEIGHT_M * camera.scale(20 + BACK_M));
  });
});
