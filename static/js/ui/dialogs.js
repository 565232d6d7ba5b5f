// Native dialogs: data-dialog-open="<id>" opens, data-dialog-close or a click beside the box closes.
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-dialog-open]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.dialogOpen)?.showModal();
    return;
  }
  if (event.target.closest?.("[data-dialog-close]")) {
    event.target.closest("dialog")?.close();
    return;
  }
  if (event.target instanceof HTMLDialogElement && event.target.classList.contains("modal")) event.target.close();
});

// A dialog's form that htmx has sent successfully closes its dialog, unless the answer replaced it.
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (event.detail.successful && form instanceof HTMLFormElement) form.closest("dialog[open]")?.close();
});
