/** Draws road users: shadow, faces lit from behind the viewer, lamps with their glow. */
import type { Body, Lamp } from "./bodies";
import { BACK_M, type Camera, FAR_M, HEIGHT_M, NEAR_M, visibility } from "./camera";
import type { Mesh, Point } from "./mesh";
import { Material, type Palette, Shades } from "./palette";

/** From the light, camera frame: behind the viewer, from the left, high. */
const LIGHT: Point = [-0.46, 0.36, 0.81];
/** Nearer than this bodies have all their faces, and the seams between faces are closed. */
const DETAIL_M = 62;
const SEAM_M = 42;

export interface Pose3 {
  x: number;
  y: number;
  z: number;
  yaw: number;
}

export interface Look {
  length: number;
  width: number;
  height: number;
  brake: boolean;
  left: boolean;
  right: boolean;
  ghost: boolean;
  shown: number;
  /** Which of the palette's paints. */
  paint: number;
}

function sprite(paint: (context: CanvasRenderingContext2D) => void): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = 64;
  canvas.height = 64;
  const context = canvas.getContext("2d");
  if (context) paint(context);
  return canvas;
}

function glow(red: number, green: number, blue: number): HTMLCanvasElement {
  return sprite((context) => {
    const gradient = context.createRadialGradient(32, 32, 0, 32, 32, 32);
    gradient.addColorStop(0, `rgba(${red}, ${green}, ${blue}, 0.85)`);
    gradient.addColorStop(0.25, `rgba(${red}, ${green}, ${blue}, 0.34)`);
    gradient.addColorStop(1, `rgba(${red}, ${green}, ${blue}, 0)`);
    context.fillStyle = gradient;
    context.fillRect(0, 0, 64, 64);
  });
}

/** A soft dark rectangle; the outer half of each side fades out. */
function softShadow(strength: number): HTMLCanvasElement {
  return sprite((context) => {
    const image = context.createImageData(64, 64);
    const soft = (i: number) => {
      const edge = Math.min(i + 0.5, 63.5 - i) / 15;
      const t = Math.min(1, edge);
      return t * t * (3 - 2 * t);
    };
    for (let y = 0; y < 64; y++) {
      for (let x = 0; x < 64; x++) {
        image.data[4 * (64 * y + x) + 3] = 255 * strength * soft(x) * soft(y);
      }
    }
    context.putImageData(image, 0, 0);
  });
}

