/** What the frame around an app shows, by what the car last said. Pure. */

export interface State {
  readonly name: string;
  readonly page: string;
  readonly while_moving: "nothing" | "card";
  readonly moving: boolean;
  readonly card: readonly string[];
}

/** Whoever has heard nothing for so long takes the car to move. */
export const SILENT_MS = 1500;

export interface View {
  /** `shown` in full; `hidden` but alive, so that it can go on with its card; `none`: taken away. */
  readonly app: "shown" | "hidden" | "none";
  readonly words: string;
  readonly card: readonly string[];
}

export function viewOf(state: State | null, agedMs: number): View {
  if (!state) return { app: "none", words: "Waiting for the car", card: [] };
  const silent = agedMs > SILENT_MS;
  if (!silent && !state.moving) return { app: "shown", words: "", card: [] };
  const words = silent ? "No word from the car" : "The car moves";
  if (state.while_moving === "nothing") return { app: "none", words, card: [] };
  return { app: "hidden", words, card: silent ? [] : state.card };
}
