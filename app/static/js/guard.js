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

// A call that meets an ended sign-in leads to the sign-in page: what was typed on this page is handed to the server first, which
// keeps it for the same person and puts it back (`views.shell.resume`). Passwords and files are left out.

const NOT_TYPED = "[type=password], [type=file]";

/** A form as the server keeps it: where it is sent, and its fields. */
function fieldsOf(form) {
  const fields = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !form.elements[name]?.matches?.(NOT_TYPED));
  return { action: new URL(form.getAttribute("action") ?? location.href, location).pathname, fields };
}

let isLeaving = false;

/** Hand over the forms with something typed, and go where the server says: once, though several calls meet the end of a sign-in. */
async function leave(sender, otherwise) {
  if (isLeaving) return; // going now would cut off the handing over
  isLeaving = true;
  const forms = [...new Set([sender, ...changed])].filter((form) => form?.isConnected).map(fieldsOf);
  changed.clear();
  const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"];
  const body = JSON.stringify({ page: location.pathname + location.search, forms });
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  const answer = forms.length && token ? await fetch("/saisie-gardee/", { method: "POST", headers, body }).catch(() => null) : null;
  location.assign(answer?.ok ? (await answer.json()).next : otherwise);
}

window.addEventListener("pageshow", () => { isLeaving = false; }); // the browser may bring this very page back
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, elt } = event.detail;
  const address = xhr.status === 401 && xhr.getResponseHeader("HX-Redirect");
  if (!address) return;
  event.preventDefault();
  // A cell of the report is no field of the page one comes back to: the server has kept it already.
  const kept = address.includes("reprise");
  leave(kept ? null : elt.closest("form"), address);
});
document.addEventListener("registre:signed-out", () => leave(null, location.href));

// What was put back is in the fields now: a reload draws the page as it stands.
const here = new URL(location);
if (here.searchParams.has("reprise")) {
  here.searchParams.delete("reprise");
  history.replaceState(history.state, "", here);
}

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
