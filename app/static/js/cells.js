// The table of a report, and that of the lines by hand: a cell becomes a field on click, Enter or F2; Enter validates, Escape
// gives up, the focus returns to the cell. A line is set aside or taken back; F8 leads to the next error, Ctrl+Z takes the last
// correction back. The dialog of « Importer » opens once the server has told the amount. By hand, faulty cells are open fields.

/** The lines of the page; by hand they come and go with their table. */
const rowsNow = () => document.getElementById("rows");
const inRows = (event) => rowsNow()?.contains(event.target);
const OPEN_CELL = '.entry__cell[aria-invalid="true"]';
/** Editors open at this time: the cell as it was, to be put back. */
const before = new WeakMap();

const cellAt = (line, field) => document.querySelector(`#ligne-${line} [data-cell="${field}"]`) ?? document.getElementById(`case-${line}-${field}`);
const editors = () => [...(rowsNow()?.querySelectorAll("[data-editing]") ?? [])];
const shown = () => [...rowsNow().querySelectorAll("tr")].map((row) => row.dataset.line).join(",");
const placeOf = (editor) => [editor.closest("tr").dataset.line, editor.dataset.editing];

async function edit(link) {
  settleOthers();
  const td = link.closest("td");
  const row = td.parentElement;
  const at = [...row.children].indexOf(td);
  await htmx.ajax("GET", link.href, { source: link, target: td, swap: "outerHTML" });
  const editor = row.children[at];
  if (!editor.matches("[data-editing]")) return;
  before.set(editor, td);
  const input = editor.querySelector(".input");
  input.focus();
  input.select();
}

function abandon(editor) {
  const [line, field] = placeOf(editor);
  editor.replaceWith(before.get(editor));
  cellAt(line, field)?.focus();
}

/** As in a spreadsheet, going on to another cell keeps what was typed in this one. */
function settleOthers() {
  for (const editor of editors()) {
    const input = editor.querySelector(".input");
    if (input.value === input.defaultValue) editor.replaceWith(before.get(editor));
    else send(editor.querySelector("form"), { refocus: false });
  }
}

async function send(form, { refocus = true } = {}) {
  const [line, field] = placeOf(form.closest("[data-editing]"));
  await htmx.ajax("POST", form.action, { source: form, swap: "none", values: { lignes: shown() } });
  if (refocus) cellAt(line, field)?.focus();
}

async function setAside(button) {
  const { line } = button.closest("tr").dataset;
  const values = { ecarter: button.value, lignes: shown() };
  await htmx.ajax("POST", button.formAction, { source: button, swap: "none", values });
  document.querySelector(`#ligne-${line} [data-aside]`)?.focus();
}

document.addEventListener("click", (event) => {
  if (!inRows(event)) return;
  const link = event.target.closest("[data-cell]");
  const abandonment = event.target.closest("[data-cell-abandon]");
  const aside = event.target.closest("[data-aside]");
  if (!link && !abandonment && !aside) return;
  if (link && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
  event.preventDefault();
  if (link) edit(link);
  else if (aside) setAside(aside);
  else abandon(abandonment.closest("[data-editing]"));
});

document.addEventListener("submit", (event) => {
  if (!inRows(event) || !event.target.matches("[data-cell-form]")) return;
  event.preventDefault();
  send(event.target);
});

document.addEventListener("keydown", (event) => {
  if (!inRows(event)) return;
  const link = event.target.closest("[data-cell]");
  const editor = event.target.closest("[data-editing]");
  if (link && (event.key === "F2" || event.key === " ")) {
    event.preventDefault();
    edit(link);
  } else if (editor && event.key === "Escape") {
    event.preventDefault();
    abandon(editor);
  } else if (event.key === "Escape" && event.target.matches(".entry__cell")) event.target.value = event.target.defaultValue;
});

// « Vérifier » and « Enregistrer les corrections » take what stands typed in a field that was not validated, too.
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("[data-takes-cells]")) return;
  for (const editor of editors()) event.formData.append(`case-${placeOf(editor).join("-")}`, editor.querySelector(".input").value);
});

/** The cells in error, in the order of the screen; a line whose error is in no cell counts by its first one. */
function faulty() {
  return [...rowsNow().querySelectorAll("tr.has-error")].flatMap((row) => {
    const cells = [...row.querySelectorAll(`.cell-error [data-cell], [data-editing] .input, ${OPEN_CELL}`)];
    return cells.length ? cells : [...row.querySelectorAll("[data-cell]")].slice(0, 1);
  });
}

/** Line and field of the cell that had the focus last: the button takes it away, a correction draws the row anew. */
let last = null;
document.addEventListener("focusin", (event) => {
  const cell = inRows(event) && event.target.closest("[data-cell], [data-editing], .entry__cell");
  if (cell) last = [cell.closest("tr").dataset.line, cell.dataset.cell ?? cell.dataset.editing ?? cell.name.replace(/^case-\d+-/, "")];
});

function lastCell() {
  const editor = last && document.querySelector(`#ligne-${last[0]} [data-editing="${last[1]}"]`);
  return last && (editor ?? cellAt(...last)?.closest("td"));
}

const isAfter = (cell, td) => !td.contains(cell) && td.compareDocumentPosition(cell) & Node.DOCUMENT_POSITION_FOLLOWING;
const ERROR = "#erreur";

/** « Erreur suivante »: the next cell in error, on the next page where this one holds no more, else the first again. */
function nextError() {
  const found = faulty();
  const here = lastCell();
  const next = here ? found.find((cell) => isAfter(cell, here)) : found[0];
  const button = document.getElementById("erreur-suivante");
  if (next) {
    next.focus();
    next.scrollIntoView({ block: "center" });
  } else if (here && rowsNow().dataset.more) location.assign(rowsNow().dataset.more + ERROR);
  else if (found.length && !new URLSearchParams(location.search).has("page")) {
    last = null;
    nextError();
  } else if (button) location.assign(button.href + ERROR);
}

/** « Défaire », in place; the focus goes to what came back. */
async function undo(form) {
  await htmx.ajax("POST", form.action, { source: form, swap: "none", values: { lignes: shown() } });
  (document.querySelector("[data-undo] button") ?? document.getElementById("erreur-suivante"))?.focus();
}

if (location.hash === ERROR) nextError();

document.addEventListener("click", (event) => {
  const button = event.target.closest("#erreur-suivante");
  if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  nextError();
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-undo]")) return;
  event.preventDefault();
  undo(event.target);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "F8" && rowsNow()) {
    event.preventDefault();
    nextError();
  } else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.target.closest("input, textarea, dialog")) {
    const form = document.querySelector("[data-undo]");
    if (!form) return;
    event.preventDefault();
    undo(form);
  }
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id !== "confirmation-place") return;
  const dialog = document.getElementById("confirmation");
  dialog.showModal();
  dialog.querySelector("[data-close]").focus();
});
