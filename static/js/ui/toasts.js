// Short notices. The server sends them in the page, or to htmx as the event "ui:toast"; failures of htmx show here too.
const SHOWN_MS = 6000;
const STICKY = new Set(["error", "warning"]);

const area = () => document.getElementById("toasts");

export function toast(message, level = "info") {
  const shelf = area();
  const template = document.getElementById(`toast-${level}`) ?? document.getElementById("toast-info");
  if (!shelf || !template || !message) return;
  const known = [...shelf.querySelectorAll("[data-toast-text]")].some((text) => text.textContent === message);
  if (known) return;
  const card = template.content.firstElementChild.cloneNode(true);
  card.querySelector("[data-toast-text]").textContent = message;
  shelf.append(card);
  leaveLater(card);
}

function leaveLater(card) {
  if (STICKY.has(card.dataset.toast)) return;
  let timer = 0;
  const start = () => { timer = setTimeout(() => card.remove(), SHOWN_MS); };
  const hold = () => clearTimeout(timer);
  card.addEventListener("pointerenter", hold);
  card.addEventListener("focusin", hold);
  card.addEventListener("pointerleave", start);
  card.addEventListener("focusout", start);
  start();
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-toast-close]")) event.target.closest("[data-toast]").remove();
});
addEventListener("ui:toast", (event) => {
  const notices = event.detail?.toasts ?? [event.detail];
  for (const notice of notices) toast(notice.message, notice.level);
});

const REASONS = {
  400: "The request could not be read. Reload the page and try again.",
  403: "This page is out of date or you may not do that. Reload the page and try again.",
  404: "That no longer exists. Reload the page.",
  409: "Somebody else changed this meanwhile. Reload the page.",
  413: "That is too large for the server.",
  429: "Too many requests. Wait a moment and try again.",
};

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (xhr.getResponseHeader("HX-Trigger")?.includes("ui:toast")) return;
  toast(REASONS[xhr.status] ?? `The server failed (${xhr.status}). Try again; if it stays, tell an administrator.`, "error");
});
document.addEventListener("htmx:sendError", () => toast("The server does not answer. Check the connection and try again.", "error"));
document.addEventListener("htmx:timeout", () => toast("The server took too long to answer. Try again.", "error"));

for (const card of area()?.querySelectorAll("[data-toast]") ?? []) leaveLater(card);
