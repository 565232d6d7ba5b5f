// <chat-files data-limits="image:10485760 …" data-count data-takes>: files of the next question. Buttons, paste and
// drop fill the plain file field, which htmx sends; a tray shows what is in it. With no file in it the
// form goes out as plain fields.
import { follow } from "./scrolling.js";
import { record } from "./recorder.js";

const THUMB_PX = 96;
const KINDS = { image: ["png", "jpg", "jpeg", "gif", "webp"], audio: ["wav", "mp3", "m4a", "ogg", "flac", "webm", "mp4"] };
const form = () => document.getElementById("composer");
const mib = (bytes) => `${Math.round(bytes / 1048576)} MiB`;

function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// Pictures and sound by their type; all else is a document, and the server looks into it.
function kindOf(file) {
  const family = file.type.split("/")[0];
  if (family === "image" || family === "audio") return family;
  const suffix = file.name.toLowerCase().split(".").pop();
  return Object.keys(KINDS).find((kind) => KINDS[kind].includes(suffix)) ?? "document";
}

export function complain(...lines) {
  const place = document.getElementById("composer-errors");
  place.replaceChildren(...lines.map((line) => {
    const row = document.createElement("p");
    row.className = "field-error";
    row.textContent = line;
    return row;
  }));
}

class ChatFiles extends HTMLElement {
  connectedCallback() {
    if (this.field) return;
    this.field = this.querySelector("input[type=file]");
    this.field.tabIndex = -1;
    this.tray = this.querySelector("[data-tray]");
    this.bar = this.querySelector("[data-upload]");
    this.limits = Object.fromEntries(this.dataset.limits.trim().split(/\s+/).map((part) => part.split(":")));
    this.picked = [];
    this.field.addEventListener("change", () => this.take([...this.field.files]));
    this.hold([]);
  }

  get empty() {
    return !this.picked.length;
  }

  take(files) {
    const problems = [];
    const kept = [...this.picked];
    for (const file of files) {
      const reason = this.reason(file, kept);
      if (reason) problems.push(`${file.name}: ${reason}`);
      else kept.push(file);
    }
    complain(...problems);
    this.hold(kept);
    return !problems.length;
  }

  reason(file, kept) {
    const limit = Number(this.limits[kindOf(file)] ?? 0);
    if (!limit) return `not taken here. ${this.dataset.takes}`;
    if (!file.size) return "the file is empty.";
    if (file.size > limit) return `larger than ${mib(limit)}.`;
    if (kept.length >= Number(this.dataset.count)) return `a question takes at most ${this.dataset.count} files.`;
    return "";
  }

  hold(files) {
    this.picked = files;
    const transfer = new DataTransfer();
    for (const file of files) transfer.items.add(file);
    this.field.files = transfer.files;
    const composer = form();
    for (const name of ["enctype", "hx-encoding"]) {
      if (files.length) composer.setAttribute(name, "multipart/form-data");
      else composer.removeAttribute(name);
    }
    for (const player of this.tray.querySelectorAll("audio")) URL.revokeObjectURL(player.src);
    follow(() => {
      this.tray.replaceChildren(...files.map((file, index) => this.row(file, index)));
      this.tray.hidden = !files.length;
    });
  }

  row(file, index) {
    const item = document.createElement("li");
    const words = document.createElement("span");
    const name = document.createElement("span");
    name.className = "truncate";
    name.textContent = file.name;
    const about = document.createElement("span");
    about.className = "muted";
    about.textContent = file.seconds ? `${file.seconds.toFixed(1)} s, ${size(file.size)}` : size(file.size);
    words.className = "chat-tray-words";
    words.append(name, about);
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "btn btn-xs btn-ghost btn-square";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    remove.addEventListener("click", () => {
      this.hold(this.picked.filter((_, at) => at !== index));
      (this.tray.querySelector("button") ?? form().querySelector("textarea")).focus();
    });
    item.append(this.sign(file), words, remove, ...this.player(file));
    return item;
  }

  // What was spoken can be heard before it goes out.
  player(file) {
    if (kindOf(file) !== "audio") return [];
    const player = document.createElement("audio");
    player.className = "chat-sound";
    player.controls = true;
    player.preload = "metadata";
    player.src = URL.createObjectURL(file);
    player.setAttribute("aria-label", file.name);
    return [player];
  }

  // Drawn on a canvas: the page's policy lets in no picture by a blob: address.
  sign(file) {
    if (kindOf(file) !== "image") {
      const badge = document.createElement("span");
      badge.className = "chat-tray-kind";
      badge.textContent = (file.name.includes(".") ? file.name.split(".").pop() : "file").slice(0, 4).toUpperCase();
      badge.setAttribute("aria-hidden", "true");
      return badge;
    }
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = THUMB_PX;
    canvas.setAttribute("aria-hidden", "true");
    createImageBitmap(file).then((picture) => {
      const scale = THUMB_PX / Math.min(picture.width, picture.height);
      const [width, height] = [picture.width * scale, picture.height * scale];
      canvas.getContext("2d").drawImage(picture, (THUMB_PX - width) / 2, (THUMB_PX - height) / 2, width, height);
      picture.close();
    }, () => {});
    return canvas;
  }

  progress(loaded, total) {
    this.bar.hidden = this.empty || loaded >= total;
    this.bar.value = total ? (100 * loaded) / total : 0;
  }
}

customElements.define("chat-files", ChatFiles);

export const files = () => document.querySelector("chat-files");

document.addEventListener("click", (event) => {
  const target = event.target.closest?.("[data-attach], [data-record]");
  if (!target || !files()) return;
  if (target.matches("[data-attach]")) files().field.click();
  else record(files());
});

document.addEventListener("paste", (event) => {
  const found = [...(event.clipboardData?.files ?? [])];
  if (!files() || !found.length || !event.target.closest?.("#composer")) return;
  event.preventDefault();
  files().take(found);
});

const carries = (event) => files() && [...(event.dataTransfer?.types ?? [])].includes("Files");
const over = (shown) => document.querySelector(".chat-main")?.toggleAttribute("data-over", shown);
document.addEventListener("dragover", (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  over(Boolean(event.target.closest?.(".chat-main")));
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) over(false);
});
document.addEventListener("drop", (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  over(false);
  if (event.target.closest?.(".chat-main")) files().take([...event.dataTransfer.files]);
});

document.addEventListener("htmx:xhr:progress", (event) => {
  if (event.target === form() && event.detail.lengthComputable) files()?.progress(event.detail.loaded, event.detail.total);
});
