/**
 * P-256, HKDF-SHA256 and AES-256-GCM by Web Crypto. A phone's key is two handles on one secret, one to agree and one
 * to sign, neither of which gives the secret away.
 */

import { type Bytes, Code, join, KeyError } from "./bytes";

const ECDH = { name: "ECDH", namedCurve: "P-256" } as const;
const ECDSA = { name: "ECDSA", namedCurve: "P-256" } as const;
const SHA256 = { name: "ECDSA", hash: "SHA-256" } as const;

export const ZERO_NONCE: Bytes = new Uint8Array(12);
export const PUBLIC_BYTES = 65;

export interface KeyPair {
  readonly agree: CryptoKey;
  readonly sign: CryptoKey;
  readonly public: Bytes;
}

async function pairFrom(jwk: JsonWebKey, publicKey: Bytes): Promise<KeyPair> {
  const bare = { kty: "EC", crv: "P-256", x: jwk.x, y: jwk.y, d: jwk.d };
  return {
    agree: await crypto.subtle.importKey("jwk", bare, ECDH, false, ["deriveBits"]),
    sign: await crypto.subtle.importKey("jwk", bare, ECDSA, false, ["sign"]),
    public: publicKey,
  };
}

/** A new key; the secret leaves this function in handles only. */
export async function makeKeyPair(): Promise<KeyPair> {
  const made = await crypto.subtle.generateKey(ECDH, true, ["deriveBits"]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", made.publicKey));
  return pairFrom(await crypto.subtle.exportKey("jwk", made.privateKey), raw);
}

/** A key from its secret, for vectors. */
export function keyPairFrom(secret: Uint8Array, publicKey: Bytes): Promise<KeyPair> {
  const text = (part: Uint8Array) =>
    btoa(String.fromCharCode(...part))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=/g, "");
  const [x, y] = [publicKey.slice(1, 33), publicKey.slice(33)];
  return pairFrom({ x: text(x), y: text(y), d: text(secret) }, publicKey);
}

export async function digest(...parts: Uint8Array[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
}

/** Name of a key, and of a car by its key. */
export async function keyId(publicKey: Uint8Array): Promise<Bytes> {
  return (await digest(publicKey)).slice(0, 16);
}

export async function agree(own: CryptoKey, publicKey: Bytes): Promise<Bytes> {
  let other: CryptoKey;
  try {
    other = await crypto.subtle.importKey("raw", publicKey, ECDH, false, []);
  } catch {
    throw new KeyError(Code.MALFORMED);
  }
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: other }, own, 256));
}

export async function derive(
  secret: Bytes,
  salt: Bytes,
  info: string | Bytes,
  length: number,
): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const bytes = typeof info === "string" ? new TextEncoder().encode(info) : info;
  const how = { name: "HKDF", hash: "SHA-256", salt, info: bytes };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, length * 8));
}

export async function seal(key: Bytes, iv: Bytes, data: Bytes, bound: Bytes): Promise<Bytes> {
  const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const how = { name: "AES-GCM", iv, additionalData: bound };
  return new Uint8Array(await crypto.subtle.encrypt(how, aes, data));
}

export async function unseal(key: Bytes, iv: Bytes, sealed: Bytes, bound: Bytes): Promise<Bytes> {
  const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  try {
    const how = { name: "AES-GCM", iv, additionalData: bound };
    return new Uint8Array(await crypto.subtle.decrypt(how, aes, sealed));
  } catch {
    throw new KeyError(Code.TAG);
  }
}

export async function sign(key: CryptoKey, message: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign(SHA256, key, message));
}

export async function verify(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<void> {
  const key = await crypto.subtle.importKey("raw", publicKey, ECDSA, false, ["verify"]);
  if (!(await crypto.subtle.verify(SHA256, key, signature, message))) {
    throw new KeyError(Code.SIGNATURE);
  }
}
