/** Something that a page shows of the server: fetched when the page comes, again at a beat while somebody sees it. */
import type { ReactiveController, ReactiveControllerHost } from "lit";

const SLOWEST_MS = 30_000;

export class Source<T> implements ReactiveController {
  value: T | null = null;
  /** Why the last try brought nothing; what was there before is still shown. */
  error = "";
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped: AbortController | null = null;
  private failed = 0;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly load: (signal: AbortSignal) => Promise<T>,
    /** 0: only when asked. */
    private readonly every_ms = 0,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    document.addEventListener("visibilitychange", this.wake);
    void this.reload();
  }

  hostDisconnected(): void {
    document.removeEventListener("visibilitychange", this.wake);
    this.halt();
  }

  /** Fetch now; an answer that was under way is no longer wanted. */
  async reload(): Promise<void> {
    this.halt();
    const mine = new AbortController();
    this.stopped = mine;
    try {
      const found = await this.load(mine.signal);
      if (mine.signal.aborted) return;
      this.value = found;
      this.error = "";
      this.failed = 0;
    } catch (error) {
      if (mine.signal.aborted) return;
      this.error = error instanceof Error ? error.message : String(error);
      this.failed += 1;
    }
    this.host.requestUpdate();
    this.plan();
  }

  private readonly wake = (): void => {
    if (!document.hidden && this.every_ms) void this.reload();
  };

  private plan(): void {
    if (!this.every_ms || document.hidden) return;
    const wait_ms = Math.min(this.every_ms * 2 ** this.failed, Math.max(SLOWEST_MS, this.every_ms));
    // Consoles that lost the same server do not all come back in one moment.
    this.timer = setTimeout(
      () => void this.reload(),
      this.failed ? wait_ms * (0.5 + Math.random()) : wait_ms,
    );
  }

  private halt(): void {
    clearTimeout(this.timer);
    this.stopped?.abort();
    this.stopped = null;
  }
}
