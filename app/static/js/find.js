// « / » leads to the search of the top bar, from anywhere but a field. It is a plain character: [data-find-switch] (on the page
// of results) turns it off for this browser, and tells whether it is on.

const KEPT = "recherche-touche";
const field = document.querySelector("[data-find]");

function isOn() {
  try { return localStorage.getItem(KEPT) !== "non"; } catch { return true; }
}

function show() {
  document.querySelectorAll("[data-find-key]").forEach((key) => { key.hidden = !isOn(); });
  if (isOn()) field.setAttribute("aria-keyshortcuts", "/"); else field.removeAttribute("aria-keyshortcuts");
  document.querySelectorAll("[data-find-switch]").forEach((box) => {
    box.checked = isOn();
    box.closest("[hidden]")?.removeAttribute("hidden");
  });
}

if (field) {
  show();
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-find-switch]")) return;
    try { localStorage.setItem(KEPT, event.target.checked ? "oui" : "non"); } catch { /* kept for this page alone */ }
    show();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !isOn()) return;
    if (event.target.closest?.("input, select, textarea, [contenteditable]") || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
}
