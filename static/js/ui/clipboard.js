// data-copy="#id" copies that element's text or value; data-copy-text="…" copies the text itself.
import { toast } from "./toasts.js";

async function write(text) {
  if (navigator.clipboard && isSecureContext) return navigator.clipboard.writeText(text);
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "sr-only";
  document.body.append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  if (!copied) throw new Error("copy refused");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy], [data-copy-text]");
  if (!button) return;
  const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : null;
  const text = button.dataset.copyText ?? source?.value ?? source?.textContent.trim();
  try {
    await write(text);
    toast("Copied.", "success");
  } catch {
    if (source?.select) source.select();
    toast("The browser refused to copy. Select the text and copy it by hand.", "error");
  }
});
