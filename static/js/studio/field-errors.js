// A form that saves itself gets what does not fit beside its fields from the answer to a save. The fields stay as they are, with
// the focus and what is typed; here they are marked as unfit, or no longer.
// Needs: ui/_field_errors.html below each field, with data-errors-of (the field's name).

function mark(place) {
  const found = place.closest("form")?.elements.namedItem(place.dataset.errorsOf);
  const fields = found instanceof RadioNodeList ? [...found] : found ? [found] : [];
  const unfit = place.childElementCount > 0;
  for (const field of fields) {
    const about = new Set((field.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
    if (unfit) {
      field.setAttribute("aria-invalid", "true");
      about.add(place.id);
    } else {
      field.removeAttribute("aria-invalid");
      about.delete(place.id);
    }
    if (about.size) field.setAttribute("aria-describedby", [...about].join(" "));
    else field.removeAttribute("aria-describedby");
  }
}

function markAll() {
  for (const place of document.querySelectorAll("[data-errors-of]")) mark(place);
}

markAll();
document.addEventListener("htmx:afterSettle", markAll);
