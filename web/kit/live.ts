/**
 * The socket to the car: frames in, a word back. Reconnects by itself; what is older than STALE_MS is
 * stale, whoever is to blame. The token stands in the page's own address, so a relative one suffices.
 */
import type {
  CockpitControl,
  CockpitFrame,
  CockpitHands,
  CockpitPainted,
  CockpitPress,
  CockpitSeat,
  CockpitWish,
} from "./messages.gen";
import { SCHEMA_HASH } from "./messages.gen";
import { decode } from "./msgpack";

export const STALE_MS = 250;
const RETRY_MS = [200, 400, 800, 1600];
const CLOSE_ENDED = 4000;

export type ToServer =
  | CockpitControl
  | CockpitPainted
  | CockpitSeat
  | CockpitHands
  | CockpitPress
  | CockpitWish;
export type LinkState = "waiting" | "live" | "lost" | "ended" | "other-version";

export class Live {
  frame: CockpitFrame | null = null;
  /** When the newest frame came, by performance.now(). */
  cameMs = Number.NEGATIVE_INFINITY;
  state: LinkState = "waiting";
  private socket: WebSocket | null = null;
  private tries = 0;

  constructor(
    private readonly address: URL,
    private readonly onFrame: (frame: CockpitFrame, nowMs: number) => void,
    private readonly onSeat: (seat: CockpitSeat) => void = () => {},
    private readonly onClosed: () => void = () => {},
  ) {}

  open(): void {
    const socket = new WebSocket(this.address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => {
      if (typeof event.data === "string") this.onSeat(JSON.parse(event.data) as CockpitSeat);
      else this.take(event.data);
    };
    socket.onclose = (event) => this.closed(event.code);
    this.socket = socket;
  }

  send(message: ToServer): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  isStale(nowMs: number): boolean {
    return nowMs - this.cameMs > STALE_MS;
  }

  private take(data: ArrayBuffer): void {
    const frame = decode(new Uint8Array(data)) as CockpitFrame;
    if (frame.schema !== SCHEMA_HASH) {
      this.state = "other-version";
      return;
    }
    this.tries = 0;
    this.state = "live";
    this.frame = frame;
    this.cameMs = performance.now();
    this.onFrame(frame, this.cameMs);
  }

  private closed(code: number): void {
    this.socket = null;
    this.onClosed();
    if (code === CLOSE_ENDED) {
      this.state = "ended";
      return;
    }
    if (this.state === "live") this.state = "lost";
    const wait = RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)];
    // A car that is gone for good is not called for ever: the console stays clean, the label stays true.
    if (this.tries <= 5) setTimeout(() => this.open(), wait);
  }
}
