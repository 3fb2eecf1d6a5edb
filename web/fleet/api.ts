/** The fleet's management API. The token is sent with each request and kept nowhere else here. */
import { words } from "./words";

const ANSWER_MS = 30_000;

/** What the server said no to, in its words; status 0: it was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    words: string,
  ) {
    super(words);
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>;

export class Api {
  constructor(
    private readonly token: string,
    private readonly base: string,
    private readonly onOut: (why: string) => void,
  ) {}

  get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return this.ask<T>("GET", path, query, undefined, signal);
  }

  send<T>(
    method: "POST" | "PUT" | "DELETE",
    path: string,
    body?: unknown,
    query: Query = {},
  ): Promise<T> {
    return this.ask<T>(method, path, query, body);
  }

  /** A file as it lies on the disk, never in memory; told how many bytes have gone. Aborted, nothing of it stays. */
  upload<T>(
    path: string,
    file: Blob,
    told: (sent: number) => void,
    signal: AbortSignal,
  ): Promise<T> {
    return new Promise((done, fail) => {
      const request = new XMLHttpRequest();
      const stop = () => request.abort();
      signal.addEventListener("abort", stop);
      request.upload.onprogress = (event) => told(event.loaded);
      request.onloadend = () => {
        signal.removeEventListener("abort", stop);
        if (request.status >= 200 && request.status < 300) {
          done(JSON.parse(request.responseText) as T);
          return;
        }
        if (request.status === 0) {
          fail(new ApiError(0, signal.aborted ? words.upload.stopped : words.errors.unreached));
          return;
        }
        const later = request.getResponseHeader("retry-after");
        const why = whyNot(request.status, request.responseText, later);
        if (request.status === 401) this.onOut(why);
        fail(new ApiError(request.status, why));
      };
      request.open("PUT", addressOf(this.base, path, {}));
      request.setRequestHeader("authorization", `Bearer ${this.token}`);
      request.setRequestHeader("content-type", "application/octet-stream");
      request.send(file);
    });
  }

  private async ask<T>(
    method: string,
    path: string,
    query: Query,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<T> {
    const late = AbortSignal.timeout(ANSWER_MS);
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(addressOf(this.base, path, query), {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, late]) : late,
        cache: "no-store",
        credentials: "omit",
      });
      text = await answer.text();
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError(0, words.errors.unreached);
    }
    if (answer.ok) return (text ? JSON.parse(text) : null) as T;
    const why = whyNot(answer.status, text, answer.headers.get("retry-after"));
    if (answer.status === 401) this.onOut(why);
    throw new ApiError(answer.status, why);
  }
}

/** Address of a request; what is undefined or empty in the query is left out. */
export function addressOf(base: string, path: string, query: Query): string {
  const told = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(told.map(([name, value]) => [name, String(value)]));
  return `${base}${path}${told.length ? `?${search}` : ""}`;
}

/** A path of words, each written so that no word is taken for two. */
export function pathOf(...parts: string[]): string {
  return parts.map(encodeURIComponent).join("/");
}

/** What to tell people of an answer that is no success. */
export function whyNot(status: number, text: string, retryAfter: string | null): string {
  let told = "";
  try {
    const found = JSON.parse(text) as { error?: unknown };
    if (typeof found?.error === "string") told = found.error;
  } catch {
    // A proxy's page; it is not for people.
  }
  const wait_s = Number(retryAfter ?? Number.NaN);
  const wait = Number.isFinite(wait_s) && wait_s > 0 ? words.errors.again(wait_s) : "";
  return [told || words.errors.status(status), wait].filter(Boolean).join("; ");
}
