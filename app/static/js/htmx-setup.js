// What htmx cannot say by itself: the server is out of reach. Error answers bring their own message (HX-Retarget).

function say(text) {
  const place = document.getElementById("messages");
  if (!place) return;
  const notice = document.createElement("div");
  notice.className = "notice notice--error";
  notice.setAttribute("role", "alert");
  const words = document.createElement("p");
  words.className = "notice__body";
  words.textContent = text;
  notice.append(words);
  place.replaceChildren(notice);
  notice.scrollIntoView({ block: "nearest" });
}

// An answer that goes among the messages of the page may find its reader far below them.
document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
  if (target.id === "messages") target.scrollIntoView({ block: "nearest" });
});

const unreachable = () => say("Le service ne répond pas. Vérifiez votre connexion, puis recommencez\u00a0: rien n’a été perdu de ce qui était enregistré.");
document.addEventListener("htmx:sendError", unreachable);
document.addEventListener("htmx:timeout", unreachable);
