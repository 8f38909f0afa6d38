// An error summary takes the focus, and the title of the page says « Erreur : » (a screen reader speaks it first).

/** Those that had the focus: when another part of the page is redrawn, they do not take it again. */
const announced = new WeakSet();

function announce(root) {
  const summary = root.querySelector?.("[data-error-summary]");
  if (!summary || (root !== document && announced.has(summary))) return;
  announced.add(summary);
  if (!/^Erreur\s: /.test(document.title)) document.title = `Erreur\u00a0: ${document.title}`;
  summary.focus();
}

announce(document);
// An address with a fragment takes the focus away once the page is there: the summary has it back.
if (location.hash) window.addEventListener("load", () => requestAnimationFrame(() => announce(document)));
document.addEventListener("htmx:afterSettle", (event) => announce(event.detail.elt.parentElement ?? document));

// A link of the summary leads into the field itself, its first choice where it is a group.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-error-summary] a[href^='#']");
  const target = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!target) return;
  event.preventDefault();
  const control = target.matches("fieldset") ? target.querySelector("input, select") ?? target : target;
  control.scrollIntoView({ block: "center" });
  control.focus({ preventScroll: true });
});

// What was mended since is struck out there; whether it is right, the server says when the form is sent.
document.addEventListener("change", ({ target }) => {
  if (!target.id && !target.name) return;
  const group = target.closest("fieldset[id]")?.id;
  for (const summary of document.querySelectorAll("[data-error-summary]")) {
    const links = [...summary.querySelectorAll("a[href^='#']")];
    const line = links.find((one) => [target.id, group].includes(decodeURIComponent(one.hash.slice(1))))?.closest("li");
    if (!line) continue;
    const isMended = "value" in target && (target.type === "radio" || target.type === "checkbox" || target.value !== target.defaultValue);
    line.classList.toggle("is-mended", isMended);
    line.querySelector("[data-mended]")?.remove();
    if (!isMended) continue;
    const word = document.createElement("span");
    word.dataset.mended = "";
    word.textContent = " (modifié)";
    line.append(word);
  }
});
