// Tabs and steps that do not fit are scrolled so that the current one is seen.
function show() {
  for (const current of document.querySelectorAll(".stepper [aria-current], .tabs-line [aria-current]")) {
    const strip = current.closest(".stepper, .tabs-line");
    strip.scrollLeft = current.offsetLeft - strip.offsetLeft - (strip.clientWidth - current.offsetWidth) / 2;
  }
}

show();
document.addEventListener("htmx:afterSettle", show);
addEventListener("resize", show);
