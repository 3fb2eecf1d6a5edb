import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  certificateBody,
  leaseBody,
  listBody,
  readCertificate,
  readLease,
  readList,
  readPairingCode,
  readReceipt,
  signed,
} from "../kit/key/blobs";
import { type Bytes, Code, KeyError, number, Reader } from "../kit/key/bytes";
import { expectKind, packRequest, readAnswer } from "../kit/key/capsule";
import { derive, keyId, keyPairFrom, makeKeyPair } from "../kit/key/crypto";
import {
  hello,
  identityChain,
  identityKnown,
  identityPair,
  local,
  open,
  remote,
} from "../kit/key/phone";
import { Action, Role, WORDS } from "../kit/key/tables.gen";

const file = new URL("../../docs/reference/key-vectors.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8"));

const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const bytes = (text: string): Bytes => Uint8Array.from(Buffer.from(text, "hex"));

/** Bytes as hex, however deep. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  }
  return value;
}

// biome-ignore lint/suspicious/noExplicitAny: the vectors are JSON
function requestOf(found: any) {
  return {
    action: found.action,
    tapped: found.tapped,
    verifiedS: found.verifiedS,
    argument: bytes(found.argument),
    attached: found.attached.map(bytes),
  };
}

const refused = async (code: number, work: () => unknown) => {
  await expect((async () => work())()).rejects.toThrow(new KeyError(code));
};

const carPublic = bytes(vectors.car.public);
const ephemeral = async (secret: string, sent: Bytes) => keyPairFrom(bytes(secret), sent.slice(3));

describe("keys", () => {
  it("derives as RFC 5869 says", async () => {
    const { secret, salt, info, found } = vectors.hkdf;
    expect(hex(await derive(bytes(secret), bytes(salt), bytes(info), 42))).toBe(found);
  });

  it("names a key", async () => {
    expect(hex(await keyId(carPublic))).toBe(vectors.car.keyId);
  });

  it("keeps a secret that the page cannot read", async () => {
    const made = await makeKeyPair();
    await expect(crypto.subtle.exportKey("jwk", made.agree)).rejects.toThrow();
    await expect(crypto.subtle.exportKey("jwk", made.sign)).rejects.toThrow();
  });
});

// biome-ignore lint/suspicious/noExplicitAny: the vectors are JSON
describe.each(vectors.exchanges as any[])("the exchange $name", (found) => {
  const run = async (answer: Bytes) => {
    const own = await keyPairFrom(bytes(vectors.phone.secret), bytes(vectors.phone.public));
    const fresh = await ephemeral(found.phoneEphemeral, bytes(found.hello));
    return open(
      own,
      fresh,
      carPublic,
      answer,
      requestOf(found.request),
      bytes(found.identity),
      bytes(found.oneTime),
    );
  };

  it("says hello with the same bytes", () => {
    expect(hex(hello(bytes(found.hello).slice(3)))).toBe(found.hello);
  });

  it("opens with the same bytes", async () => {
    const got = await run(bytes(found.answer));
    expect(hex(got.data)).toBe(found.open);
    expect(hex(got.epoch)).toBe(found.epoch);
    expect(got.bootMs).toBe(found.bootMs);
    expect(hex(got.sessionId)).toBe(found.sessionId);
    expect(hex(got.resume)).toBe(found.resume);
    expect(plain(await got.heard(bytes(found.opened)))).toEqual(found.heard);
  });

  it("takes no answer that was touched", async () => {
    for (const at of [3, 70, found.answer.length / 2 - 1]) {
      const wrong = bytes(found.answer);
      wrong[at] ^= 1;
      await expect(run(wrong)).rejects.toThrow(KeyError);
    }
    const got = await run(bytes(found.answer));
    const wrong = bytes(found.opened);
    wrong[wrong.length - 1] ^= 1;
    await refused(Code.TAG, () => got.heard(wrong));
    await refused(12, () => got.heard(bytes("01150c")));
  });
});

// biome-ignore lint/suspicious/noExplicitAny: the vectors are JSON
describe.each(vectors.fast as any[])("the fast command $name", (found) => {
  const run = (): Promise<Awaited<ReturnType<typeof local>>> => {
    const { counter, expiryMs } = found;
    const session = {
      carPublic,
      sessionId: bytes(found.sessionId),
      resume: bytes(found.resume),
      counter,
    };
    const request = requestOf(found.request);
    return found.greeting
      ? local(session, bytes(found.greeting), request)
      : remote(session, bytes(found.epoch), expiryMs, request);
  };

  it("is the same bytes, and hears the same answer", async () => {
    const got = await run();
    expect(hex(packRequest(requestOf(found.request)))).toBe(found.request.bytes);
    expect(hex(got.data)).toBe(found.capsule);
    expect(plain(await got.heard(bytes(found.reply)))).toEqual(found.heard);
  });

  it("takes no reply that was touched", async () => {
    const got = await run();
    for (const at of [2, 13, 14, found.reply.length / 2 - 1]) {
      const wrong = bytes(found.reply);
      wrong[at] ^= 1;
      await refused(Code.TAG, () => got.heard(wrong));
    }
  });
});

describe("what is signed", () => {
  const readers: Record<string, (data: Bytes, signer: Bytes) => Promise<unknown>> = {
    certificate: readCertificate,
    lease: readLease,
    list: readList,
    receipt: readReceipt,
  };

  // biome-ignore lint/suspicious/noExplicitAny: the vectors are JSON
  it.each(vectors.signed as any[])("reads a $kind", async (found) => {
    const read = readers[found.kind];
    expect(plain(await read(bytes(found.bytes), bytes(found.signer)))).toEqual(found.fields);
    const wrong = bytes(found.bytes);
    wrong[30] ^= 1;
    await refused(Code.SIGNATURE, () => read(wrong, bytes(found.signer)));
    wrong[0] ^= 1;
    await refused(Code.MALFORMED, () => read(wrong, bytes(found.signer)));
  });

  it("writes the same body, and signs it", async () => {
    const own = await keyPairFrom(bytes(vectors.phone.secret), bytes(vectors.phone.public));
    const [share, lease, list] = vectors.signed;
    const body = (one: { bytes: string }) => one.bytes.slice(0, -128);
    const found = await readCertificate(bytes(share.bytes), own.public);
    expect(hex(certificateBody(found))).toBe(body(share));
    expect(hex(leaseBody(await readLease(bytes(lease.bytes), own.public)))).toBe(body(lease));
    expect(hex(listBody(await readList(bytes(list.bytes), own.public)))).toBe(body(list));
    const again = await signed(certificateBody(found), own);
    expect(plain(await readCertificate(again, own.public))).toEqual(share.fields);
  });

  it("reads the code on the screen", async () => {
    const { text, oneTime, role } = vectors.code;
    expect(plain(readPairingCode(text))).toEqual({ carPublic: vectors.car.public, oneTime, role });
    for (const wrong of ["", "VOLANT1.!", text.slice(0, -2), `${text}AA`]) {
      await refused(Code.MALFORMED, () => readPairingCode(wrong));
    }
  });
});

describe("who a phone says it is", () => {
  it("has three forms", () => {
    const [pairing, drive] = vectors.exchanges;
    expect(hex(identityPair(bytes(vectors.phone.public), "Ada"))).toBe(pairing.identity);
    expect(hex(identityKnown(bytes(vectors.phone.keyId)))).toBe(drive.identity);
    expect(hex(identityChain([bytes("aa"), bytes("bbcc")]))).toBe("02020001aa0002bbcc");
  });
});

describe("the tables", () => {
  it("are those of the car", () => {
    const [drive] = vectors.exchanges.slice(1);
    expect(drive.request.action).toBe(Action.DRIVE);
    expect(vectors.code.role).toBe(Role.OWNER);
    expect(Object.keys(WORDS).map(Number)).toEqual(Object.values(Code));
  });
});

describe("bad input", () => {
  it.each([
    ["", Code.MALFORMED],
    ["0214", Code.VERSION],
    ["0113", Code.KIND],
    ["0115ff", Code.KIND],
  ])("%s is refused", (data, code) => refused(code, () => expectKind(bytes(data), 0x14)));

  it("is cut, longer, or out of bounds", async () => {
    await refused(Code.MALFORMED, () => expectKind(new Uint8Array(8193), 0x14));
    await refused(Code.MALFORMED, () => readAnswer(bytes("ff")));
    await refused(Code.MALFORMED, () => new Reader(bytes("ffffffffffffffff")).number(8));
    await refused(Code.MALFORMED, () => new Reader(bytes("00")).end());
    expect(() => number(256, 1)).toThrow(RangeError);
  });
});
