/** The capsules as bytes, and what stands inside their seals. */

import { type Bytes, Code, counted, join, KeyError, number, Reader } from "./bytes";
import { Kind } from "./tables.gen";

export const VERSION = 1;
export const SUITE = 1;
export const CAPSULE_MOST_BYTES = 8192;
const BLOB_MOST_BYTES = 4 + 32 + 8 + 8 + 2 + 256 * 16 + 64;
const DATA_MOST_BYTES = 6144;
const TAKEN_MOST = 6;
const CODE_MOST = Math.max(...Object.values(Code));

export function head(kind: number): Bytes {
  return new Uint8Array([VERSION, kind]);
}

/** A reader behind the head of a capsule of one kind; a refusal in clear is thrown as its code. */
export function expectKind(data: Uint8Array, kind: number): Reader {
  if (data.length < 2 || data.length > CAPSULE_MOST_BYTES) throw new KeyError(Code.MALFORMED);
  if (data[0] !== VERSION) throw new KeyError(Code.VERSION);
  if (data[1] === Kind.REFUSED && data.length === 3 && data[2] <= CODE_MOST) {
    throw new KeyError(data[2]);
  }
  if (data[1] !== kind) throw new KeyError(Code.KIND);
  return new Reader(data.subarray(2));
}

export interface Request {
  readonly action: number;
  /** The person asked for it just now. */
  readonly tapped: boolean;
  /** Seconds since the phone last checked its person; 255: never or long ago. */
  readonly verifiedS: number;
  readonly argument: Uint8Array;
  /** Lists of revoked keys and leases that are handed over. */
  readonly attached: readonly Uint8Array[];
}

export function packRequest(request: Request): Bytes {
  return join(
    number(request.action, 2),
    number(request.tapped ? 1 : 0, 1),
    number(request.verifiedS, 1),
    counted(request.argument),
    number(request.attached.length, 1),
    ...request.attached.map((one) => counted(one)),
  );
}

export interface Answer {
  readonly code: number;
  readonly bootMs: number;
  readonly logCount: number;
  readonly logHead: Bytes;
  readonly taken: readonly { code: number; receipt: Bytes }[];
  readonly data: Bytes;
}

export function readAnswer(data: Uint8Array): Answer {
  const reader = new Reader(data);
  const found = {
    code: reader.few(CODE_MOST),
    bootMs: reader.number(8),
    logCount: reader.number(8),
    logHead: reader.take(32),
    taken: reader.many(reader.few(TAKEN_MOST), () => ({
      code: reader.few(CODE_MOST),
      receipt: reader.counted(BLOB_MOST_BYTES),
    })),
    data: reader.counted(DATA_MOST_BYTES),
  };
  reader.end();
  return found;
}

/** The clear part of a fast capsule. */
export function opening(kind: number, sessionId: Uint8Array, counter: number, expiryMs = 0): Bytes {
  const expiry = kind === Kind.REMOTE ? number(expiryMs, 8) : new Uint8Array();
  return join(head(kind), sessionId, number(counter, 4), expiry);
}
