// Whether a typed name and birth date are those of a statement: folded as the register folds names, then hashed as it does.

/** Letters of Latin script that have no accent to take off, as passports spell them. */
const LETTERS = {
  æ: "ae", ð: "d", ø: "o", þ: "th", ß: "ss", đ: "d", ħ: "h", ı: "i", ĸ: "q", ŀ: "l", ł: "l", ŋ: "n", œ: "oe", ŧ: "t", ə: "e", ƒ: "f",
  ŉ: "n",
};

/** A name's letters and figures, without case, accents, blanks, hyphens, apostrophes or dots. */
export const folded = (name) =>
  [...name.toLowerCase().replaceAll("·", "")]
    .map((letter) => LETTERS[letter] ?? letter)
    .join("")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[\s\-.'’ʼ`´‘‐‑–—\u00ad\u200b-\u200d\ufeff]/gu, "");

async function hashed(number, last, first, birthDate) {
  const text = new TextEncoder();
  const words = text.encode([folded(last), folded(first), birthDate].join("|"));
  const key = await crypto.subtle.importKey("raw", words, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: text.encode(number), iterations: 10_000 };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, 128));
}

/** Tell whether they are the holder's; last and first name may have changed places. */
export async function agrees(said, last, first, birthDate) {
  for (const [one, other] of [[last, first], [first, last]]) {
    const hash = await hashed(said.number, one, other, birthDate);
    if (hash.every((byte, at) => byte === said.identity[at])) return true;
  }
  return false;
}
