// A form that saves itself also saves when its page is left before the pause after typing was over.
// Needs: <form data-keep-on-leave hx-post=…>. The request outlives the page (fetch keepalive).

const unsaved = new Set();

const kept = (target) => target.closest?.("form[data-keep-on-leave]");

for (const type of ["input", "change"]) {
  document.addEventListener(type, (event) => {
    const form = kept(event.target);
    if (form) unsaved.add(form);
  });
}

document.addEventListener("submit", (event) => unsaved.delete(event.target));

document.addEventListener("htmx:beforeRequest", (event) => {
  const form = kept(event.target);
  if (form) unsaved.delete(form);
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = kept(event.target);
  if (form && event.detail.failed) unsaved.add(form);
});

window.addEventListener("pagehide", () => {
  for (const form of unsaved) {
    fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { "HX-Request": "true" },
      keepalive: true,
    });
  }
  unsaved.clear();
});
