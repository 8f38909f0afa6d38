// Addresses beside names: a column pasted into one field fills those below it; the button says how many are ready.

const fieldsOf = (form) => [...form.querySelectorAll(".mailcell .input")];

function count(form) {
  const ready = fieldsOf(form).filter((field) => field.value.trim()).length;
  const place = form.querySelector("[data-ready]");
  if (place) place.textContent = ready ? ` ${ready} conducteur${ready > 1 ? "s" : ""}` : "";
}

const countAll = () => document.querySelectorAll("form[data-addresses]").forEach(count);

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.matches("[data-addresses]")) count(form);
});

// A clipboard of several rows: one address a row; an empty row leaves its person out.
document.addEventListener("paste", (event) => {
  const first = event.target.closest?.("form[data-addresses] .mailcell .input");
  const rows = (event.clipboardData?.getData("text/plain") ?? "").replace(/[\r\n]+$/, "").split(/\r\n|\r|\n/);
  if (!first || rows.length < 2) return;
  event.preventDefault();
  const fields = fieldsOf(first.form);
  const below = fields.slice(fields.indexOf(first));
  const used = below.slice(0, rows.length);
  used.forEach((field, at) => { if (rows[at].trim()) field.value = rows[at].split("\t").pop().trim(); });
  used.at(-1).focus();
  used.at(-1).dispatchEvent(new Event("input", { bubbles: true }));
});

// The link to the list to paste opens it and leads into it.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href='#liste']");
  const list = link && document.getElementById("liste");
  if (!list) return;
  event.preventDefault();
  list.closest("details").open = true;
  list.scrollIntoView({ block: "center" });
  list.focus({ preventScroll: true });
});

// A redrawn table keeps its fields (hx-preserve), but moving one takes the focus from it.
let held = "";
document.addEventListener("htmx:beforeSwap", () => { held = document.activeElement?.closest?.("form[data-addresses]") ? document.activeElement.id : ""; });
document.addEventListener("htmx:afterSettle", () => {
  const field = held && document.activeElement === document.body && document.getElementById(held);
  if (field) field.focus({ preventScroll: true });
  held = "";
  countAll();
});
countAll();
