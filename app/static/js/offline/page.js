// The page that verifies without network: what is read or typed stays here. Its sentences stand in the page's templates.

import { toIso } from "../dates.js";
import { agrees } from "./names.js";
import { Camera, inPicture } from "./reading.js";
import { Revocations } from "./revocations.js";
import { check } from "./statement.js";

const WEEK = 7 * 86_400_000;
/** Milliseconds given to a network, longer than the service worker gives it. */
const PATIENCE = 8_000;
const one = (selector) => document.querySelector(selector);
const shown = (iso) => iso.split("-").reverse().join("/");
const parts = {
  told: one("[data-told]"), answer: one("[data-answer]"), verdict: one("[data-verdict]"), facts: one("[data-facts]"),
  warned: one("[data-warned]"), holder: one("[data-holder]"), agrees: one("[data-agrees]"), view: one("[data-view]"),
};
const kept = { keys: [], revocations: null, said: null };
let loading = null;

/** Put a sentence of the page into a place, its slots filled; nothing empties the place. */
function say(place, name, slots = {}) {
  const said = name ? one(`template[data-say="${name}"]`).content.cloneNode(true) : "";
  if (said) for (const slot of said.querySelectorAll("[data-slot]")) slot.textContent = slots[slot.dataset.slot];
  place.replaceChildren(said);
}

const words = (name) => one(`template[data-say="${name}"]`).content.textContent;

/** Today at Paris, as an ISO date. */
const today = () => new Intl.DateTimeFormat("fr-CA", { timeZone: "Europe/Paris" }).format(new Date());

function inTime({ validFrom, validUntil }) {
  const day = today();
  if (day < validFrom) return "not_yet";
  return day > validUntil ? "expired" : "valid";
}

function fill(said) {
  const facts = {
    ...said, kind: words(said.kind), establishedOn: shown(said.establishedOn), validFrom: shown(said.validFrom),
    validUntil: shown(said.validUntil),
  };
  for (const place of parts.facts.querySelectorAll("[data-fact]")) place.textContent = facts[place.dataset.fact];
}

function warn(names) {
  parts.warned.replaceChildren();
  for (const name of names) parts.warned.append(one(`template[data-say="${name}"]`).content.cloneNode(true));
}

/** Answer for the text of a code. */
async function answer(text) {
  await loading;
  const found = await check(text, kept.keys);
  const isRevoked = found.said ? await kept.revocations?.holds(found.said.place) : undefined;
  const verdict = found.said ? (isRevoked ? "revoked" : inTime(found.said)) : found.verdict;
  const days = found.said ? { validFrom: shown(found.said.validFrom), validUntil: shown(found.said.validUntil) } : {};
  kept.said = found.said ?? null;
  say(parts.told);
  say(parts.agrees);
  parts.holder.reset();
  say(parts.verdict, verdict, days);
  const online = parts.verdict.querySelector("[data-online]");
  if (online && found.number) online.href = `/verifier/${encodeURIComponent(found.number)}`;
  parts.facts.hidden = !found.said;
  if (found.said) {
    fill(found.said);
    warn(["compare", ...(isRevoked === undefined ? ["unlisted"] : []), ...(found.key.demonstration ? ["demonstration"] : [])]);
  }
  parts.answer.hidden = false;
  parts.answer.focus();
}

async function fetched(address) {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE) });
    return response.ok ? await response.text() : null;
  } catch {
    return null; // no network, and nothing kept
  }
}

/** The keys of a JWK set; null for any other text, or none. */
function keysOf(text) {
  try {
    return JSON.parse(text).keys ?? null;
  } catch {
    return null;
  }
}

/** Take the keys and the lists, from the network or as they were kept; those in hand stay where neither has any. */
async function load() {
  const [keys, lists] = await Promise.all([fetched("/verifier/cles.json"), fetched("/verifier/revocations")]);
  kept.keys = keysOf(keys) ?? kept.keys;
  kept.revocations = (lists ? await Revocations.read(lists, kept.keys) : null) ?? kept.revocations;
  if (!kept.revocations) return;
  const { knownAt } = kept.revocations;
  const moment = knownAt.toLocaleString("fr-FR", { timeZone: "Europe/Paris", dateStyle: "short", timeStyle: "short" });
  say(one("[data-known]"), "known", { moment: moment.replace(" ", " à ") });
  say(one("[data-aged]"), Date.now() - knownAt > WEEK ? "aged" : null);
}

async function keep() {
  if (!navigator.serviceWorker) return;
  await navigator.serviceWorker.register("/verifier/hors-ligne/service.js");
  await navigator.serviceWorker.ready;
  say(one("[data-ready]"), "ready");
}

async function readPicture(input) {
  const [file] = input.files;
  input.value = "";
  if (!file) return;
  say(parts.told, "reading");
  parts.answer.hidden = true;
  let text;
  try {
    text = await inPicture(file);
  } catch {
    say(parts.told, "no_picture");
    return;
  }
  if (text) await answer(text);
  else say(parts.told, "unread");
}

async function readCamera(camera) {
  say(parts.told);
  parts.view.hidden = false;
  let text = null;
  try {
    text = await camera.read();
  } catch {
    say(parts.told, "no_camera");
  } finally {
    camera.stop();
    parts.view.hidden = true;
  }
  if (text) await answer(text);
}

async function compare(event) {
  event.preventDefault();
  const [last, first, birth] = ["nom", "prenom", "naissance"].map((id) => document.getElementById(id).value.trim());
  const day = toIso(birth);
  if (!last || !first || !day) say(parts.agrees, "incomplete");
  else say(parts.agrees, (await agrees(kept.said, last, first, day)) ? "agrees" : "disagrees");
}

function listen() {
  const camera = new Camera(one("[data-view] video"));
  const picture = one("[data-picture]");
  one("[data-camera]").addEventListener("click", () => readCamera(camera));
  one("[data-stop]").addEventListener("click", () => camera.stop());
  one("[data-choose]").addEventListener("click", () => picture.click());
  picture.addEventListener("change", () => readPicture(picture));
  parts.holder.addEventListener("submit", compare);
  one("[data-paste]").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = one("#contenu-code").value.trim();
    if (text) await answer(text);
    else say(parts.told, "no_text");
  });
}

loading = load();
listen();
one("[data-offline]").hidden = false;
keep().catch(() => {}); // a browser that keeps nothing still verifies
window.addEventListener("online", () => { loading = load(); });
