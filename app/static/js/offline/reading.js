// The text of a QR code in a picture or before the camera: by the browser's own reader where it has one, else by ours.

const SIDES = [1600, 2400, 1000, 3200];
/** Parts of a picture looked at by themselves: left, top, width, height, as shares of it. */
const PARTS = [[0, 0, 1, 1], [0, 0.5, 0.5, 0.5], [0, 0, 0.5, 0.5], [0.5, 0, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5], [0.2, 0.2, 0.6, 0.6]];

async function detector() {
  if (!("BarcodeDetector" in window)) return null;
  try {
    const formats = await window.BarcodeDetector.getSupportedFormats();
    return formats.includes("qr_code") ? new window.BarcodeDetector({ formats: ["qr_code"] }) : null;
  } catch {
    return null;
  }
}

const native = detector();

function drawn(source, width, height, [left, top, wide, high], side) {
  const scale = Math.min(1, side / Math.max(width * wide, height * high));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * wide * scale));
  canvas.height = Math.max(1, Math.round(height * high * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // what a picture leaves transparent is paper
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, width * left, height * top, width * wide, height * high, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

async function decoded(image) {
  const own = await native;
  if (own) {
    const [found] = await own.detect(image);
    return found?.rawValue ?? null;
  }
  const { default: decode } = await import("../../vendor/qr/decode.min.js");
  try {
    return decode(image);
  } catch {
    return null;
  }
}

/** The text of the code in a picture, or null where none is read; throws where the file is no picture. */
export async function inPicture(file) {
  const picture = await createImageBitmap(file);
  for (const part of PARTS) {
    for (const side of part === PARTS[0] ? SIDES : SIDES.slice(0, 2)) {
      const text = await decoded(drawn(picture, picture.width, picture.height, part, side));
      if (text) return text;
    }
  }
  return null;
}

export class Camera {
  constructor(video) {
    this.video = video;
    this.stream = null;
  }

  /** The text of the first code that is shown; null once it was stopped. Throws where there is no camera. */
  async read() {
    this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } });
    this.video.srcObject = this.stream;
    await this.video.play();
    while (this.stream) {
      const { videoWidth: width, videoHeight: height } = this.video;
      const text = width ? await decoded(drawn(this.video, width, height, PARTS[0], 1280)) : null;
      if (text && this.stream) return text;
      await new Promise((resolve) => { setTimeout(resolve, 120); });
    }
    return null;
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }
}
