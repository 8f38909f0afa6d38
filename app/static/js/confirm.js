// <button type="submit" data-confirm="Supprimer …?" data-confirm-button="Supprimer"> asks in the page's one dialog before it sends.

const dialog = document.getElementById("confirm");
let asked = null;

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-confirm]");
  if (!button || event.defaultPrevented || !dialog) return;
  event.preventDefault();
  asked = button;
  dialog.querySelector("#confirm-text").textContent = button.dataset.confirm;
  dialog.querySelector("#confirm-go").textContent = button.dataset.confirmButton ?? "Confirmer";
  dialog.showModal();
  dialog.querySelector("[data-close]").focus();
});

dialog?.querySelector("#confirm-go").addEventListener("click", () => {
  const form = asked.form;
  dialog.close();
  form.requestSubmit(withoutQuestion(asked));
});

/** A button like the one clicked that sends without asking: its address, name and value count, not its question. */
function withoutQuestion(button) {
  const sender = document.createElement("button");
  sender.type = "submit";
  sender.hidden = true;
  for (const name of ["formaction", "name", "value"]) {
    if (button.hasAttribute(name)) sender.setAttribute(name, button.getAttribute(name));
  }
  button.form.append(sender);
  return sender;
}
