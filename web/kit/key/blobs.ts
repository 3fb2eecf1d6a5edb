/** What is signed and carried: certificates, leases, lists of revoked keys, receipts; and the code on the screen. */

import { type Bytes, Code, join, KeyError, number, Reader } from "./bytes";
import { type KeyPair, PUBLIC_BYTES, sign, verify } from "./crypto";

const SIGNATURE_BYTES = 64;
const text = (magic: string): Bytes => new TextEncoder().encode(magic);

export interface Certificate {
  readonly carId: Bytes;
  readonly issuer: Bytes;
  readonly shareId: Bytes;
  readonly subject: Bytes;
  readonly role: number;
  readonly depth: number;
  readonly listVersion: number;
  readonly notBeforeS: number;
  readonly notAfterS: number;
  readonly leaseS: number;
  readonly uses: number;
  readonly speedMostDmps: number;
  readonly latitudeE7: number;
  readonly longitudeE7: number;
  readonly radiusM: number;
}

export interface Lease {
  readonly carId: Bytes;
  readonly issuer: Bytes;
  readonly shareId: Bytes;
  readonly issuedS: number;
  readonly untilS: number;
}

export interface RevocationList {
  readonly carId: Bytes;
  readonly issuer: Bytes;
  readonly version: number;
  readonly issuedS: number;
  readonly revoked: readonly Bytes[];
}

export interface Receipt {
  readonly carId: Bytes;
  readonly proof: number;
  readonly subject: Bytes;
  readonly version: number;
  readonly logCount: number;
  readonly logHead: Bytes;
}

/** The body of a blob that this key has signed. */
async function checked(data: Bytes, magic: string, signer: Bytes): Promise<Reader> {
  const end = data.length - SIGNATURE_BYTES;
  if (end < 4 || text(magic).some((byte, at) => data[at] !== byte)) {
    throw new KeyError(Code.MALFORMED);
  }
  await verify(signer, data.slice(0, end), data.slice(end));
  return new Reader(data.subarray(4, end));
}

function whole<T>(reader: Reader, found: T): T {
  reader.end();
  return found;
}

export async function readCertificate(data: Bytes, signer: Bytes): Promise<Certificate> {
  const reader = await checked(data, "VKC1", signer);
  return whole(reader, {
    carId: reader.take(16),
    issuer: reader.take(16),
    shareId: reader.take(16),
    subject: reader.take(PUBLIC_BYTES),
    role: reader.number(1),
    depth: reader.number(1),
    listVersion: reader.number(8),
    notBeforeS: reader.number(8),
    notAfterS: reader.number(8),
    leaseS: reader.number(4),
    uses: reader.number(2),
    speedMostDmps: reader.number(2),
    latitudeE7: reader.signed(),
    longitudeE7: reader.signed(),
    radiusM: reader.number(4),
  });
}

export function certificateBody(found: Certificate): Bytes {
  return join(
    text("VKC1"),
    found.carId,
    found.issuer,
    found.shareId,
    found.subject,
    number(found.role, 1),
    number(found.depth, 1),
    number(found.listVersion, 8),
    number(found.notBeforeS, 8),
    number(found.notAfterS, 8),
    number(found.leaseS, 4),
    number(found.uses, 2),
    number(found.speedMostDmps, 2),
    number(found.latitudeE7 >>> 0, 4),
    number(found.longitudeE7 >>> 0, 4),
    number(found.radiusM, 4),
  );
}

export async function readLease(data: Bytes, signer: Bytes): Promise<Lease> {
  const reader = await checked(data, "VKS1", signer);
  return whole(reader, {
    carId: reader.take(16),
    issuer: reader.take(16),
    shareId: reader.take(16),
    issuedS: reader.number(8),
    untilS: reader.number(8),
  });
}

export function leaseBody(found: Lease): Bytes {
  return join(
    text("VKS1"),
    found.carId,
    found.issuer,
    found.shareId,
    number(found.issuedS, 8),
    number(found.untilS, 8),
  );
}

export async function readList(data: Bytes, signer: Bytes): Promise<RevocationList> {
  const reader = await checked(data, "VKL1", signer);
  return whole(reader, {
    carId: reader.take(16),
    issuer: reader.take(16),
    version: reader.number(8),
    issuedS: reader.number(8),
    revoked: reader.many(reader.few(256, 2), () => reader.take(16)),
  });
}

export function listBody(found: RevocationList): Bytes {
  return join(
    text("VKL1"),
    found.carId,
    found.issuer,
    number(found.version, 8),
    number(found.issuedS, 8),
    number(found.revoked.length, 2),
    ...found.revoked,
  );
}

/** The car's signed word; only what it says is 'confirmed by the car'. */
export async function readReceipt(data: Bytes, car: Bytes): Promise<Receipt> {
  const reader = await checked(data, "VKR1", car);
  return whole(reader, {
    carId: reader.take(16),
    proof: reader.number(1),
    subject: reader.take(16),
    version: reader.number(8),
    logCount: reader.number(8),
    logHead: reader.take(32),
  });
}

/** A body with the signature of this phone behind it. */
export async function signed(body: Bytes, own: KeyPair): Promise<Bytes> {
  return join(body, await sign(own.sign, body));
}

const PREFIX = "VOLANT1.";

/** What a camera has read off the car's screen. */
export function readPairingCode(code: string): { carPublic: Bytes; oneTime: Bytes; role: number } {
  const trimmed = code.trim();
  if (!trimmed.startsWith(PREFIX) || trimmed.length > 256) throw new KeyError(Code.MALFORMED);
  let data: Bytes;
  try {
    const plain = trimmed.slice(PREFIX.length).replace(/-/g, "+").replace(/_/g, "/");
    data = Uint8Array.from(atob(plain), (char) => char.charCodeAt(0));
  } catch {
    throw new KeyError(Code.MALFORMED);
  }
  const reader = new Reader(data);
  return whole(reader, {
    carPublic: reader.take(PUBLIC_BYTES),
    oneTime: reader.take(16),
    role: reader.number(1),
  });
}
