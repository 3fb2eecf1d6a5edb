/** A recorded case as frames of the cockpit: what happened, at any time between its pictures. */
import type {
  CockpitFrame,
  CockpitLight,
  CockpitRoad,
  CockpitTrack,
  Indicator,
  LightState,
  ObjectClass,
} from "../kit/messages.gen";
import { decode } from "../kit/msgpack";

/** One case as the report packs it; rows as in `Replay` (src/volant/sim/exam/figures.py). */
export interface Film {
  name: string;
  kind: string;
  passed: boolean;
  reasons: readonly string[];
  length_m: number;
  width_m: number;
  rear_overhang_m: number;
  stamps_s: readonly number[];
  ego: readonly (readonly number[])[];
  objects: readonly (readonly (readonly (number | string)[])[])[];
  lights: readonly (readonly (readonly [string, string])[])[];
  words: readonly string[];
  contacts_s: readonly number[];
  /** Number of its road in `Packed.roads`. */
  road: number;
}

export interface Packed {
  roads: readonly string[];
  films: readonly Film[];
}

enum Ego {
  X,
  Y,
  Yaw,
  Speed,
  Accel,
  Side,
  Steer,
  Gap,
  Z,
}

enum Other {
  Id,
  Class,
  X,
  Y,
  Yaw,
  Speed,
  Length,
  Width,
  Height,
  Z,
  Braking,
  Indicator,
}

const PER_S = 1e9;
/** Somebody who moved further between two pictures than this came anew. */
const JUMP_M = 15;
const BRAKES_MPS2 = -0.7;

const between = (a: number, b: number, part: number): number => a + part * (b - a);

function turned(a: number, b: number, part: number): number {
  const way = b - a - 2 * Math.PI * Math.round((b - a) / (2 * Math.PI));
  return a + part * way;
}

export function bytesOf(base64: string): Uint8Array {
  const raw = atob(base64);
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

/** Unpack what the report holds: base64 of gzip of JSON. */
export async function unpackFilms(base64: string): Promise<Packed> {
  const plain = new Blob([bytesOf(base64) as BlobPart])
    .stream()
    .pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(plain).text()) as Packed;
}

export class Projector {
  private readonly posts = new Map<string, { x_m: number; y_m: number; z_m: number }>();

  constructor(
    readonly film: Film,
    private readonly road: Uint8Array,
    /** Tells one case's map from another's. */
    private readonly window: number,
  ) {
    for (const post of (decode(road) as CockpitRoad).posts) this.posts.set(post.signal, post);
  }

  get end_s(): number {
    return this.film.stamps_s[this.film.stamps_s.length - 1] ?? 0;
  }

