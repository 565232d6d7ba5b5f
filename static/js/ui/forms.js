// A form that is on its way is not sent twice; coming back by the browser's history frees it again.
const RELEASE_MS = 8000;

function release(form) {
  delete form.dataset.sending;
  for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog" || event.defaultPrevented || [...form.attributes].some((a) => a.name.startsWith("hx-"))) return;
  if (form.dataset.sending) {
    event.preventDefault();
    return;
  }
  form.dataset.sending = "1";
  event.submitter?.setAttribute("aria-busy", "true");
  setTimeout(() => release(form), RELEASE_MS);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.querySelectorAll("form[data-sending]")) release(form);
});

// data-submit-on-change: filters apply themselves; the form keeps a button for those without a script.
document.addEventListener("change", (event) => {
  event.target.closest?.("form[data-submit-on-change]")?.requestSubmit();
});

// A page that came back with errors starts at the first of them.
document.querySelector("[aria-invalid='true']")?.focus();
