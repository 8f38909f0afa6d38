// The report's table: a cell becomes a field on click, Enter or F2; Enter validates, Escape gives up, the focus returns to
// the cell. A line is set aside or taken back. The dialog of « Importer » opens once the server has told the amount.

const rows = document.getElementById("rows");
/** Editors open at this time: the cell as it was, to be put back. */
const before = new WeakMap();

const cellAt = (line, field) => document.querySelector(`#ligne-${line} [data-cell="${field}"]`);
const shown = () => [...rows.querySelectorAll("tr")].map((row) => row.dataset.line).join(",");
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
  for (const editor of rows.querySelectorAll("[data-editing]")) {
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

rows?.addEventListener("click", (event) => {
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

rows?.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-cell-form]")) return;
  event.preventDefault();
  send(event.target);
});

rows?.addEventListener("keydown", (event) => {
  const link = event.target.closest("[data-cell]");
  const editor = event.target.closest("[data-editing]");
  if (link && (event.key === "F2" || event.key === " ")) {
    event.preventDefault();
    edit(link);
  } else if (editor && event.key === "Escape") {
    event.preventDefault();
    abandon(editor);
  }
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id !== "confirmation-place") return;
  const dialog = document.getElementById("confirmation");
  dialog.showModal();
  dialog.querySelector("[data-close]").focus();
});
