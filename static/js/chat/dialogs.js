// A citation that has been fetched opens in a dialog; closing gives the focus back to its mark.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "chat-passage") return;
  const dialog = document.getElementById("chat-passage-dialog");
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("mark")?.scrollIntoView({ block: "center" });
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
