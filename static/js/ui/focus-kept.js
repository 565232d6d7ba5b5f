// htmx keeps the focus of elements with an id. For all others the focus stays at the same link or field after a swap, and
// where that is gone at the part that was swapped, so that the keyboard never starts again at the top of the page.
const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
let left = null;

const signature = (element) =>
  [element.tagName, element.getAttribute("href"), element.name, element.value, element.getAttribute("aria-label") ?? element.textContent.trim()].join("|");

document.addEventListener("htmx:beforeSwap", (event) => {
  const focused = document.activeElement;
  const target = event.detail.target;
  left = target && focused && focused !== document.body && target.contains(focused) ? { target: target.id, mark: signature(focused) } : null;
});

document.addEventListener("htmx:afterSettle", () => {
  if (!left || (document.activeElement && document.activeElement !== document.body)) return;
  const part = document.getElementById(left.target);
  const again = part && [...part.querySelectorAll(FOCUSABLE)].find((element) => signature(element) === left.mark);
  left = null;
  if (again) {
    again.focus({ preventScroll: true });
  } else if (part) {
    if (!part.matches(FOCUSABLE)) part.tabIndex = -1;
    part.focus({ preventScroll: true });
  }
});
