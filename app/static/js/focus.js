// The focus never falls to the page: when what had it is replaced or taken away, it goes to what took its place, to the nearest
// thing left in the same part of the page, or to the main part.

const CONTROLS = "a[href], button:not([disabled]), input:not([type=hidden]):not([disabled]), select, textarea, summary, [tabindex]";
let last = null;

const lost = () => !document.activeElement || document.activeElement === document.body;
const usable = (one) => one && one.tabIndex >= 0 && one.getClientRects().length > 0;

document.addEventListener("focusin", ({ target }) => {
  const places = [];
  for (let place = target.parentElement?.closest("[id]"); place; place = place.parentElement?.closest("[id]")) places.push(place.id);
  const near = places.length ? [...(document.getElementById(places[0])?.querySelectorAll(CONTROLS) ?? [])].filter(usable) : [];
  last = { element: target, id: target.id, name: target.getAttribute("name"), places, at: near.indexOf(target) };
});

function place() {
  if (!lost() || !last || last.element.isConnected || document.querySelector("dialog[open]")) return;
  const same = (last.id && document.getElementById(last.id)) || null;
  if (usable(same)) return void same.focus({ preventScroll: true });
  for (const id of last.places) {
    const within = [...(document.getElementById(id)?.querySelectorAll(CONTROLS) ?? [])].filter(usable);
    const next = within.find((one) => last.name && one.getAttribute("name") === last.name) ?? within[Math.min(Math.max(last.at, 0), within.length - 1)];
    if (next) return void next.focus({ preventScroll: true });
  }
  document.getElementById("contenu")?.focus({ preventScroll: true });
}

// After whoever knows better: the scripts of a part of the page place the focus themselves.
const settle = () => setTimeout(place, 60);
document.addEventListener("htmx:afterSettle", settle);
document.addEventListener("click", settle);
document.addEventListener("close", settle, true);
