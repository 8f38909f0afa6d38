// The signed lists of revocations, as they were fetched last: whether a place is on them, and since when they are known.

import { fromBase64url, isSigned } from "./statement.js";

const PLACES = 1 << 20;

async function unpacked(text) {
  const stream = new Blob([fromBase64url(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export class Revocations {
  constructor(payload) {
    this.lists = payload.lists;
    this.knownAt = new Date(payload.iat * 1000);
  }

  /** The lists of a JWS that one of the keys signed; null for any other text. */
  static async read(jws, keys) {
    const [head, payload, signature] = jws.trim().split(".");
    try {
      const { kid, alg } = JSON.parse(new TextDecoder().decode(fromBase64url(head)));
      const key = keys.find((one) => one.kid === kid);
      const signed = new TextEncoder().encode(`${head}.${payload}`);
      if (alg !== "ES256" || !key || !(await isSigned(key, signed, fromBase64url(signature)))) return null;
      return new Revocations(JSON.parse(new TextDecoder().decode(fromBase64url(payload))));
    } catch {
      return null;
    }
  }

  /** Whether a place is revoked; undefined where no list holds it, or this browser unpacks none. */
  async holds(place) {
    const list = this.lists[Math.floor(place / PLACES)];
    if (list === undefined) return undefined;
    const at = place % PLACES;
    try {
      return Boolean((await unpacked(list))[at >> 3] & (1 << (at & 7)));
    } catch {
      return undefined;
    }
  }
}
