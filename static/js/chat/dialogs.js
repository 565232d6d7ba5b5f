// A citation that has been fetched opens in a dialog; closing gives the focus back to its mark.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "chat-passage") return;
  const dialog = document.getElementById("chat-passage-dialog");
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("mark")?.scrollIntoView({ block: "center" });
});
// A picture of a message opens in a dialog, at the size that the window has room for.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-picture]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const picture = document.getElementById("chat-picture");
  picture.src = link.href;
  picture.alt = link.dataset.picture;
  document.getElementById("chat-picture-title").textContent = link.dataset.picture;
  const save = document.getElementById("chat-picture-link");
  save.href = link.href;
  save.download = link.dataset.picture;
  document.getElementById("chat-picture-dialog").showModal();
});
// Where there is no room for the trace beside the conversation, it opens as a page.
document.addEventListener("htmx:confirm", (event) => {
  const link = event.detail.elt.closest?.(".chat-trace-button");
  const pane = document.getElementById("chat-trace-pane");
  if (!link || pane?.checkVisibility()) return;
  event.preventDefault();
  location.assign(link.href);
});
// Links of the conversation list close the drawer that narrow screens show it in.
document.addEventListener("click", (event) => {
  if (event.target.closest?.("#chat-sessions a")) document.getElementById("chat-sessions-pane")?.hidePopover?.();
});