export class BodyPainter {
  private readonly sx = new Float64Array(1024);
  private readonly sy = new Float64Array(1024);
  private shades: Shades;
  private shadow: HTMLCanvasElement;
  private readonly red = glow(255, 40, 30);
  private readonly amber = glow(255, 170, 40);

  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly camera: Camera,
    private palette: Palette,
  ) {
    this.shades = new Shades(palette);
    this.shadow = softShadow(palette.shadow);
  }

  prepare(palette: Palette): void {
    this.palette = palette;
    this.shades = new Shades(palette);
    this.shadow = softShadow(palette.shadow);
  }

  /** The soft shadow under a body; drawn before all bodies. */
  drawShadow(body: Body, pose: Pose3, look: Look): void {
    const { camera, context } = this;
    const ahead = camera.ahead(pose.x, pose.y);
    const depth = ahead + BACK_M;
    if (depth < NEAR_M + look.length || depth > FAR_M) return;
    const side = camera.left(pose.x, pose.y);
    const up = camera.up(pose.z, ahead);
    const cos = Math.cos(pose.yaw) * camera.cos + Math.sin(pose.yaw) * camera.sin;
    const sin = Math.sin(pose.yaw) * camera.cos - Math.cos(pose.yaw) * camera.sin;
    const half = look.length / 2 + body.shadowGrow * 1.3;
    const wide = look.width / 2 + body.shadowGrow;
    const corner = (u: number, v: number): [number, number] => {
      const scale = camera.scale(Math.max(depth + u * cos - v * sin, NEAR_M));
      return [camera.screenX(side + u * sin + v * cos, scale), camera.screenY(up, scale)];
    };
    const [ax, ay] = corner(-half, wide);
    const [bx, by] = corner(-half, -wide);
    const [cx, cy] = corner(half, wide);
    const [dx, dy] = corner(half, -wide);
    // The nearest parallelogram: mean sides, so that front and rear are off by the same.
    const [ux, uy] = [(bx - ax + dx - cx) / 2, (by - ay + dy - cy) / 2];
    const [vx, vy] = [(cx - ax + dx - bx) / 2, (cy - ay + dy - by) / 2];
    const [mx, my] = [(ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4];
    context.save();
    context.globalAlpha = look.shown * visibility(depth) * (look.ghost ? 0.3 : 1);
    context.transform(ux / 64, uy / 64, vx / 64, vy / 64, mx - (ux + vx) / 2, my - (uy + vy) / 2);
    context.drawImage(this.shadow, 0, 0);
    context.restore();
  }

  draw(body: Body, pose: Pose3, look: Look): void {
    const { camera, context } = this;
    const ahead = camera.ahead(pose.x, pose.y);
    const depth = ahead + BACK_M;
    if (depth - look.length / 2 < NEAR_M || depth > FAR_M) return;
    const side = camera.left(pose.x, pose.y);
    if (Math.abs(side) > 1.1 * depth + 20) return;
    const up = camera.up(pose.z, ahead);
    const cos = Math.cos(pose.yaw) * camera.cos + Math.sin(pose.yaw) * camera.sin;
    const sin = Math.sin(pose.yaw) * camera.cos - Math.cos(pose.yaw) * camera.sin;
    const mesh = depth < DETAIL_M ? body.near : body.far;
    this.project(mesh.points, depth, side, up, cos, sin, look);
    // Where the camera is, in the body's unit box.
    const eye: Point = [
      (-depth * cos - side * sin) / look.length,
      (depth * sin - side * cos) / look.width,
      (HEIGHT_M - up) / look.height,
    ];
    const seen = visibility(depth);
    const fade = look.shown * Math.min(1, (FAR_M - depth) / 60);
    context.globalAlpha = fade * (look.ghost ? 0.38 : 1);
    this.faces(mesh, eye, cos, sin, seen, look.paint, depth < SEAM_M && fade === 1 && !look.ghost);
    if (!look.ghost) this.lamps(body, eye, depth, side, up, cos, sin, look, seen);
    context.globalAlpha = 1;
  }

  private project(
    points: ArrayLike<number>,
    depth: number,
    side: number,
    up: number,
    cos: number,
    sin: number,
    look: Look,
  ): void {
    const { camera, sx, sy } = this;
    for (let i = 0, k = 0; k < points.length; i++, k += 3) {
      const u = points[k] * look.length;
      const v = points[k + 1] * look.width;
      const scale = camera.focal / Math.max(depth + u * cos - v * sin, 0.5);
      sx[i] = camera.middle - (side + u * sin + v * cos) * scale;
      sy[i] = camera.horizon + (HEIGHT_M - up - points[k + 2] * look.height) * scale;
    }
  }

  private faces(
    mesh: Mesh,
    eye: Point,
    cos: number,
    sin: number,
    seen: number,
    paint: number,
    seam: boolean,
  ): void {
    const { context, sx, sy, shades, palette } = this;
    const { points } = mesh;
    context.lineWidth = 0.7;
    context.lineJoin = "round";
    for (const face of mesh.faces) {
      const k = 3 * face.corners[0];
      const { outward, normal } = face;
      const towards =
        outward[0] * (eye[0] - points[k]) +
        outward[1] * (eye[1] - points[k + 1]) +
        outward[2] * (eye[2] - points[k + 2]);
      if (towards <= 0) continue;
      const lit =
        LIGHT[0] * (normal[0] * cos - normal[1] * sin) +
        LIGHT[1] * (normal[0] * sin + normal[1] * cos) +
        LIGHT[2] * normal[2];
      const colour = shades.of(
        face.material,
        palette.ambient + (1.08 - palette.ambient) * Math.max(0, lit),
        seen,
        paint,
      );
      context.beginPath();
      const { corners } = face;
      context.moveTo(sx[corners[0]], sy[corners[0]]);
      for (let i = 1; i < corners.length; i++) context.lineTo(sx[corners[i]], sy[corners[i]]);
      context.closePath();
      context.fillStyle = colour;
      context.fill();
      if (seam) {
        context.strokeStyle = colour;
        context.stroke();
      }
    }
  }

  private lamps(
    body: Body,
    eye: Point,
    depth: number,
    side: number,
    up: number,
    cos: number,
    sin: number,
    look: Look,
    seen: number,
  ): void {
    const shape = (
      lamp: Lamp,
      mirrored: boolean,
      material: Material,
      halo: HTMLCanvasElement | null,
    ) => {
      // Seen only from the end that it is on.
      if (lamp.rear ? eye[0] > -0.5 : eye[0] < 0.5) return;
      this.project(mirrored ? lamp.right : lamp.left, depth, side, up, cos, sin, look);
      this.lamp(this.shades.of(material, 1, seen), halo, seen, depth);
    };
    for (const lamp of body.tail) {
      for (const mirrored of [false, true]) {
        shape(
          lamp,
          mirrored,
          look.brake ? Material.TailOn : Material.TailOff,
          look.brake && !lamp.plain ? this.red : null,
        );
      }
    }
    for (const lamp of body.indicators) {
      shape(
        lamp,
        false,
        look.left ? Material.Amber : Material.AmberOff,
        look.left ? this.amber : null,
      );
      shape(
        lamp,
        true,
        look.right ? Material.Amber : Material.AmberOff,
        look.right ? this.amber : null,
      );
    }
  }

  private lamp(colour: string, halo: HTMLCanvasElement | null, seen: number, depth: number): void {
    const { context, sx, sy, camera, palette } = this;
    context.beginPath();
    context.moveTo(sx[0], sy[0]);
    for (let i = 1; i < 4; i++) context.lineTo(sx[i], sy[i]);
    context.closePath();
    context.fillStyle = colour;
    context.fill();
    if (!halo) return;
    const size = Math.max(0.85 * camera.scale(depth), 9);
    const x = (sx[0] + sx[1] + sx[2] + sx[3]) / 4;
    const y = (sy[0] + sy[1] + sy[2] + sy[3]) / 4;
    const alpha = context.globalAlpha;
    context.globalAlpha = alpha * seen;
    context.globalCompositeOperation = palette.glow;
    context.drawImage(halo, x - size / 2, y - size / 2, size, size);
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = alpha;
  }
}
