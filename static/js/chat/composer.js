// Where questions are written: grows with the text, Enter sends, Stop stops, parameters of the next question.
import { complain, files } from "./files.js";
import { toEnd } from "./scrolling.js";

const MAX_HEIGHT = 240;
const form = () => document.getElementById("composer");
const input = () => form()?.querySelector("textarea");
const stream = () => document.querySelector("reply-stream");

function fit() {
  const box = input();
  if (!box) return;
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, MAX_HEIGHT)}px`;
}

let sending = false;

// While an answer is on its way nothing can be sent; the text may already be written.
function show() {
  const composer = form();
  if (!composer) return;
  const busy = sending || Boolean(stream());
  composer.toggleAttribute("data-busy", busy);
  composer.querySelector("[data-send]").disabled = busy;
  composer.querySelector("[data-send]").hidden = Boolean(stream());
  composer.querySelector("[data-stop]").hidden = !stream();
  composer.querySelector("[data-stop]").disabled = false;
  for (const button of composer.querySelectorAll("[data-attach], [data-record]")) button.disabled = sending;
}

function changes() {
  const composer = form();
  if (!composer) return;
  const count = [...composer.querySelectorAll("#chat-parameters input")].filter((field) => field.value !== "").length;
  const badge = composer.querySelector("[data-changed]");
  badge.hidden = !count;
  badge.textContent = count ? `${count} changed` : "";
}

async function stop() {
  const active = stream();
  if (!active) return;
  form().querySelector("[data-stop]").disabled = true;
  const headers = { ...JSON.parse(document.body.getAttribute("hx-headers") || "{}"), "HX-Request": "true" };
  const answer = await fetch(active.dataset.stop, { method: "POST", headers, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) show();
}

// A question to begin with goes out at once, with the file that belongs to it; one that is nothing
// without a file of the reader's own waits in the field.
async function begin(starter) {
  input().value = starter.textContent.trim();
  fit();
  const { enclosed, waits } = starter.dataset;
  if (waits && files()?.empty !== false) {
    complain(waits);
    input().focus();
    return;
  }
  if (enclosed && files()?.empty !== false) {
    starter.disabled = true;
    const fetched = await brought(enclosed);
    starter.disabled = false;
    if (!fetched || !files().take([fetched])) {
      if (!fetched) complain("The file of this question could not be fetched. Attach one of your own, then send.");
      input().focus();
      return;
    }
  }
  form().requestSubmit();
}

async function brought(address) {
  const answer = await fetch(address, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return null;
  const name = decodeURIComponent(new URL(answer.url).pathname.split("/").pop());
  return new File([await answer.blob()], name, { type: answer.headers.get("Content-Type") ?? "" });
}

document.addEventListener("input", (event) => {
  if (event.target === input()) fit();
  if (event.target.closest?.("#chat-parameters")) changes();
});

document.addEventListener("keydown", (event) => {
  if (event.target !== input() || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!form().hasAttribute("data-busy") && (input().value.trim() || files()?.empty === false)) form().requestSubmit();
});

document.addEventListener("click", (event) => {
  const target = event.target;
  if (target.closest?.("[data-stop]")) stop();
  const starter = target.closest?.("[data-starter]");
  if (starter) begin(starter);
  if (target.closest?.("[data-reset]")) {
    for (const field of form().querySelectorAll("#chat-parameters input")) field.value = "";
    changes();
  }
});

document.addEventListener("htmx:confirm", (event) => {
  if (event.detail.elt !== form()) return;
  if (form().hasAttribute("data-busy")) event.preventDefault();
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt !== form()) return;
  sending = true;
  document.getElementById("composer-errors").replaceChildren();
  show();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status >= 400 && xhr.getResponseHeader("HX-Retarget") === "#composer-errors") {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt !== form()) return;
  sending = false;
  files()?.progress(1, 1);
  if (event.detail.xhr.status < 300) {
    input().value = "";
    files()?.hold([]);
    fit();
    document.getElementById("chat-empty")?.remove();
    const newest = document.querySelector("#chat-messages > article:last-child");
    for (const again of document.querySelectorAll("[data-again]")) if (!newest?.contains(again)) again.remove();
    toEnd();
  }
  show();
});
document.addEventListener("chat:busy", show);

fit();
show();
changes();
if (matchMedia("(min-width: 48rem)").matches) input()?.focus({ preventScroll: true });
