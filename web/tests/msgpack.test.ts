import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { CockpitFrame, CockpitRoad } from "../kit/messages.gen";
import { FIELDS, SCHEMA_HASH } from "../kit/messages.gen";
import { decode, MsgpackError } from "../kit/msgpack";

const folder = new URL("./fixtures/", import.meta.url);
const packed = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const json = (name: string) => JSON.parse(readFileSync(new URL(name, folder), "utf8"));

/** As msgspec writes bytes in JSON. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  }
  return value;
}

describe("messages of the car", () => {
  const wanted = json("messages.json") as Record<string, Record<string, unknown>>;
  const got = decode(packed("messages.msgpack")) as Record<string, Record<string, unknown>>;

  it.each(Object.keys(wanted))("%s decodes to what the car wrote", (name) => {
    expect(plain(got[name])).toEqual(wanted[name]);
  });

  it.each(Object.keys(wanted))("%s has the fields of its generated type", (name) => {
    const fields = Object.keys(got[name]).filter((field) => field !== "type");
    expect(fields.sort()).toEqual([...FIELDS[name]].sort());
  });

  it("a stamp keeps every nanosecond", () => {
    expect(got.CarState.stamp_ns).toBe(1_234_567_890_123);
  });
});

describe("a real frame", () => {
  const frame = decode(packed("frame.msgpack")) as CockpitFrame;

  it("has this screen's schema and the drive's values", () => {
    expect(frame.schema).toBe(SCHEMA_HASH);
    expect(frame.stamp_ns).toBe(4_000_000_000);
    expect(frame.car?.gear).toBe("drive");
    expect(frame.tracks.map((track) => track.object_class)).toEqual(["car", "lorry", "car"]);
    expect(frame.plan?.gap_m).toBeCloseTo(38.48, 1);
  });

  it("holds a map window that decodes by itself", () => {
    const road = decode(frame.road) as CockpitRoad;
    expect(road.lines.length).toBeGreaterThan(20);
    expect(road.lines[0].points.byteLength % 6).toBe(0);
  });
});

describe("bytes that are wrong", () => {
  it.each([
    ["nothing", []],
    ["a string cut off", [0xa5, 0x61]],
    ["a number cut off", [0xcb, 0, 0]],
    ["a list longer than its message", [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ["bytes left over", [0x01, 0x01]],
    ["an unknown type", [0xc1]],
    ["an extension", [0xd4, 1, 2]],
    ["a key that is a number", [0x81, 0x01, 0x01]],
    ["an integer beyond 2^53", [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ["a hundred lists in each other", Array(100).fill(0x91)],
  ])("%s is an error", (_, bytes) => {
    expect(() => decode(Uint8Array.from(bytes as number[]))).toThrow(MsgpackError);
  });

  it("a broken UTF-8 string is an error", () => {
    expect(() => decode(Uint8Array.from([0xa1, 0xff]))).toThrow();
  });

  it("no key reaches the prototype", () => {
    const bytes = [0x81, 0xa9, ...Buffer.from("__proto__"), 0x80];
    expect(() => decode(Uint8Array.from(bytes))).toThrow(MsgpackError);
  });
});

describe("small values", () => {
  it.each([
    [[0x00], 0],
    [[0x7f], 127],
    [[0xff], -1],
    [[0xe0], -32],
    [[0xd0, 0x80], -128],
    [[0xd1, 0x80, 0x00], -32768],
    [[0xd2, 0x80, 0, 0, 0], -2147483648],
    [[0xce, 0xff, 0xff, 0xff, 0xff], 4294967295],
    [[0xcf, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 2 ** 53 - 1],
    [[0xca, 0x3f, 0x80, 0, 0], 1],
    [[0xc0], null],
    [[0xc2], false],
    [[0xc3], true],
    [[0xa2, 0xc3, 0xa4], "ä"],
  ])("%j is %j", (bytes, value) => {
    expect(decode(Uint8Array.from(bytes as number[]))).toBe(value);
  });
});
