// A picture that is chosen is shown before it is sent; a photograph is framed: dragged, or by three sliders (keyboard). What is
// sent is the frame alone, in the picture's own points. Without scripts the file goes as it is, and the server judges it.

const MOST = { width: 826, height: 1062 };

/** The part of the picture inside the frame: the whole height or width at zoom 1, moved by -1 … 1 as far as it goes. */
function cut(picture, ratio, { zoom, across, down }) {
  const width = Math.min(picture.width, picture.height * ratio) / zoom;
  const height = width / ratio;
  const left = ((picture.width - width) / 2) * (1 + across);
  const top = ((picture.height - height) / 2) * (1 + down);
  return { left, top, width, height };
}

function draw(canvas, picture, part, width, height) {
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  const paper = canvas.getContext("2d");
  paper.fillStyle = "#fff";
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.drawImage(picture, part.left, part.top, part.width, part.height, 0, 0, canvas.width, canvas.height);
}

/** A canvas as a file, at once: a form that is being sent does not wait. */
function fileOf(canvas) {
  const bytes = atob(canvas.toDataURL("image/jpeg", 0.92).split(",")[1]);
  return new File([Uint8Array.from(bytes, (letter) => letter.charCodeAt(0))], "photo.jpg", { type: "image/jpeg" });
}

function setUp(box) {
  const input = box.querySelector("input[type=file]");
  const canvas = box.querySelector("canvas");
  const tools = box.querySelector("[data-tools]");
  const sliders = tools ? [...tools.querySelectorAll("input[type=range]")] : [];
  const said = box.querySelector("[data-said]");
  let picture = null;

  const values = () => Object.fromEntries(sliders.map((one) => [one.dataset.slider, Number(one.value)]));
  const ratio = tools ? 35 / 45 : 0;
  const part = () => (ratio ? cut(picture, ratio, values()) : { left: 0, top: 0, width: picture.width, height: picture.height });

  function show() {
    const shown = part();
    const scale = Math.min(1, 600 / Math.max(shown.width, shown.height));
    draw(canvas, picture, shown, shown.width * scale, shown.height * scale);
  }

  async function take() {
    const [file] = input.files;
    picture = null;
    try {
      if (file) picture = await createImageBitmap(file);
    } catch {
      said.textContent = "Ce fichier ne s’affiche pas : choisissez une image JPEG ou PNG.";
    }
    for (const other of canvas.parentElement.children) other.hidden = Boolean(picture) === (other !== canvas);
    if (tools) tools.hidden = !picture;
    if (!picture) return;
    for (const one of sliders) one.value = one.defaultValue;
    show();
    said.textContent = tools ? "Photo affichée. Cadrez-la : seul le cadre est envoyé." : "Image affichée.";
  }

  input.addEventListener("change", take);
  for (const one of sliders) one.addEventListener("input", () => picture && show());
  input.form.addEventListener("formdata", (event) => {
    if (!picture || !tools) return;
    const framed = part();
    const sent = document.createElement("canvas");
    const scale = Math.min(1, MOST.width / framed.width);
    draw(sent, picture, framed, framed.width * scale, framed.height * scale);
    event.formData.set(input.name, fileOf(sent));
  });

  if (!tools) return;
  const [zoom, across, down] = ["zoom", "across", "down"].map((name) => sliders.find((one) => one.dataset.slider === name));
  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, y: event.clientY, across: Number(across.value), down: Number(down.value) };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held || !picture) return;
    const framed = part();
    const scale = framed.width / canvas.clientWidth;
    const room = { across: (picture.width - framed.width) / 2, down: (picture.height - framed.height) / 2 };
    if (room.across) across.value = held.across - ((event.clientX - held.x) * scale) / room.across;
    if (room.down) down.value = held.down - ((event.clientY - held.y) * scale) / room.down;
    show();
  });
  canvas.addEventListener("pointerup", () => { held = null; });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom.value = Number(zoom.value) - Math.sign(event.deltaY) * 0.1;
    if (picture) show();
  }, { passive: false });
}

for (const box of document.querySelectorAll("[data-frame]")) setUp(box);
