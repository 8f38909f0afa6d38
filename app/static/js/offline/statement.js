// What a QR code says, and whether the register signed it: the format of docs/STATEMENTS.md, by the browser's own cryptography.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SIGNATURE = 64;
const EPOCH = Date.UTC(2000, 0, 1);

export const fromBase64url = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));

/** The bytes of a text in base32, or null; its last letter may hold no bit more than they need. */
export function fromBase32(text) {
  const bytes = [];
  let value = 0;
  let bits = 0;
  for (const letter of text) {
    const at = ALPHABET.indexOf(letter);
    if (at < 0) return null;
    value = (value << 5) | at;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push(value >> bits);
      value &= (1 << bits) - 1;
    }
  }
  return bits < 5 && value === 0 ? Uint8Array.from(bytes) : null;
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(count) {
    if (this.at + count > this.bytes.length) throw new RangeError("too short");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  number(count) {
    return this.take(count).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  text(count = this.number(1)) {
    return new TextDecoder("utf-8", { fatal: true }).decode(this.take(count));
  }

  day() {
    return new Date(EPOCH + this.number(2) * 86_400_000).toISOString().slice(0, 10);
  }
}

/** What a statement says, its days as ISO dates; throws where it is not of this form. */
function parsed(body) {
  const reader = new Reader(body);
  reader.take(1);
  const said = { keyId: reader.take(4), kind: reader.number(1) ? "certificate" : "recap" };
  const number = reader.text(14);
  said.number = `${number.slice(0, 2)}-${number.slice(2, 4)}-${number.slice(4, 9)}-${number.slice(9)}`;
  for (const name of ["establishedOn", "validFrom", "validUntil"]) said[name] = reader.day();
  said.place = reader.number(4);
  said.identity = reader.take(16);
  for (const name of ["initials", "category", "training"]) said[name] = reader.text();
  if (reader.at !== body.length) throw new RangeError("too long");
  return said;
}

const idOf = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/** Tell whether one of the published keys, named by its id, signed the bytes. */
export async function isSigned(jwk, content, signature) {
  const kind = { name: "ECDSA", namedCurve: "P-256" };
  const { kty, crv, x, y } = jwk;
  const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, kind, false, ["verify"]);
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, content);
}

/** What a code says: `verdict` (signed, altered, foreign, bare, newer, other, no_keys), `number`, `said` and `key` where signed. */
export async function check(text, keys) {
  const address = /\/verifier\/([^/?#]+)(?:#(.*))?$/s.exec(text.trim());
  if (!address) return { verdict: "other" };
  const [, number, fragment] = address;
  if (!fragment) return { verdict: "bare", number };
  const bytes = fromBase32(fragment);
  if (!bytes || bytes.length <= SIGNATURE) return { verdict: "altered", number };
  if (bytes[0] !== 1) return { verdict: "newer", number };
  if (!keys.length) return { verdict: "no_keys", number };
  const body = bytes.subarray(0, -SIGNATURE);
  const key = keys.find(({ kid }) => kid === idOf(body.subarray(1, 5)));
  if (!key) return { verdict: "foreign", number };
  if (!(await isSigned(key, body, bytes.subarray(-SIGNATURE)))) return { verdict: "altered", number };
  try {
    const said = parsed(body);
    return said.number === number ? { verdict: "signed", number, said, key } : { verdict: "altered", number };
  } catch {
    return { verdict: "newer", number };
  }
}
