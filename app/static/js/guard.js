// <form data-unsaved>: leaving the page with something typed and not sent asks first (the browser's own question).

const changed = new Set();

document.addEventListener("input", (event) => {
  const { form } = event.target; // a field may stand outside its form
  if (form?.matches("[data-unsaved]")) changed.add(form);
});
const forget = (event) => changed.delete(event.target.closest?.("form[data-unsaved]"));
document.addEventListener("submit", forget);
document.addEventListener("reset", forget);

window.addEventListener("beforeunload", (event) => {
  const pending = [...changed].some((form) => form.isConnected);
  if (pending) event.preventDefault();
});

// A list's boxes: [data-check-all] ticks the page, [data-needs-check] buttons say how many are chosen.
function count(form) {
  const chosen = form.querySelectorAll("[name=rowid]:checked").length;
  form.querySelectorAll("[data-needs-check]").forEach((button) => {
    button.setAttribute("aria-disabled", String(chosen === 0));
    const place = button.querySelector("[data-chosen]");
    if (place) place.textContent = chosen ? ` (${chosen})` : "";
  });
}
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form?.querySelector("[data-needs-check]")) return;
  if (event.target.matches("[data-check-all]")) {
    form.querySelectorAll("[name=rowid]").forEach((box) => { box.checked = event.target.checked; });
  }
  count(form);
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-needs-check][aria-disabled=true]")) event.preventDefault();
}, true);
document.querySelectorAll("form:has([data-needs-check])").forEach(count);
