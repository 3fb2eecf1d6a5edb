import type { CockpitFrame, CockpitRoad, CockpitRoute } from "../messages.gen";
import { decode } from "../msgpack";
import { unpack } from "../scene/road";
import { followTheme, type Theme } from "../theme";
import { css, define, html, LitElement, shared } from "./part";

/** Metres from the car to the upper edge of the map; the car stands low, as one looks ahead. */
const AHEAD_M = 260;
const CAR_AT = 0.72;
/** Drawn anew so often: a map turns slowly. */
const DRAW_MS = 100;

const COLOURS: Record<Theme, { road: string; route: string; car: string; goal: string }> = {
  dark: { road: "#46525f", route: "#6db3ff", car: "#f4f7fa", goal: "#4bd48a" },
  light: { road: "#aeb8c2", route: "#0a51c4", car: "#0c1116", goal: "#00512b" },
};

/** The map, the car's heading up, with the way to go. */
export class MapView extends LitElement {
  static override properties = { words: { type: String } };
  declare words: string;
  private theme: Theme = "dark";
  private grounds: { x: number; y: number; ring: Float32Array }[] = [];
  private roadWindow = 0;
  private route: CockpitRoute | null = null;
  private routeNumber = 0;
  private drawnMs = Number.NEGATIVE_INFINITY;

  static override styles = [
    shared,
    css`
      canvas {
        width: 100%;
        height: 100%;
        display: block;
        border-radius: 10px;
      }
    `,
  ];

  constructor() {
    super();
    this.words = "Map";
  }

  override firstUpdated(): void {
    followTheme((theme) => {
      this.theme = theme;
    });
  }

  take(frame: CockpitFrame, nowMs: number): void {
    if (this.clientWidth === 0) return;
    if (frame.road_window !== this.roadWindow && frame.road.length > 0) {
      this.roadWindow = frame.road_window;
      const road = decode(frame.road) as CockpitRoad;
      this.grounds = road.surfaces
        .filter((surface) => surface.kind === "road")
        .map((surface) => {
          const [left, right] = [unpack(surface.left), unpack(surface.right)];
          const ring: number[] = [];
          for (let i = 0; i < left.length; i += 3) ring.push(left[i], left[i + 1]);
          for (let i = right.length - 3; i >= 0; i -= 3) ring.push(right[i], right[i + 1]);
          return {
            x: surface.origin_x_m,
            y: surface.origin_y_m,
            ring: Float32Array.from(ring),
          };
        });
    }
    if (frame.route_number !== this.routeNumber) {
      this.routeNumber = frame.route_number;
      this.route = frame.route.length > 0 ? (decode(frame.route) as CockpitRoute) : null;
    }
    if (nowMs - this.drawnMs < DRAW_MS) return;
    this.drawnMs = nowMs;
    this.draw(frame);
  }

  private draw(frame: CockpitFrame): void {
    const canvas = this.renderRoot.querySelector("canvas");
    const context = canvas?.getContext("2d");
    if (!canvas || !context || !frame.ego) return;
    const { clientWidth: width, clientHeight: height } = this;
    const dense = Math.min(devicePixelRatio, 2);
    if (canvas.width !== Math.round(width * dense)) canvas.width = Math.round(width * dense);
    if (canvas.height !== Math.round(height * dense)) canvas.height = Math.round(height * dense);
    const scale = (CAR_AT * height) / AHEAD_M;
    const colours = COLOURS[this.theme];
    const { x_m: ex, y_m: ey, yaw_rad: yaw } = frame.ego;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    // World (x east, y north) to the screen with the heading up.
    const [cos, sin] = [Math.cos(yaw), Math.sin(yaw)];
    const k = dense * scale;
    const [mx, my] = [(dense * width) / 2, dense * height * CAR_AT];
    const at = (x: number, y: number): [number, number] => [
      mx + k * (sin * (x - ex) - cos * (y - ey)),
      my - k * (cos * (x - ex) + sin * (y - ey)),
    ];
    context.fillStyle = colours.road;
    context.strokeStyle = colours.road;
    context.lineWidth = dense;
    context.beginPath();
    for (const { x, y, ring } of this.grounds) {
      for (let i = 0; i < ring.length; i += 2) {
        const [u, v] = at(x + ring[i], y + ring[i + 1]);
        if (i === 0) context.moveTo(u, v);
        else context.lineTo(u, v);
      }
      context.closePath();
    }
    context.fill();
    context.stroke();
    if (this.route) {
      const { x_m: xs, y_m: ys } = this.route;
      context.beginPath();
      xs.forEach((x, i) => {
        context.lineTo(...at(x, ys[i]));
      });
      context.strokeStyle = colours.route;
      context.lineWidth = 4 * dense;
      context.lineJoin = "round";
      context.lineCap = "round";
      context.stroke();
      const [gx, gy] = at(xs[xs.length - 1], ys[ys.length - 1]);
      context.fillStyle = colours.goal;
      context.beginPath();
      context.arc(gx, gy, 7 * dense, 0, 2 * Math.PI);
      context.fill();
    }
    context.fillStyle = colours.car;
    context.beginPath();
    context.moveTo(mx, my - 11 * dense);
    context.lineTo(mx + 8 * dense, my + 9 * dense);
    context.lineTo(mx, my + 5 * dense);
    context.lineTo(mx - 8 * dense, my + 9 * dense);
    context.closePath();
    context.fill();
  }

  override render() {
    return html`<canvas role="img" aria-label=${this.words}></canvas>`;
  }
}

define("volant-map", MapView);
