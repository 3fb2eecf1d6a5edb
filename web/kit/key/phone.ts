/**
 * The phone's side of the key protocol (docs/reference/key-protocol.md), a second implementation beside
 * `volant.trust.key`; both pass the same vectors. Nothing is kept here: the caller stores what is returned before it
 * sends.
 */

import { type Bytes, counted, join, number, Reader } from "./bytes";
import {
  type Answer,
  expectKind,
  head,
  opening,
  packRequest,
  type Request,
  readAnswer,
  SUITE,
} from "./capsule";
import {
  agree,
  derive,
  digest,
  type KeyPair,
  PUBLIC_BYTES,
  seal,
  unseal,
  ZERO_NONCE,
} from "./crypto";
import { Kind } from "./tables.gen";

const NAME = new TextEncoder().encode("volant-key-1");

/** How a phone says who it is. */
export const identityKnown = (keyId: Uint8Array): Bytes => join(number(1, 1), keyId);
export const identityChain = (chain: readonly Uint8Array[]): Bytes =>
  join(number(2, 1), number(chain.length, 1), ...chain.map((one) => counted(one)));
export const identityPair = (publicKey: Uint8Array, name: string): Bytes =>
  join(number(3, 1), publicKey, counted(new TextEncoder().encode(name), 1));

export const hello = (ephemeral: Uint8Array): Bytes =>
  join(head(Kind.HELLO), number(SUITE, 1), ephemeral);

/** A command on its way: sent, not confirmed. */
export interface Waiting {
  readonly data: Bytes;
  readonly epoch: Bytes;
  readonly sessionId: Bytes;
  readonly heard: (data: Uint8Array) => Promise<Answer>;
}

export interface Opening extends Waiting {
  /** Fast commands grow from it. */
  readonly resume: Bytes;
  readonly bootMs: number;
}

/** The car has answered HELLO: say who one is, and what one wants. */
export async function open(
  own: KeyPair,
  ephemeral: KeyPair,
  carPublic: Bytes,
  answer: Uint8Array,
  request: Request,
  identity: Bytes,
  oneTime: Bytes = new Uint8Array(),
): Promise<Opening> {
  const reader = expectKind(answer, Kind.ANSWER);
  const carEphemeral = reader.take(PUBLIC_BYTES);
  const sealedAnswer = reader.rest();
  const agreed = join(
    await agree(ephemeral.agree, carEphemeral),
    await agree(ephemeral.agree, carPublic),
  );
  const start = await digest(NAME, number(SUITE, 1), carPublic);
  let transcript = await digest(start, hello(ephemeral.public));
  transcript = await digest(transcript, carEphemeral);
  const answerKey = await derive(agreed, transcript, "answer", 32);
  const body = new Reader(await unseal(answerKey, ZERO_NONCE, sealedAnswer, transcript));
  const epoch = body.take(16);
  const bootMs = body.number(8);
  body.end();
  transcript = await digest(transcript, sealedAnswer);

  const identityKey = await derive(agreed, transcript, "identity", 32);
  const sealedIdentity = await seal(identityKey, ZERO_NONCE, identity, transcript);
  transcript = await digest(transcript, sealedIdentity);

  const se = await agree(own.agree, carEphemeral);
  const keys = await derive(join(agreed, se, oneTime), transcript, "session", 104);
  const sealed = await seal(keys.slice(0, 32), ZERO_NONCE, packRequest(request), transcript);
  return {
    data: join(head(Kind.OPEN), counted(sealedIdentity), sealed),
    epoch,
    bootMs,
    resume: keys.slice(64, 96),
    sessionId: keys.slice(96),
    heard: async (data) => {
      const bound = await digest(transcript, sealed);
      const found = expectKind(data, Kind.OPENED).rest();
      return readAnswer(await unseal(keys.slice(32, 64), ZERO_NONCE, found, bound));
    },
  };
}

export interface Session {
  readonly carPublic: Bytes;
  readonly sessionId: Bytes;
  readonly resume: Bytes;
  /** The next counter: one above the highest that was ever used in this session. */
  readonly counter: number;
}

/** A fast command beside the car, for the nonce that it has just shown. */
export async function local(session: Session, greeting: Uint8Array, request: Request) {
  const reader = expectKind(greeting, Kind.GREET);
  const [epoch, nonce] = [reader.take(16), reader.take(16)];
  reader.end();
  return fast(session, Kind.LOCAL, epoch, 0, nonce, request);
}

/** A fast command over the network; `expiryMs` on the car's clock, as its sealed words told it. */
export function remote(session: Session, epoch: Bytes, expiryMs: number, request: Request) {
  return fast(session, Kind.REMOTE, epoch, expiryMs, new Uint8Array(), request);
}

const nonceOf = (kind: number, counter: number): Bytes =>
  join(number(kind, 1), new Uint8Array(7), number(counter, 4));

async function fast(
  session: Session,
  kind: number,
  epoch: Bytes,
  expiryMs: number,
  nonce: Bytes,
  request: Request,
): Promise<Waiting> {
  const { sessionId, counter } = session;
  const carId = (await digest(session.carPublic)).slice(0, 16);
  const keys = await derive(session.resume, epoch, "fast", 64);
  const clear = opening(kind, sessionId, counter, expiryMs);
  const bound = join(clear, carId, epoch, nonce);
  const body = await seal(keys.slice(0, 32), nonceOf(kind, counter), packRequest(request), bound);
  const data = join(clear, body);
  return {
    data,
    epoch,
    sessionId,
    heard: async (reply) => {
      const reader = expectKind(reply, Kind.REPLY);
      const start = join(head(Kind.REPLY), reader.take(8), reader.take(4));
      const binding = join(start, carId, await digest(data));
      const answerNonce = nonceOf(Kind.REPLY, counter);
      return readAnswer(await unseal(keys.slice(32), answerNonce, reader.rest(), binding));
    },
  };
}
