// Sending a file: « Parcourir » opens the browser's own window, a file may be dropped on the box, and either is sent at
// once by htmx with a real progress bar. What would be refused for its size or name is said before it travels.

const MAX_BYTES = 10 * 1024 * 1024;
const SENTENCES = {
  large: "Le fichier dépasse 10 Mo\u00a0: répartissez les lignes dans plusieurs fichiers.",
  name: "Le fichier doit être au format XLSX ou XLS : enregistrez-le dans l’un de ces formats.",
  empty: "Le fichier est vide\u00a0: vérifiez que vous avez choisi le bon fichier.",
  many: "Déposez un seul fichier à la fois.",
  stopped: "L’envoi a été interrompu\u00a0: vérifiez votre connexion, puis choisissez de nouveau le fichier.",
};

/** What is wrong with a file, known before it is sent; nothing when it may go. The server judges again. */
function objection(file) {
  if (!/\.xlsx?$/i.test(file.name.trim())) return SENTENCES.name;
  if (file.size === 0) return SENTENCES.empty;
  return file.size > MAX_BYTES ? SENTENCES.large : "";
}

class Box {
  constructor(root) {
    this.root = root;
    this.form = document.getElementById(root.dataset.drop);
    this.input = root.querySelector("input[type=file]");
    this.browse = root.querySelector("[data-browse]");
    this.sending = root.querySelector("[data-sending]");
    this.percent = root.querySelector("[data-sent-percent]");
    this.bar = root.querySelector("progress");
    this.error = root.querySelector("[data-upload-error]");
    root.classList.add("filebox--live");
    root.querySelectorAll("[data-browse], [data-drop-hint]").forEach((part) => { part.hidden = false; });
    this.listen();
  }

  listen() {
    this.browse.addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => this.input.files[0] && this.take(this.input.files[0]));
    this.form.addEventListener("htmx:xhr:progress", (event) => this.show(event.detail.loaded, event.detail.total));
    this.form.addEventListener("htmx:afterRequest", (event) => this.end(event.detail.xhr));
    for (const name of ["dragenter", "dragover"]) this.root.addEventListener(name, (event) => this.over(event));
    this.root.addEventListener("dragleave", (event) => this.root.contains(event.relatedTarget) || this.away());
    this.root.addEventListener("drop", (event) => this.drop(event));
  }

  over(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.root.classList.add("is-over");
  }

  away() { this.root.classList.remove("is-over"); }

  drop(event) {
    event.preventDefault();
    this.away();
    const { files } = event.dataTransfer;
    if (files.length !== 1) return this.refuse(SENTENCES.many);
    this.input.files = files;
    return this.take(files[0]);
  }

  take(file) {
    const refused = objection(file);
    if (refused) return this.refuse(refused);
    this.error.replaceChildren();
    this.root.querySelector("[data-sent-name]").textContent = file.name;
    this.show(0, file.size);
    this.busy(true);
    return this.form.requestSubmit();
  }

  refuse(sentence) {
    this.input.value = "";
    this.error.textContent = sentence;
  }

  show(loaded, total) {
    const done = total ? Math.round((100 * loaded) / total) : 0;
    this.bar.value = done;
    this.percent.textContent = `${done} %`;
  }

  busy(is) {
    this.sending.hidden = !is;
    this.root.classList.toggle("is-sending", is);
    this.browse.setAttribute("aria-disabled", String(is));
  }

  /** The answer leads to the analysis (HX-Redirect); without it the sending failed, and may be tried again. */
  end(xhr) {
    if (xhr.getResponseHeader("HX-Redirect")) return;
    this.busy(false);
    this.input.value = "";
    if (!xhr.status) this.error.textContent = SENTENCES.stopped;
  }
}

document.querySelectorAll("[data-drop]").forEach((root) => new Box(root));
// A file dropped beside the box would replace the page by the file.
for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
}
