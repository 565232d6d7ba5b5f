// <div data-canvas-view="id of its JSON" data-script=… data-style=…>: draws a flow to look at. Its script is large, so
// that it comes only once the drawing is about to be seen.
const places = document.querySelectorAll("[data-canvas-view]");

async function draw(place) {
  const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: place.dataset.style });
  const styled = new Promise((done) => sheet.addEventListener("load", done, { once: true }));
  document.head.append(sheet);
  await styled;
  await import(place.dataset.script);
}

if (places.length) {
  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    draw(places[0]);
  }, { rootMargin: "200px" });
  for (const place of places) watch.observe(place);
}