  /** The picture at or before a time, and how far it is to the next one (0 to 1). */
  private at(time_s: number): [number, number] {
    const stamps = this.film.stamps_s;
    let low = 0;
    let high = stamps.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (stamps[middle] <= time_s) low = middle;
      else high = middle - 1;
    }
    if (low + 1 >= stamps.length) return [low, 0];
    const part = (time_s - stamps[low]) / (stamps[low + 1] - stamps[low]);
    return [low, Math.min(Math.max(part, 0), 1)];
  }

  words(time_s: number): string {
    return this.film.words[this.at(time_s)[0]] ?? "";
  }

  /** Speed, acceleration and gap at a time; the gap is null where nobody is ahead. */
  figures(time_s: number): { speed_mps: number; accel_mps2: number; gap_m: number | null } {
    const [row, part] = this.at(time_s);
    const [now, next] = [this.film.ego[row], this.film.ego[row + 1] ?? this.film.ego[row]];
    return {
      speed_mps: between(now[Ego.Speed], next[Ego.Speed], part),
      accel_mps2: between(now[Ego.Accel], next[Ego.Accel], part),
      gap_m: now[Ego.Gap] < 0 ? null : now[Ego.Gap],
    };
  }

  frame(time_s: number, sequence: number): CockpitFrame {
    const { film } = this;
    const [row, part] = this.at(time_s);
    const [now, next] = [film.ego[row], film.ego[row + 1] ?? film.ego[row]];
    const stamp_ns = time_s * PER_S;
    const span_s = (film.stamps_s[row + 1] ?? film.stamps_s[row] + 1) - film.stamps_s[row];
    const run_m = Math.max(Math.hypot(next[Ego.X] - now[Ego.X], next[Ego.Y] - now[Ego.Y]), 0.5);
    return {
      schema: "",
      sequence,
      stamp_ns,
      car_age_s: 0,
      pilot_age_s: 0,
      car: {
        stamp_ns,
        speed_mps: now[Ego.Speed],
        accel_mps2: now[Ego.Accel],
        gear: "drive",
        indicator: "off",
        brake_lights: now[Ego.Accel] < BRAKES_MPS2,
        hold: false,
        charge_pct: 0,
        range_m: 0,
        battery_power_w: 0,
        steer_rad: now[Ego.Steer],
        accelerator: 0,
        brake: 0,
        hands_on: true,
        eyes_on: true,
        valid: true,
      },
      ego: {
        stamp_ns,
        x_m: between(now[Ego.X], next[Ego.X], part),
        y_m: between(now[Ego.Y], next[Ego.Y], part),
        z_m: between(now[Ego.Z], next[Ego.Z], part),
        yaw_rad: turned(now[Ego.Yaw], next[Ego.Yaw], part),
        grade: (next[Ego.Z] - now[Ego.Z]) / run_m,
        yaw_rate_rps: (turned(now[Ego.Yaw], next[Ego.Yaw], 1) - now[Ego.Yaw]) / span_s,
        speed_mps: between(now[Ego.Speed], next[Ego.Speed], part),
        length_m: film.length_m,
        width_m: film.width_m,
        rear_overhang_m: film.rear_overhang_m,
        valid: true,
      },
      tracks_stamp_ns: stamp_ns,
      tracks: this.tracks(row, part),
      plan: null,
      pilot: null,
      guard: null,
      stop: null,
      alert: null,
      road_window: this.window,
      road: this.road,
      lights: this.lights(row),
      aeb: null,
      route_number: 0,
      route: new Uint8Array(),
      codes: null,
      energy: null,
      apps: [],
      charge: null,
      update: null,
      replay: null,
    };
  }

  private tracks(row: number, part: number): CockpitTrack[] {
    const later = new Map((this.film.objects[row + 1] ?? []).map((one) => [one[Other.Id], one]));
    return (this.film.objects[row] ?? []).map((one) => {
      const found = later.get(one[Other.Id]) ?? one;
      const number = (at: Other) => one[at] as number;
      const far = Math.hypot(
        (found[Other.X] as number) - number(Other.X),
        (found[Other.Y] as number) - number(Other.Y),
      );
      const then = far > JUMP_M ? one : found;
      const mixed = (at: Other) => between(number(at), then[at] as number, part);
      return {
        track_id: number(Other.Id),
        object_class: one[Other.Class] as ObjectClass,
        x_m: mixed(Other.X),
        y_m: mixed(Other.Y),
        z_m: mixed(Other.Z),
        yaw_rad: turned(number(Other.Yaw), then[Other.Yaw] as number, part),
        speed_mps: mixed(Other.Speed),
        accel_mps2: 0,
        yaw_rate_rps: 0,
        length_m: number(Other.Length),
        width_m: number(Other.Width),
        height_m: number(Other.Height),
        confidence: 1,
        brake_lights: one[Other.Braking] === 1,
        indicator: one[Other.Indicator] as Indicator,
        ghost: false,
      };
    });
  }

  private lights(row: number): CockpitLight[] {
    const found: CockpitLight[] = [];
    for (const [signal, state] of this.film.lights[row] ?? []) {
      const post = this.posts.get(signal);
      if (post) {
        found.push({ x_m: post.x_m, y_m: post.y_m, z_m: post.z_m, state: state as LightState });
      }
    }
    return found;
  }
}
