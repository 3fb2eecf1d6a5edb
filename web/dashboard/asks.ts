/** What was asked of the car, and what became of it, in words. Pure but for its count. */

export interface Ask {
  /** Tells it from the others. */
  readonly number: number;
  /** Its name for people, such as "Front left window to 50 %". */
  readonly words: string;
  readonly path: string;
  readonly wanted: string;
  readonly stage: "asked" | "granted" | "done" | "late" | "refused";
  /** Why it was refused. */
  readonly why: string;
}

let count = 0;

export function ask(words: string, path: string, wanted: string): Ask {
  return { number: ++count, words, path, wanted, stage: "asked", why: "" };
}

/** The car has handed it on to who moves it. */
export function granted(one: Ask): Ask {
  return one.stage === "asked" ? { ...one, stage: "granted" } : one;
}

export function refused(one: Ask, message: string): Ask {
  return { ...one, stage: "refused", why: reasonOf(message) };
}

/** Much time has passed. */
export function late(one: Ask): Ask {
  return one.stage === "asked" || one.stage === "granted" ? { ...one, stage: "late" } : one;
}

/** The signal's value as it is now: what was asked for is done when it is reached. */
export function heard(one: Ask, value: string): Ask {
  const open = one.stage === "asked" || one.stage === "granted" || one.stage === "late";
  return open && same(one.wanted, value) ? { ...one, stage: "done" } : one;
}

export function wordsOf(one: Ask | null): string {
  if (!one) return "";
  switch (one.stage) {
    case "asked":
      return `${one.words}: asked …`;
    case "granted":
      return `${one.words}: on its way …`;
    case "done":
      return `${one.words}: done.`;
    case "late":
      return `${one.words}: the car has not done it.`;
    case "refused":
      return `${one.words}: refused. ${one.why}`;
  }
}

/** The car's own words stand behind the path and before the standard's sentence. */
function reasonOf(message: string): string {
  const own = /Vehicle[.\w]*:\s*(.+?)(\. The (server|client) .*)?$/s.exec(message)?.[1] ?? message;
  const words = own.charAt(0).toUpperCase() + own.slice(1);
  return /[.!?]$/.test(words) ? words : `${words}.`;
}

function same(wanted: string, value: string): boolean {
  const [a, b] = [Number(wanted), Number(value)];
  return Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) < 0.05 : wanted === value;
}
