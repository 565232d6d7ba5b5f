// Where nodes stand when nobody has placed them: from left to right, as data flows, and no higher than can be seen.
import dagre from "@dagrejs/dagre";
import { WIDTH, cardHeight } from "./card.js";
import { GAP, SHAPE, SPREAD, folded } from "./fold.js";
import { ends } from "./model.js";

export const heightOf = (component) => cardHeight(component, { summary: true, run: false });

const APART = 96;

// Parts that nothing connects stand beside one another, each laid out by itself; single nodes make a block of their own.
export function arranged(catalog, drawing) {
  const parts = partsOf(drawing).map((part) => (part.nodes.length > 1 ? layered(catalog, part) : single(catalog, part)));
  return packed([...parts.filter((part) => part.size > 1), ...parts.filter((part) => part.size === 1)]);
}

function partsOf(drawing) {
  const ids = new Set(drawing.nodes.map((node) => node.id));
  const edges = drawing.edges.filter((edge) => ends(edge).every((id) => ids.has(id)));
  const root = new Map(drawing.nodes.map((node) => [node.id, node.id]));
  const find = (id) => {
    let at = id;
    while (root.get(at) !== at) at = root.get(at);
    root.set(id, at);
    return at;
  };
  for (const edge of edges) root.set(find(ends(edge)[0]), find(ends(edge)[1]));
  const parts = new Map();
  for (const node of drawing.nodes) {
    const key = find(node.id);
    if (!parts.has(key)) parts.set(key, { nodes: [], edges: [] });
    parts.get(key).nodes.push(node);
  }
  for (const edge of edges) parts.get(find(ends(edge)[0])).edges.push(edge);
  return [...parts.values()];
}

const boxed = (rows) => ({
  rows,
  size: rows.length,
  width: Math.max(...rows.map((row) => row.x + WIDTH)),
  height: Math.max(...rows.map((row) => row.y + row.height)),
});

const single = (catalog, part) => boxed([{ id: part.nodes[0].id, x: 0, y: 0, height: heightOf(catalog[part.nodes[0].component]) }]);

// Columns in the order in which data flows.
function layered(catalog, part) {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: SPREAD, ranksep: GAP, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of part.nodes) graph.setNode(node.id, { width: WIDTH, height: heightOf(catalog[node.component]) });
  part.edges.forEach((edge, number) => graph.setEdge(...ends(edge), {}, String(number)));
  dagre.layout(graph);
  const rows = part.nodes.map(({ id }) => {
    const { x, y, width, height } = graph.node(id);
    return { id, x: Math.round(x - width / 2), y: Math.round(y - height / 2), height };
  });
  const box = boxed(rows);
  return box.height > box.width * SHAPE ? boxed(folded(rows, part.edges.map(ends))) : box;
}

// Shelves of parts, the first as wide as the widest part makes it.
function packed(parts) {
  const area = parts.reduce((sum, part) => sum + (part.width + APART) * (part.height + APART), 0);
  const limit = Math.max(...parts.map((part) => part.width), Math.sqrt(area * SHAPE));
  const places = {};
  let [x, y, shelf] = [0, 0, 0];
  for (const part of parts) {
    if (x > 0 && x + part.width > limit) [x, y, shelf] = [0, y + shelf + APART, 0];
    for (const row of part.rows) places[row.id] = { x: x + row.x, y: y + row.y };
    x += part.width + APART;
    shelf = Math.max(shelf, part.height);
  }
  return places;
}

// Every node's place: the saved one, else one beside the rest.
export function placed(catalog, drawing) {
  const missing = drawing.nodes.filter((node) => !drawing.layout[node.id]);
  if (!missing.length) return drawing.layout;
  const automatic = arranged(catalog, drawing);
  if (missing.length === drawing.nodes.length) return automatic;
  const bottom = Math.max(...Object.entries(drawing.layout).map(([, at]) => at.y)) + 220;
  const top = Math.min(...missing.map((node) => automatic[node.id].y));
  const own = missing.map((node) => [node.id, { x: automatic[node.id].x, y: automatic[node.id].y - top + bottom }]);
  return { ...drawing.layout, ...Object.fromEntries(own) };
}
