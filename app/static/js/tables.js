// A table wider than its card can be scrolled, by keyboard too. One that fits is left alone: its head sticks to the window.

const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => measure(target.closest(".scroll"))));

function measure(box) {
  if (!box) return;
  const wide = box.scrollWidth > box.clientWidth + 1;
  if (wide === box.hasAttribute("data-wide")) return;
  box.toggleAttribute("data-wide", wide);
  if (wide) bring(document.activeElement);
  if (wide && !box.hasAttribute("tabindex")) {
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "Tableau, à faire défiler");
  }
}

/** Bring into sight what has the focus: a browser leaves a cell where it is that shows a few pixels. */
function bring(one) {
  const box = one?.closest?.(".scroll");
  if (box && box !== one && box.scrollWidth > box.clientWidth) one.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function watch(root) {
  root.querySelectorAll?.(".scroll, .scroll > table").forEach((one) => sizes.observe(one));
}

watch(document);
document.addEventListener("focusin", (event) => bring(event.target));
document.addEventListener("htmx:load", (event) => watch(event.detail.elt));
