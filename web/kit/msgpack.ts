/**
 * Reads MessagePack as the car writes it. No extension types: the car sends none, and what is not known
 * is an error rather than a guess.
 */

const text = new TextDecoder("utf-8", { fatal: true });

/** Short strings repeat in every frame (field names, enum values); decoding them once is enough. */
const known = new Map<string, string>();
const KNOWN_MAX = 4096;

export class MsgpackError extends Error {}

class Reader {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get rest(): number {
    return this.bytes.length - this.at;
  }

  value(depth = 0): unknown {
    if (depth > 32) throw new MsgpackError("nested too deep");
    const head = this.byte();
    if (head < 0x80) return head;
    if (head < 0x90) return this.map(head & 0x0f, depth);
    if (head < 0xa0) return this.list(head & 0x0f, depth);
    if (head < 0xc0) return this.string(head & 0x1f);
    if (head >= 0xe0) return head - 0x100;
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.binary(this.byte());
      case 0xc5:
        return this.binary(this.number(2, "getUint16"));
      case 0xc6:
        return this.binary(this.number(4, "getUint32"));
      case 0xca:
        return this.number(4, "getFloat32");
      case 0xcb:
        return this.number(8, "getFloat64");
      case 0xcc:
        return this.byte();
      case 0xcd:
        return this.number(2, "getUint16");
      case 0xce:
        return this.number(4, "getUint32");
      case 0xcf:
        return this.wide("getBigUint64");
      case 0xd0:
        return this.number(1, "getInt8");
      case 0xd1:
        return this.number(2, "getInt16");
      case 0xd2:
        return this.number(4, "getInt32");
      case 0xd3:
        return this.wide("getBigInt64");
      case 0xd9:
        return this.string(this.byte());
      case 0xda:
        return this.string(this.number(2, "getUint16"));
      case 0xdb:
        return this.string(this.number(4, "getUint32"));
      case 0xdc:
        return this.list(this.number(2, "getUint16"), depth);
      case 0xdd:
        return this.list(this.number(4, "getUint32"), depth);
      case 0xde:
        return this.map(this.number(2, "getUint16"), depth);
      case 0xdf:
        return this.map(this.number(4, "getUint32"), depth);
      default:
        throw new MsgpackError(`unknown type 0x${head.toString(16)} at ${this.at - 1}`);
    }
  }

  private skip(count: number): number {
    const from = this.at;
    if (count > this.rest) throw new MsgpackError(`cut off at ${from}`);
    this.at += count;
    return from;
  }

  private byte(): number {
    return this.bytes[this.skip(1)];
  }

  private number(
    size: number,
    read:
      | "getUint16"
      | "getUint32"
      | "getInt8"
      | "getInt16"
      | "getInt32"
      | "getFloat32"
      | "getFloat64",
  ): number {
    return this.view[read](this.skip(size));
  }

  /** The car's stamps stay below 2^53, so a number keeps them exact. */
  private wide(read: "getBigUint64" | "getBigInt64"): number {
    const exact = Number(this.view[read](this.skip(8)));
    if (!Number.isSafeInteger(exact)) throw new MsgpackError("an integer beyond 2^53");
    return exact;
  }

  private string(length: number): string {
    const from = this.skip(length);
    const piece = this.bytes.subarray(from, from + length);
    if (length > 24) return text.decode(piece);
    const key = String.fromCharCode(...piece);
    let found = known.get(key);
    if (found === undefined) {
      found = text.decode(piece);
      if (known.size < KNOWN_MAX) known.set(key, found);
    }
    return found;
  }

  private binary(length: number): Uint8Array {
    const from = this.skip(length);
    return this.bytes.subarray(from, from + length);
  }

  private list(length: number, depth: number): unknown[] {
    if (length > this.rest) throw new MsgpackError("a list longer than its message");
    const values = new Array<unknown>(length);
    for (let i = 0; i < length; i++) values[i] = this.value(depth + 1);
    return values;
  }

  private map(length: number, depth: number): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (let i = 0; i < length; i++) {
      const key = this.value(depth + 1);
      if (typeof key !== "string" || key === "__proto__")
        throw new MsgpackError("a key that is no name");
      values[key] = this.value(depth + 1);
    }
    return values;
  }
}

/** One whole message; bytes left over are an error. Binary parts are views into `bytes`. */
export function decode(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes);
  const value = reader.value();
  if (reader.rest) throw new MsgpackError(`${reader.rest} bytes left over`);
  return value;
}
