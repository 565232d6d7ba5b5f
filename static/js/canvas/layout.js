// Where nodes stand when nobody has placed them: from left to right, as data flows.
import dagre from "@dagrejs/dagre";
import { ends } from "./model.js";

export const WIDTH = 248;
const HEAD = 56;
const ROW = 24;

export function heightOf(component) {
  if (!component) return HEAD + ROW;
  return HEAD + 22 + ROW * Math.max(component.inputs.length, component.outputs.length, 1);
}

export function arranged(catalog, drawing) {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 36, ranksep: 64, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of drawing.nodes) graph.setNode(node.id, { width: WIDTH, height: heightOf(catalog[node.component]) });
  const ids = new Set(drawing.nodes.map((node) => node.id));
  drawing.edges.forEach((edge, number) => {
    const [from, to] = ends(edge);
    if (ids.has(from) && ids.has(to)) graph.setEdge(from, to, {}, String(number));
  });
  dagre.layout(graph);
  return Object.fromEntries(
    drawing.nodes.map((node) => {
      const { x, y, width, height } = graph.node(node.id);
      return [node.id, { x: Math.round(x - width / 2), y: Math.round(y - height / 2) }];
    }),
  );
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
