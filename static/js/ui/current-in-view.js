// Tabs and steps that do not fit are scrolled so that the current one is seen.
const STRIPS = ".stepper, .tabs-line";

function show(root) {
  for (const strip of root.querySelectorAll(STRIPS)) {
    const current = strip.querySelector("[aria-current]");
    if (current) strip.scrollLeft = current.offsetLeft - strip.offsetLeft - (strip.clientWidth - current.offsetWidth) / 2;
  }
}

show(document);
// Only strips that came with the swap: one that somebody has scrolled stays where it is while the page renews its lists.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target instanceof Element) show(event.target.matches(STRIPS) ? event.target.parentElement : event.target);
});
addEventListener("resize", () => show(document));
