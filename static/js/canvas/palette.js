// The palette: search, arrow keys, Enter or a click to add ("canvas:add" on the window), drag onto the canvas.
export const DRAGGED = "application/x-genai-component";

const palette = document.querySelector("[data-palette]");
const items = () => [...(palette?.querySelectorAll("[data-component]") ?? [])];
const shown = () => items().filter((item) => !item.hidden);

function filter(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (field) => items().filter((item) => wanted.every((word) => item.dataset[field].includes(word)));
  const named = fits("name");
  const found = new Set(named.length ? named : fits("words"));
  for (const item of items()) item.hidden = !found.has(item);
  for (const group of palette.querySelectorAll("[data-palette-group]")) {
    group.hidden = ![...group.querySelectorAll("[data-component]")].some((item) => !item.hidden);
  }
  palette.querySelector("[data-palette-none]").hidden = shown().length > 0;
}

function add(item) {
  dispatchEvent(new CustomEvent("canvas:add", { detail: { component: item.dataset.component } }));
  palette.removeAttribute("data-open");
  const search = palette.querySelector("input");
  if (search.value) filter((search.value = ""));
}

palette?.addEventListener("input", (event) => filter(event.target.value));
palette?.addEventListener("click", (event) => {
  if (event.target.closest("[data-palette-close]")) {
    palette.removeAttribute("data-open");
    document.querySelector("[data-open-palette]")?.focus();
    return;
  }
  const item = event.target.closest("[data-component]");
  if (item) add(item);
});
palette?.addEventListener("keydown", (event) => {
  const rows = shown();
  const place = rows.indexOf(document.activeElement);
  if (event.key === "ArrowDown") rows[Math.min(place + 1, rows.length - 1)]?.focus();
  else if (event.key === "ArrowUp" && place > 0) rows[place - 1].focus();
  else if (event.key === "ArrowUp") palette.querySelector("input").focus();
  else if (event.key === "Enter" && event.target.matches("input") && rows.length) add(rows[0]);
  else if (event.key === "Escape") palette.removeAttribute("data-open");
  else return;
  event.preventDefault();
});
palette?.addEventListener("dragstart", (event) => {
  event.dataTransfer.setData(DRAGGED, event.target.dataset.component);
  event.dataTransfer.effectAllowed = "copy";
});

// Under a finger the list is what is wanted first: a keyboard would cover it.
export function openPalette() {
  palette?.setAttribute("data-open", "");
  palette?.querySelector(matchMedia("(pointer: coarse)").matches ? "[data-palette-close]" : "input")?.focus();
}

addEventListener("pointerdown", (event) => {
  if (!event.target.closest?.("[data-palette], [data-open-palette]")) palette?.removeAttribute("data-open");
});
