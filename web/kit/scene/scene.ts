/**
 * The scene: what the pilot believes and plans, drawn on Canvas 2D. It takes frames when they come and
 * draws when it is told to; it asks for nothing else, so the same code shows a drive, a journal or a test.
 */
import { Steady } from "../format";
import type { CockpitFrame, CockpitRoad, Indicator } from "../messages.gen";
import { decode } from "../msgpack";
import type { Theme } from "../theme";
import { bodyOf, OWN } from "./bodies";
import { BodyPainter, type Look } from "./bodypaint";
import { BACK_M, Camera } from "./camera";
import { Motion, type Mover } from "./motion";
import { PALETTES, type Palette, paintOf } from "./palette";
import { PathPainter } from "./path";
import { RoadPainter } from "./road";
import { SignPainter } from "./signs";
import { WarningPainter } from "./warnings";

/** Indicators blink as cars do: 1.5 Hz, well under the 3 Hz that no screen may exceed. */
const BLINK_HZ = 1.5;
const OWN_HEIGHT_M = 1.6;
/** More pixels than this are not drawn, however dense the screen. */
const PIXELS_MAX = 2_400_000;

export class Scene {
  private readonly context: CanvasRenderingContext2D;
  private readonly camera = new Camera();
  private readonly motion = new Motion();
  private readonly road: RoadPainter;
  private readonly bodies: BodyPainter;
  private readonly path: PathPainter;
  private readonly signs: SignPainter;
  private readonly warnings: WarningPainter;
  private palette: Palette;
  private frame: CockpitFrame | null = null;
  private map: CockpitRoad | null = null;
  private mapWindow = 0;
  private readonly order: Mover[] = [];
  private readonly gap = new Steady(0.4);
  still = false;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    theme: Theme,
  ) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("this browser has no Canvas 2D");
    this.context = context;
    this.palette = PALETTES[theme];
    this.road = new RoadPainter(context, this.camera);
    this.bodies = new BodyPainter(context, this.camera, this.palette);
    this.path = new PathPainter(context, this.camera, this.road);
    this.signs = new SignPainter(context, this.camera, this.road);
    this.warnings = new WarningPainter(context, this.road);
    this.resize(canvas.clientWidth, canvas.clientHeight, 1);
  }

  setTheme(theme: Theme): void {
    this.palette = PALETTES[theme];
    this.bodies.prepare(this.palette);
    this.road.prepare(this.palette);
  }

  resize(width: number, height: number, density: number): void {
    const dense = Math.min(density, Math.sqrt(PIXELS_MAX / Math.max(width * height, 1)));
    this.canvas.width = Math.max(1, Math.round(width * dense));
    this.canvas.height = Math.max(1, Math.round(height * dense));
    this.context.setTransform(dense, 0, 0, dense, 0, 0);
    this.camera.resize(Math.max(width, 1), Math.max(height, 1));
    this.road.prepare(this.palette);
  }

  take(frame: CockpitFrame, nowMs: number): void {
    this.frame = frame;
    if (frame.road_window !== this.mapWindow && frame.road.length > 0) {
      this.mapWindow = frame.road_window;
      this.map = decode(frame.road) as CockpitRoad;
    }
    this.motion.take(frame, nowMs / 1000);
  }

  draw(nowMs: number): void {
    const { frame, motion, road, path, palette, camera } = this;
    motion.step(nowMs / 1000);
    const { ego } = motion;
    camera.place(ego.x, ego.y, ego.z, ego.yaw, ego.grade);
    road.backdrop();
    if (!frame?.ego) return;
    if (this.map) road.ground(this.map.surfaces);
    const active =
      frame.pilot?.engagement === "engaged" || frame.pilot?.engagement === "overridden";
    if (frame.plan?.lane) path.lane(frame.plan.lane, palette, active);
    if (this.map) {
      road.markings(this.map.lines);
      this.signs.flat(this.map, palette);
    }
    this.warnings.draw(frame, ego, palette);
    if (frame.plan && !frame.plan.arrived) {
      const front = frame.ego.length_m - frame.ego.rear_overhang_m;
      const [x, y] = [ego.x + front * Math.cos(ego.yaw), ego.y + front * Math.sin(ego.yaw)];
      path.ribbon(frame.plan, x, y, palette, active);
    }
    const lead = frame.plan?.lead_id == null ? undefined : motion.movers.get(frame.plan.lead_id);
    if (lead && active) path.lead(frame, lead, palette);
    if (this.map) this.signs.posts(this.map.posts, frame.lights, palette);
    this.users(frame);
    if (lead && active && frame.plan?.gap_m != null) {
      path.label(this.gap.of(frame.plan.gap_m), lead, palette);
    }
  }

  private users(frame: CockpitFrame): void {
    const { order, motion, camera, bodies } = this;
    order.length = 0;
    for (const mover of motion.movers.values()) order.push(mover);
    const depth = (mover: Mover) => camera.ahead(mover.x, mover.y);
    order.sort((a, b) => depth(b) - depth(a));
    const ego = this.own(frame);
    bodies.drawShadow(OWN, ego.pose, ego.look);
    for (const mover of order) {
      bodies.drawShadow(bodyOf(mover.track.object_class), mover, this.look(mover));
    }
    const oncoming = (mover: Mover) => Math.cos(mover.yaw - this.motion.ego.yaw) < 0;
    for (const mover of order) {
      if (oncoming(mover)) bodies.draw(bodyOf(mover.track.object_class), mover, this.look(mover));
    }
    if (this.map) this.road.barriers(this.map.lines);
    let ownDrawn = false;
    for (const mover of order) {
      if (oncoming(mover)) continue;
      if (!ownDrawn && depth(mover) + BACK_M < ego.depth) {
        bodies.draw(OWN, ego.pose, ego.look);
        ownDrawn = true;
      }
      bodies.draw(bodyOf(mover.track.object_class), mover, this.look(mover));
    }
    if (!ownDrawn) bodies.draw(OWN, ego.pose, ego.look);
  }

  private look(mover: Mover): Look {
    const { track } = mover;
    return {
      length: Math.max(track.length_m, 0.3),
      width: Math.max(track.width_m, 0.3),
      height: Math.max(track.height_m, 0.3),
      brake: track.brake_lights,
      left: this.blinks(track.indicator, "left"),
      right: this.blinks(track.indicator, "right"),
      ghost: track.ghost,
      shown: mover.shown,
      paint: paintOf(track.track_id, this.palette.paints.length),
    };
  }

  private own(frame: CockpitFrame) {
    const { ego: pose } = this.motion;
    const ego = frame.ego;
    const length = ego?.length_m ?? 4.5;
    const forward = length / 2 - (ego?.rear_overhang_m ?? 0.9);
    return {
      depth: BACK_M + forward,
      pose: {
        x: pose.x + forward * Math.cos(pose.yaw),
        y: pose.y + forward * Math.sin(pose.yaw),
        z: pose.z + pose.grade * forward,
        yaw: pose.yaw,
      },
      look: {
        length,
        width: ego?.width_m ?? 1.85,
        height: OWN_HEIGHT_M,
        brake: frame.car?.brake_lights ?? false,
        left: this.blinks(frame.car?.indicator ?? "off", "left"),
        right: this.blinks(frame.car?.indicator ?? "off", "right"),
        ghost: false,
        shown: 1,
        paint: 0,
      },
    };
  }

  private blinks(indicator: Indicator, side: "left" | "right"): boolean {
    if (indicator !== side && indicator !== "hazard") return false;
    return this.still || (this.motion.now_s * BLINK_HZ) % 1 < 0.5;
  }
}
