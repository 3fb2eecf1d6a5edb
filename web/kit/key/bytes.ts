/** Fixed layouts as bytes: big-endian numbers, byte strings with their length before them. */

import { Code } from "./tables.gen";

export { Code } from "./tables.gen";

export type Bytes = Uint8Array<ArrayBuffer>;

export class KeyError extends Error {
  /** A number of the table of codes (docs/reference/key-tables.md). */
  constructor(readonly code: number) {
    super(`key refused: ${code}`);
  }
}

export function join(...parts: Uint8Array[]): Bytes {
  const found = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    found.set(part, at);
    at += part.length;
  }
  return found;
}

/** A number, not below zero, in so many bytes. */
export function number(value: number | bigint, size: number): Bytes {
  const found = new Uint8Array(size);
  let rest = BigInt(value);
  for (let at = size - 1; at >= 0; at -= 1) {
    found[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  if (rest !== 0n) throw new RangeError(`${value} does not fit in ${size} bytes`);
  return found;
}

export function counted(data: Uint8Array, size = 2): Bytes {
  return join(number(data.length, size), data);
}

/** Reads what the functions above write; a KeyError (malformed) where the bytes end too early. */
export class Reader {
  private at = 0;

  constructor(private readonly data: Uint8Array) {}

  take(count: number): Bytes {
    const end = this.at + count;
    if (end > this.data.length) throw new KeyError(Code.MALFORMED);
    const found = this.data.slice(this.at, end) as Bytes;
    this.at = end;
    return found;
  }

  /** A number of at most 53 bits, as every time and count of the protocol is. */
  number(size: number): number {
    let value = 0;
    for (const byte of this.take(size)) value = value * 256 + byte;
    if (!Number.isSafeInteger(value)) throw new KeyError(Code.MALFORMED);
    return value;
  }

  signed(): number {
    return this.number(4) | 0;
  }

  few(most: number, size = 1): number {
    const found = this.number(size);
    if (found > most) throw new KeyError(Code.MALFORMED);
    return found;
  }

  counted(most: number, size = 2): Bytes {
    return this.take(this.few(most, size));
  }

  many<T>(count: number, read: () => T): T[] {
    return Array.from({ length: count }, read);
  }

  rest(): Bytes {
    return this.take(this.data.length - this.at);
  }

  end(): void {
    if (this.at !== this.data.length) throw new KeyError(Code.MALFORMED);
  }
}
