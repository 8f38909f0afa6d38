// Dialogs: <button data-dialog="id"> opens, [data-close] closes. Escape and the return of focus are the browser's own;
// the first focus is the button that changes nothing (« Annuler »). Also: forms sent once, and passwords shown on demand.

/** Open a dialog with the focus on « Annuler »: what costs something is never one careless Enter away. */
export function open(dialog) {
  dialog.showModal();
  dialog.querySelector("[data-close]")?.focus();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-dialog]");
  if (opener && opener.getAttribute("aria-disabled") !== "true") {
    event.preventDefault();
    open(document.getElementById(opener.dataset.dialog));
  }
  const closer = event.target.closest?.("dialog [data-close]");
  if (closer) closer.closest("dialog").close();
  if (event.target.matches?.("dialog[open]")) event.target.close(); // a click on the backdrop
});

// A second click on « Importer » would send the form twice; the server takes it once, this spares the person a doubt.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]") || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  form.querySelectorAll("[type=submit]").forEach((button) => button.setAttribute("aria-disabled", "true"));
});
// Coming back with the browser's button restores the page as it was left: the form may be sent again.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[type=submit]").forEach((button) => button.removeAttribute("aria-disabled"));
  });
});

document.querySelectorAll("[data-reveal]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => {
    const input = document.getElementById(button.dataset.reveal);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
  });
});
