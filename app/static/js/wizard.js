// The path by hand: step 1 filters the labels by type; step 2 keeps fields, focus and address in order around htmx's swaps.

const families = document.querySelector("[data-families]");
const select = document.getElementById("training_id");

/** Show the labels of the chosen type only; a type with a single label chooses it. */
function filterLabels({ choose = true } = {}) {
  const family = families.querySelector("input:checked")?.value;
  for (const group of select.querySelectorAll("optgroup")) group.hidden = group.disabled = Boolean(family) && group.label !== family;
  if (!choose || !family) return;
  const labels = [...select.querySelectorAll("optgroup:not([hidden]) option")];
  if (!labels.some((option) => option.selected)) select.value = labels.length === 1 ? labels[0].value : "";
}

if (families && select) {
  families.hidden = false;
  families.addEventListener("change", () => filterLabels());
  filterLabels({ choose: false });
}

/** A field's error came or went: the field itself says so too. */
function tie(slot) {
  const input = document.getElementById(slot.id.replace(/-slot$/, ""));
  const error = slot.querySelector(".fielderror");
  if (!input) return;
  if (!error) slot.replaceChildren();
  for (const [name, value] of [["aria-invalid", "true"], ["aria-describedby", error?.id]]) {
    if (error) input.setAttribute(name, value);
    else input.removeAttribute(name);
  }
}

/** The bin that was used, by its place in the table: after the swap the focus goes to the one that took that place. */
let removedAt = -1;
document.addEventListener("htmx:beforeRequest", (event) => {
  const row = event.detail.elt.matches?.(".rowactions form") && event.detail.elt.closest("tr");
  removedAt = row ? [...row.parentElement.children].indexOf(row) : -1;
});

function focusAfterRemoval() {
  const bins = document.querySelectorAll("#lines .rowactions button");
  const next = bins[Math.min(removedAt, bins.length - 1)] ?? document.getElementById("first_name");
  removedAt = -1;
  next.focus({ preventScroll: true });
}

/** « Annuler » while a line was being changed: the address no longer names that line. */
function settleAddress() {
  const entry = document.getElementById("entry");
  const stale = entry && !entry.dataset.line && new URLSearchParams(location.search).has("ligne");
  if (stale) history.replaceState(history.state, "", entry.dataset.page);
}

document.addEventListener("htmx:afterSettle", (event) => {
  const { target } = event.detail;
  if (target?.matches?.(".slot")) tie(target);
  // htmx gives the focus back to the field that had it; a refused line puts it on the summary of what is wrong.
  if (target?.id === "entry") document.querySelector("#summary [data-error-summary]")?.focus();
  if (removedAt >= 0 && target?.id === "lines") focusAfterRemoval();
  settleAddress();
});

// Step 2 is for typing: the first empty field has the focus as the page comes, unless something is to be read first.
const entry = document.getElementById("entry");
if (entry && !location.hash && !document.querySelector("[data-error-summary]") && [document.body, null].includes(document.activeElement)) {
  const fields = [...entry.querySelectorAll(".input:not([type=date])")];
  (fields.find((one) => one.required || (one.getAttribute("aria-required") && !one.value)) ?? fields[0])?.focus({ preventScroll: true });
}

// Links that act as buttons where scripts run answer to the space bar as buttons do.
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || event.defaultPrevented || !event.target.matches?.("a[role=button]:not([data-cell])")) return;
  event.preventDefault();
  event.target.click();
});

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
