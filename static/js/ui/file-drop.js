// <file-drop> inside a multipart form: drag and drop of files and whole folders, sent in batches.
//
// Fields of each POST: the files under data-name ("files"), `paths` parallel to them (relative, with
// folders), `upload` (one id for all batches of a drop), `more` ("1" while batches follow), and the form's own fields.
// Answer: any 2xx; JSON may name files: {"refused": [{"name": …, "reason": …}], "redirect": "…"}.
// Afterwards "files-uploaded" fires on the element and bubbles. Without a script the plain input works.
const BATCH_FILES = 20;
const BATCH_BYTES = 32 * 1024 * 1024;
const MAX_FILES = 1000;
const TRIES = 3;
const IGNORED = /(^|\/)(\.|Thumbs\.db$|desktop\.ini$|__MACOSX\/)/;

const units = ["B", "kB", "MB", "GB"];
function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < 3) { value /= 1000; unit += 1; }
  return `${value.toFixed(value < 10 && unit ? 1 : 0)} ${units[unit]}`;
}

function readEntries(reader) {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

async function walk(entry, found) {
  if (found.length > MAX_FILES + BATCH_FILES) return;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = entry.createReader();
  for (let entries = await readEntries(reader); entries.length; entries = await readEntries(reader)) {
    for (const child of entries) await walk(child, found);
  }
}

class FileDrop extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.form = this.closest("form");
    this.plain = this.querySelector("input[type=file]");
    this.template = this.querySelector("template");
    this.append(this.template.content.cloneNode(true));
    for (const part of this.querySelectorAll("[data-part]")) this[part.dataset.part] = part;
    for (const part of this.form.querySelectorAll("[data-plain-submit]")) part.hidden = true;
    this.plain.tabIndex = -1;
    this.folderInput = this.plain.cloneNode();
    this.folderInput.removeAttribute("id");
    this.folderInput.removeAttribute("accept");
    this.folderInput.webkitdirectory = true;
    this.fileInput = this.plain.cloneNode();
    this.fileInput.removeAttribute("id");
    this.failed = [];
    this.listen();
  }

  listen() {
    this.choose.addEventListener("click", () => this.fileInput.click());
    this.folder.addEventListener("click", () => this.folderInput.click());
    this.retry.addEventListener("click", () => this.send(this.failed));
    this.stop.addEventListener("click", () => { this.stopped = true; this.xhr?.abort(); });
    for (const input of [this.fileInput, this.folderInput]) {
      input.addEventListener("change", () => {
        this.take([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
        input.value = "";
      });
    }
    let depth = 0;
    this.addEventListener("dragenter", (event) => { event.preventDefault(); depth += 1; this.toggleAttribute("data-over", true); });
    this.addEventListener("dragover", (event) => event.preventDefault());
    this.addEventListener("dragleave", () => { depth -= 1; if (depth <= 0) { depth = 0; this.removeAttribute("data-over"); } });
    this.addEventListener("drop", async (event) => {
      event.preventDefault();
      depth = 0;
      this.removeAttribute("data-over");
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
      const loose = [...event.dataTransfer.files];
      const found = [];
      this.say("Reading the folder…");
      for (const entry of entries) await walk(entry, found);
      this.take(entries.length ? found : loose.map((file) => ({ file, path: file.name })));
    });
    this.addEventListener("htmx:beforeCleanupElement", () => this.xhr?.abort());
    addEventListener("beforeunload", (event) => { if (this.busy) event.preventDefault(); });
  }

  take(found) {
    if (this.busy) {
      this.say("An upload is running. Wait for its end, or stop it.");
      return;
    }
    this.problems.replaceChildren();
    const files = found.filter(({ path }) => !IGNORED.test(path));
    if (files.length > MAX_FILES) {
      this.say(`More than ${MAX_FILES.toLocaleString("en")} files. Send at most ${MAX_FILES.toLocaleString("en")} at a time.`);
      return;
    }
    this.send(files.filter((item) => this.acceptable(item)), files.length);
  }

  acceptable({ file, path }) {
    const limit = Number(this.dataset.maxBytes || 0);
    if (limit && file.size > limit) return this.problem(path, `Larger than ${size(limit)}.`);
    const kinds = (this.plain.accept || "").split(",").map((kind) => kind.trim().toLowerCase()).filter(Boolean);
    if (kinds.length && !kinds.some((kind) => path.toLowerCase().endsWith(kind))) return this.problem(path, "This type of file is not read.");
    if (!file.size) return this.problem(path, "The file is empty.");
    return true;
  }

  problem(path, reason) {
    const row = document.createElement("li");
    const name = document.createElement("strong");
    name.textContent = path;
    row.append(name, `: ${reason}`);
    this.problems.append(row);
    this.trouble.hidden = false;
    return false;
  }

  // chosen: how many files the person picked, those refused before sending included.
  async send(files, chosen = files.length) {
    if (!files.length) {
      this.say(this.problems.childElementCount ? "Nothing was uploaded." : "No files found there.");
      return;
    }
    this.failed = [];
    this.stopped = false;
    this.retry.hidden = true;
    this.setBusy(true);
    const id = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    const total = files.reduce((sum, { file }) => sum + file.size, 0);
    const batches = this.batches(files);
    let sent = 0;
    let done = 0;
    let redirect = null;
    for (const [index, batch] of batches.entries()) {
      const bytes = batch.reduce((sum, { file }) => sum + file.size, 0);
      const report = (loaded) => {
        this.bar.value = total ? (100 * (sent + Math.min(loaded, bytes))) / total : 100;
        this.say(`Uploading ${done.toLocaleString("en")} of ${files.length.toLocaleString("en")} files, ${size(sent + loaded)} of ${size(total)}`, true);
      };
      report(0);
      const answer = this.stopped ? { error: "Stopped." } : await this.post(batch, { upload: id, more: index + 1 < batches.length ? "1" : "0" }, report);
      sent += bytes;
      if (answer.error) {
        this.failed.push(...batch);
        for (const { path } of batch) this.problem(path, answer.error);
        if (answer.final) { this.failed.push(...batches.slice(index + 1).flat()); break; }
      } else {
        done += batch.length;
        for (const { name, reason } of answer.refused ?? []) { done -= 1; this.problem(name, reason); }
        redirect = answer.redirect ?? redirect;
      }
    }
    this.setBusy(false);
    this.retry.hidden = !this.failed.length;
    this.say(done === chosen ? `${done.toLocaleString("en")} ${done === 1 ? "file" : "files"} uploaded.` : `${done.toLocaleString("en")} of ${chosen.toLocaleString("en")} files uploaded.`);
    if (redirect && !this.failed.length && !this.problems.childElementCount) location.assign(redirect);
    else if (done) this.dispatchEvent(new CustomEvent("files-uploaded", { bubbles: true, detail: { files: done } }));
  }

  batches(files) {
    const batches = [];
    let batch = [];
    let bytes = 0;
    for (const item of files) {
      if (batch.length && (batch.length >= BATCH_FILES || bytes + item.file.size > BATCH_BYTES)) {
        batches.push(batch);
        batch = [];
        bytes = 0;
      }
      batch.push(item);
      bytes += item.file.size;
    }
    return [...batches, batch];
  }

  async post(batch, fields, report) {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.postOnce(batch, fields, report);
      if (!answer.again || attempt === TRIES || this.stopped) return answer;
      this.say("The server did not answer; trying again…");
      await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** attempt));
    }
  }

  postOnce(batch, fields, report) {
    const body = new FormData();
    for (const [key, value] of new FormData(this.form)) if (!(value instanceof File)) body.append(key, value);
    for (const [key, value] of Object.entries(fields)) body.append(key, value);
    for (const { file, path } of batch) {
      body.append(this.plain.name, file, file.name);
      body.append("paths", path);
    }
    return new Promise((resolve) => {
      const xhr = new XMLHttpRequest();
      this.xhr = xhr;
      xhr.open("POST", this.form.action);
      xhr.setRequestHeader("Accept", "application/json, text/html;q=0.5");
      xhr.setRequestHeader("X-Requested-With", "XMLHttpRequest");
      xhr.upload.addEventListener("progress", (event) => report(event.loaded));
      xhr.addEventListener("load", () => resolve(this.answer(xhr)));
      xhr.addEventListener("error", () => resolve({ error: "The server did not answer.", again: true }));
      xhr.addEventListener("abort", () => resolve({ error: "Stopped." }));
      xhr.send(body);
    });
  }

  answer(xhr) {
    let data = {};
    if (xhr.getResponseHeader("Content-Type")?.includes("json")) {
      try { data = JSON.parse(xhr.responseText); } catch { data = {}; }
    }
    if (xhr.responseURL.includes("/login/")) return { error: "You were signed out. Sign in again.", final: true };
    if (xhr.status >= 200 && xhr.status < 300) return data;
    const said = data.message ?? data.detail ?? data.error?.message;
    if (xhr.status === 413) return { error: said ?? "Too large for the server." };
    if (xhr.status === 403) return { error: said ?? "Not allowed. Reload the page and try again.", final: true };
    if (xhr.status === 404) return { error: said ?? "This place no longer exists. Reload the page.", final: true };
    return { error: said ?? `The server refused it (${xhr.status}).`, again: xhr.status >= 500 || xhr.status === 429 };
  }

  setBusy(busy) {
    this.busy = busy;
    this.progress.hidden = !busy;
    this.choose.disabled = busy;
    this.folder.disabled = busy;
    this.setAttribute("aria-busy", String(busy));
  }

  // Progress changes many times a second: a screen reader hears it at most every 4 s.
  say(text, quiet = false) {
    this.state.textContent = text;
    if (quiet && Date.now() - (this.spokenAt ?? 0) < 4000) return;
    this.spokenAt = Date.now();
    this.spoken.textContent = text;
  }
}

customElements.define("file-drop", FileDrop);
