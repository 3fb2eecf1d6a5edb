import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Source } from "../fleet/source";

interface Asked {
  resolve: (value: string) => void;
  reject: (error: Error) => void;
  signal: AbortSignal;
}

const page = { hidden: false, addEventListener: vi.fn(), removeEventListener: vi.fn() };
const host = {
  addController: vi.fn(),
  removeController: vi.fn(),
  requestUpdate: vi.fn(),
  updateComplete: Promise.resolve(true),
};
let asked: Asked[] = [];

function source(every_ms = 0): Source<string> {
  return new Source<string>(
    host,
    (signal) => new Promise((resolve, reject) => asked.push({ resolve, reject, signal })),
    every_ms,
  );
}

beforeEach(() => {
  asked = [];
  page.hidden = false;
  vi.useFakeTimers();
  vi.stubGlobal("document", page);
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("what a page shows of the server", () => {
  test("an answer that comes after a newer question is dropped", async () => {
    const one = source();
    const first = one.reload();
    const second = one.reload();
    expect(asked[0].signal.aborted).toBe(true);
    asked[1].resolve("new");
    await second;
    asked[0].resolve("old");
    await first;
    expect(one.value).toBe("new");
  });

  test("is asked for again at its beat, slower while it fails, and stays meanwhile", async () => {
    const one = source(1000);
    one.hostConnected();
    asked[0].resolve("a");
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked.length).toBe(2);
    asked[1].reject(new Error("gone"));
    await vi.advanceTimersByTimeAsync(1999);
    expect([one.value, one.error, asked.length]).toEqual(["a", "gone", 2]);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked.length).toBe(3);
    for (let tries = 0; tries < 40; tries += 1) {
      asked[asked.length - 1].reject(new Error("gone"));
      await vi.advanceTimersByTimeAsync(30_000);
    }
    expect(asked.length).toBe(43);
    asked[42].resolve("b");
    await vi.advanceTimersByTimeAsync(0);
    expect([one.value, one.error]).toEqual(["b", ""]);
  });

  test("rests while nobody sees it, and ends with its page", async () => {
    const one = source(1000);
    one.hostConnected();
    page.hidden = true;
    asked[0].resolve("a");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked.length).toBe(1);
    page.hidden = false;
    const wake = page.addEventListener.mock.calls.at(-1)?.[1] as () => void;
    wake();
    expect(asked.length).toBe(2);
    one.hostDisconnected();
    expect(asked[1].signal.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked.length).toBe(2);
  });
});
