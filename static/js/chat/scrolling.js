// Keeps the newest words in sight, unless the reader has scrolled up to read.
const NEAR_PX = 80;

export const area = () => document.getElementById("chat-scroll");

export function atEnd() {
  const box = area();
  return !box || box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
}

export function toEnd() {
  const box = area();
  if (box) box.scrollTop = box.scrollHeight;
}

let due = false;
export function follow(change) {
  const stay = atEnd();
  change();
  if (!stay || due) return;
  due = true;
  requestAnimationFrame(() => { due = false; toEnd(); });
}

toEnd();
