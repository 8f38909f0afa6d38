// Two minutes before a sign-in ends for want of a request, the page says so; « Rester connecté » makes one. Other tabs count:
// whatever one of them asks keeps all of them signed in.

const WARNING = 120_000;
const KEY = "registre-seen";
const place = document.querySelector("[data-idle]");

const note = () => localStorage.setItem(KEY, String(Date.now()));
const left = () => Number(localStorage.getItem(KEY)) + Number(place.dataset.idle) * 1000 - Date.now();

/** Say how things stand; what is said once is not said again. */
function tell(sentence) {
  const words = place.querySelector("p");
  place.hidden = !sentence;
  if (words.textContent !== sentence) words.textContent = sentence;
}

function look() {
  if (left() > WARNING) tell("");
  else if (left() > 0) tell("Sans action de votre part, votre session se termine dans deux minutes.");
  else tell("Votre session a pu se terminer. Ce qui était enregistré est conservé.");
}

/** Ask for a sign of life; then the focus goes back to where one was. */
async function stay(before) {
  const answer = await fetch(place.dataset.stay, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.status === 401) return document.dispatchEvent(new Event("registre:signed-out")); // guard.js leads to the sign-in page and back
  if (answer?.status !== 204) return tell("Le service ne répond pas. Vérifiez votre connexion, puis recommencez.");
  note();
  look();
  return (before?.isConnected ? before : document.querySelector("main")).focus({ preventScroll: true });
}

if (place) {
  const button = place.querySelector("button");
  let before = null;
  note();
  look();
  setInterval(look, 1000);
  window.addEventListener("storage", look);
  document.addEventListener("htmx:afterRequest", (event) => event.detail.successful && note());
  button.addEventListener("focus", (event) => { before = event.relatedTarget; });
  button.addEventListener("click", () => stay(before));
}
