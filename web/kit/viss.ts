/**
 * An app page's talk with its car: VISS version 2 over the WebSocket of the page's own address, with tokens
 * that last two minutes and are fetched anew in time. Reconnects and subscribes again by itself.
 */

export interface Point {
  readonly value: string | readonly string[];
  readonly ts: string;
}

/** Signals by path; of history each has several points. */
export type Data = Map<string, Point[]>;

/** The car's no, in the car's words. */
export class Refused extends Error {
  constructor(
    readonly reason: string,
    words: string,
  ) {
    super(words);
  }
}

interface Answer {
  action?: string;
  requestId?: string;
  subscriptionId?: string;
  data?: unknown;
  error?: { number: number; reason: string; message: string };
}

interface Row {
  path: string;
  dp: Point | Point[];
}

const RETRY_MS = 1000;
const ANSWER_MS = 5000;
/** Of one subscription. */
const MOST_PATHS = 20;

/** `data` of a message, which has an object for one signal and an array for several. */
export function dataOf(data: unknown): Data {
  const rows = (Array.isArray(data) ? data : data ? [data] : []) as Row[];
  return new Map(rows.map((row) => [row.path, Array.isArray(row.dp) ? row.dp : [row.dp]]));
}

export class Viss {
  private socket: WebSocket | null = null;
  private token = "";
  private count = 0;
  private readonly waiting = new Map<string, (answer: Answer) => void>();
  /** Names of the subscriptions under the present token. */
  private heard: string[] = [];

  constructor(
    /** All that is to be heard, below `Vehicle`. */
    private readonly paths: readonly string[],
    private readonly onData: (data: Data) => void,
    private readonly onLink: (up: boolean) => void,
    private readonly base = new URL("../", location.href),
  ) {}

  /** Talk for as long as the page lives. */
  async run(): Promise<never> {
    for (;;) {
      try {
        const lives_s = await this.renew();
        const { closed } = await this.connect();
        await this.subscribe();
        this.onLink(true);
        this.keep(lives_s);
        await closed;
      } catch {
        this.socket?.close();
      }
      this.onLink(false);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Ask for a value to be set; it is on its way when this ends, and was refused when it throws. */
  async set(path: string, value: string): Promise<void> {
    await this.ask({ action: "set", path, value });
  }

  /** What signals below `Vehicle` were, back from now. */
  async history(paths: readonly string[], seconds: number): Promise<Data> {
    const filter = [
      { type: "paths", parameter: paths },
      { type: "history", parameter: `PT${seconds}S` },
    ];
    const answer = await this.ask({ action: "get", path: "Vehicle", filter });
    return dataOf(answer.data);
  }

  /** Show a card on the driver's page. */
  async card(title: string, lines: readonly string[]): Promise<void> {
    const body = JSON.stringify({ token: this.token, title, lines });
    await fetch(new URL("card", this.base), { method: "POST", body });
  }

  private async renew(): Promise<number> {
    const answer = await fetch(new URL("token", this.base), { method: "POST" });
    if (!answer.ok) throw new Refused("token", await answer.text());
    const found = (await answer.json()) as { token: string; lives_s: number };
    this.token = found.token;
    return found.lives_s;
  }

  /** A new token in time, and the subscription under it. */
  private keep(lives_s: number): void {
    const mine = this.socket;
    const again = async () => {
      if (this.socket !== mine || mine?.readyState !== WebSocket.OPEN) return;
      try {
        const next_s = await this.renew();
        const old = this.heard;
        await this.subscribe();
        for (const name of old) await this.ask({ action: "unsubscribe", subscriptionId: name });
        setTimeout(again, (next_s / 2) * 1000);
      } catch {
        mine.close();
      }
    };
    setTimeout(again, (lives_s / 2) * 1000);
  }

  /** Connect; what this gives ends when the socket does. */
  private connect(): Promise<{ closed: Promise<void> }> {
    const address = new URL("viss", this.base);
    address.protocol = "ws:";
    const socket = new WebSocket(address, "VISSv2");
    this.socket = socket;
    socket.onmessage = (event) => this.hear(JSON.parse(String(event.data)) as Answer);
    return new Promise((resolve, reject) => {
      const closed = new Promise<void>((over) => {
        socket.onclose = () => {
          for (const answer of this.waiting.values()) answer(LOST);
          over();
          reject(new Refused("lost", "No link to the car."));
        };
      });
      // In an object of its own, because a promise that resolves to a promise waits for it.
      socket.onopen = () => resolve({ closed });
    });
  }

  private async subscribe(): Promise<void> {
    const names: string[] = [];
    this.heard = names;
    for (let first = 0; first < this.paths.length; first += MOST_PATHS) {
      const parameter = this.paths.slice(first, first + MOST_PATHS);
      const filter = { type: "paths", parameter };
      const answer = await this.ask({ action: "subscribe", path: "Vehicle", filter });
      names.push(answer.subscriptionId ?? "");
    }
  }

  private ask(request: Record<string, unknown>): Promise<Answer> {
    const requestId = String(++this.count);
    const { socket } = this;
    return new Promise((resolve, reject) => {
      if (socket?.readyState !== WebSocket.OPEN) {
        reject(new Refused("lost", "No link to the car."));
        return;
      }
      const take = (answer: Answer) => {
        clearTimeout(late);
        this.waiting.delete(requestId);
        const { error } = answer;
        if (error) reject(new Refused(error.reason, error.message));
        else resolve(answer);
      };
      const late = setTimeout(() => take(SILENT), ANSWER_MS);
      this.waiting.set(requestId, take);
      socket.send(JSON.stringify({ ...request, requestId, authorization: this.token }));
    });
  }

  private hear(answer: Answer): void {
    if (answer.action === "subscription") {
      if (!answer.error) this.onData(dataOf(answer.data));
      else if (this.heard.includes(answer.subscriptionId ?? "")) this.socket?.close();
    } else if (answer.requestId) {
      this.waiting.get(answer.requestId)?.(answer);
    }
  }
}

const LOST: Answer = { error: { number: 0, reason: "lost", message: "No link to the car." } };
const SILENT: Answer = {
  error: { number: 0, reason: "silent", message: "The car does not answer." },
};
