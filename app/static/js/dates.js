// Date fields: JJ/MM/AAAA, typed or pasted. On leaving the field, 27031990, 27-03-1990, 27.3.1990 and 1990-03-27 are put
// in order; anything else stays as typed, for the server to answer in words. Two-digit years are never guessed.

const DAY_FIRST = /^(\d{1,2})\s*[-./ ]\s*(\d{1,2})\s*[-./ ]\s*(\d{4})$/;
const COMPACT = /^(\d{2})(\d{2})(\d{4})$/;
const ISO = /^(\d{4})-(\d{2})-(\d{2})$/;

const written = (day, month, year) => `${day.padStart(2, "0")}/${month.padStart(2, "0")}/${year}`;

/** The text as JJ/MM/AAAA where it is a date written in another way, else the text itself. */
export function inOrder(text) {
  const trimmed = text.trim();
  const iso = ISO.exec(trimmed);
  if (iso) return written(iso[3], iso[2], iso[1]);
  const found = DAY_FIRST.exec(trimmed) || COMPACT.exec(trimmed);
  return found ? written(found[1], found[2], found[3]) : trimmed;
}

/** JJ/MM/AAAA as the ISO date that the browser's picker wants, or nothing. */
export function toIso(text) {
  const found = /^(\d{2})\/(\d{2})\/(\d{4})$/.exec(inOrder(text));
  return found ? `${found[3]}-${found[2]}-${found[1]}` : "";
}

const partsOf = (box) => ({
  input: box.querySelector(".input"),
  button: box.querySelector("button"),
  picker: box.querySelector(".joined__picker"),
});

function tidy(input) {
  const tidied = inOrder(input.value);
  if (tidied === input.value) return;
  input.value = tidied;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

/** A day after the last one allowed is told at once, under the field; mended, the field is quiet again. */
function tellLate(input) {
  const { until, late } = input.dataset;
  if (!until) return;
  const iso = toIso(input.value);
  const id = `${input.id}-late`;
  document.getElementById(id)?.remove();
  const others = (input.getAttribute("aria-describedby") ?? "").split(" ").filter((one) => one && one !== id);
  const isLate = iso && iso > until;
  if (isLate) {
    const said = document.createElement("span");
    said.className = "fielderror";
    said.id = id;
    said.setAttribute("role", "alert");
    said.textContent = `Erreur : ${late}`;
    input.closest(".field, td").append(said);
    input.setAttribute("aria-invalid", "true");
  } else if (!others.some((one) => one.endsWith("-error"))) input.removeAttribute("aria-invalid");
  const all = isLate ? [...others, id] : others;
  if (all.length) input.setAttribute("aria-describedby", all.join(" "));
  else input.removeAttribute("aria-describedby");
}

function openPicker({ input, picker }) {
  picker.value = toIso(input.value);
  picker.showPicker();
}

function take({ input, picker }) {
  if (!picker.value) return;
  input.value = inOrder(picker.value);
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
  input.focus();
}

// Delegated, so that fields brought in later by htmx work too. Capture: before htmx or a guard reads the value.
document.addEventListener("focusout", (event) => {
  if (!event.target.matches?.("[data-date] .input")) return;
  tidy(event.target);
  tellLate(event.target);
}, true);
document.addEventListener("submit", (event) => {
  event.target.querySelectorAll("[data-date] .input").forEach(tidy);
}, true);
document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.("[data-date] .input")) return;
  if (event.key === "Enter") tidy(event.target);
  if (event.altKey && event.key === "ArrowDown" && "showPicker" in HTMLInputElement.prototype) {
    event.preventDefault(); // as a select opens: the button is no Tab stop
    openPicker(partsOf(event.target.closest("[data-date]")));
  }
}, true);
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-date] button");
  if (button) openPicker(partsOf(button.closest("[data-date]")));
});
document.addEventListener("change", (event) => {
  if (event.target.matches?.(".joined__picker")) take(partsOf(event.target.closest("[data-date]")));
});

/** The button appears only where the browser has a picker to open. */
function reveal(root) {
  if (!("showPicker" in HTMLInputElement.prototype)) return;
  root.querySelectorAll("[data-date]").forEach((box) => { partsOf(box).button.hidden = false; });
}
reveal(document);
document.addEventListener("htmx:load", (event) => reveal(event.target.parentElement ?? document));
