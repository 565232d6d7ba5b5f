// The measures of a node's card, in pixels. static/css/canvas.css draws by them, so that nothing needs to be measured
// before wires can be drawn, and a card keeps its size when it is drawn with less.
export const WIDTH = 248;
const BORDER = 1;
const HEAD = 48;
const SUMMARY = 23;
const BODY = 4;
const ROW = 24;
const RUN = 25;
const HANDLE = 11;

const rowsOf = (component) => Math.max(component.inputs.length, component.outputs.length);

// has: {summary, run}, whether the card has that line.
export function cardHeight(component, has) {
  const lines = HEAD + (has.summary ? SUMMARY : 0) + (has.run ? RUN : 0) + 2 * BORDER;
  return lines + (component ? BORDER + 2 * BODY + ROW * rowsOf(component) : SUMMARY);
}

// Where its ports are, as React Flow wants to know.
export function cardHandles(component, has) {
  const top = BORDER + HEAD + (has.summary ? SUMMARY : 0) + BORDER + BODY + (ROW - HANDLE - 1) / 2;
  const handle = (type, position, x) => (port, row) => ({ id: port.name, type, position, x, y: top + ROW * row, width: HANDLE, height: HANDLE });
  const left = BORDER - 6;
  return [
    ...(component?.inputs ?? []).map(handle("target", "left", left)),
    ...(component?.outputs ?? []).map(handle("source", "right", WIDTH - HANDLE - left)),
  ];
}
