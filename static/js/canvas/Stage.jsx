// The drawing surface: React Flow over what the store holds.
import { Background, BaseEdge, ConnectionLineType, MiniMap, Panel, ReactFlow, ViewportPortal, applyEdgeChanges, applyNodeChanges, getBezierPath, getNodesBounds, getViewportForBounds, useConnection, useReactFlow, useStore } from "@xyflow/react";
import { useCallback, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { WIDTH, cardHandles, cardHeight } from "./card.js";
import { placed } from "./layout.js";
import { ends, keyOf, portOf, summaryOf, veto } from "./model.js";
import { Far, NodeCard } from "./NodeCard.jsx";
import { DRAGGED } from "./palette.js";

const TYPES = { component: NodeCard };
const WIRES = { default: Wire };
const GRID = [8, 8];
const SETTLE_MS = 350;
const REFUSED_MS = 6000;
const FAR = 0.4;
const READABLE = 0.6;
const NARROW_PX = 640;
const isFar = (inner) => inner.transform[2] < FAR;
const pulledFrom = (connection) => (connection.inProgress ? `pulling-${connection.fromHandle?.type}` : "");
const reduced = matchMedia("(prefers-reduced-motion: reduce)");
export const duration = () => (reduced.matches ? 0 : 250);

// From far away a wire has no wider line around it to click on: twice as many would be drawn with every move.
function Wire({ label, interactionWidth, ...ends }) {
  const [path, labelX, labelY] = getBezierPath(ends);
  return <BaseEdge path={path} label={label} labelX={labelX} labelY={labelY} interactionWidth={useContext(Far) ? 0 : interactionWidth} />;
}

// React redraws only the nodes whose data is another object.
function useNodeData(state, store, marks, readOnly) {
  const cache = useRef(new Map());
  return useMemo(() => {
    const fed = new Map();
    for (const edge of state.now.edges) {
      const [id, port] = edge.to.split(".");
      fed.set(id, [...(fed.get(id) ?? []), port]);
    }
    const next = new Map();
    for (const node of state.now.nodes) {
      const component = store.catalog[node.component];
      const problems = state.findings.filter((one) => one.nodes?.includes(node.id));
      const run = state.runs[node.id]?.component === node.component ? state.runs[node.id] : null;
      const summary = summaryOf(node, component, state.inherited[node.component]);
      const mark = marks?.nodes[node.id];
      const told = JSON.stringify([node, fed.get(node.id), problems, run?.duration_ms, run?.tokens, run?.error, summary, mark]);
      const kept = cache.current.get(node.id);
      const data = { node, component, icon: store.icons[component?.icon], fed: new Set(fed.get(node.id)), problems, run, summary, mark: mark?.mark, notes: mark?.notes, readOnly };
      next.set(node.id, kept?.told === told ? kept : { told, data });
    }
    cache.current = next;
    return next;
  }, [state.now, state.findings, state.runs, state.inherited, marks, readOnly, store]);
}

function Veto({ store }) {
  const reason = useConnection((connection) => {
    if (!connection.inProgress || !connection.toHandle || connection.isValid) return "";
    const { fromHandle: a, toHandle: b } = connection;
    if (a.nodeId === b.nodeId && a.id === b.id) return "";
    const [from, to] = a.type === "source" ? [a, b] : [b, a];
    if (from.type === to.type) return a.type === "source" ? "Outputs connect to inputs." : "Inputs connect to outputs.";
    return veto(store.catalog, store.now, `${from.nodeId}.${from.id}`, `${to.nodeId}.${to.id}`);
  });
  const at = useConnection((connection) => connection.to);
  const zoom = useStore((inner) => inner.transform[2]);
  if (!reason || !at) return null;
  return <ViewportPortal><div className="veto" role="alert" style={{ transform: `translate(${at.x}px, ${at.y}px) scale(${1 / zoom}) translate(-50%, 1.25rem)` }}>{reason}</div></ViewportPortal>;
}

function edgeOf(edge, store, state, marks, labels) {
  const [source, target] = ends(edge);
  const type = portOf(store.catalog, state.now, edge.from, "outputs")?.type;
  const bad = state.findings.find((one) => one.edge && keyOf(one.edge) === keyOf(edge));
  const mark = marks?.edges[keyOf(edge)] || (bad ? "wrong" : "");
  return {
    id: keyOf(edge),
    source,
    target,
    sourceHandle: edge.from.split(".")[1],
    targetHandle: edge.to.split(".")[1],
    className: `wire wire-${type ?? "unknown"}${mark ? ` wire-${mark}` : ""}`,
    label: mark && mark !== "wrong" ? mark : undefined,
    ariaLabel: `From ${labels.get(source) ?? source}, ${edge.from.split(".")[1]}, to ${labels.get(target) ?? target}, ${edge.to.split(".")[1]}${bad ? `: ${bad.message}` : ""}`,
    data: edge,
    interactionWidth: 18,
  };
}

function nodesFrom(before, drawn, data, places, last) {
  const kept = new Map(before.map((node) => [node.id, node]));
  return drawn.map((node) => {
    const old = kept.get(node.id);
    // A node that is on its way keeps its place: only a place that was set anew counts.
    const [is, was] = [places[node.id], last[node.id]];
    const position = old && was && was.x === is.x && was.y === is.y ? old.position : is;
    const own = data.get(node.id).data;
    if (old && old.data === own && old.position.x === position.x && old.position.y === position.y) return old;
    const label = `${node.title || own.component?.title || node.component}, ${node.id}`;
    const count = own.problems.length;
    const problems = count ? `, ${count} ${count === 1 ? "problem" : "problems"}` : "";
    return { ...(old ?? { id: node.id, type: "component", width: WIDTH }), ...measures(own), position, data: own, ariaLabel: label + problems };
  });
}

// A card that tells what changed is as high as that takes; the others are known.
function measures({ component, summary, run, mark }) {
  if (mark) return {};
  const has = { summary: Boolean(summary), run: Boolean(run) };
  const height = cardHeight(component, has);
  return { height, measured: { width: WIDTH, height }, handles: cardHandles(component, has) };
}

function edgesFrom(before, store, state, marks) {
  const labels = new Map(state.now.nodes.map((node) => [node.id, node.title || store.catalog[node.component]?.title]));
  const chosen = new Set(before.filter((edge) => edge.selected).map((edge) => edge.id));
  return state.now.edges.map((edge) => ({ ...edgeOf(edge, store, state, marks, labels), selected: chosen.has(keyOf(edge)) }));
}

// The whole flow in this box; where it would become too small to read on a narrow screen, its beginning.
export function firstView(nodes, box) {
  const bounds = getNodesBounds(nodes);
  const view = getViewportForBounds(bounds, box.width, box.height, 0.1, 1.1, 0.12);
  if (box.width >= NARROW_PX || view.zoom >= READABLE || !nodes.length) return view;
  const first = nodes.reduce((one, other) => (other.position.x < one.position.x ? other : one));
  const middle = first.position.y + (first.height ?? 120) / 2;
  return { x: 16 - first.position.x * READABLE, y: box.height / 2 - middle * READABLE, zoom: READABLE };
}

export function Stage(props) {
  const place = useRef(null);
  const [box, setBox] = useState(null);
  useLayoutEffect(() => setBox(place.current.getBoundingClientRect()), []);
  return <div ref={place} className="canvas-flow">{box && <Flow {...props} box={box} />}</div>;
}

function Flow({ store, state, tool, marks, readOnly, embedded, onSelection, selectRef, box }) {
  const flow = useReactFlow();
  const pulling = useConnection(pulledFrom);
  const [moving, setMoving] = useState(false);
  const data = useNodeData(state, store, marks, readOnly);
  const places = useMemo(() => placed(store.catalog, state.now), [store, state.now]);
  const placesNow = useRef(places);
  placesNow.current = places;
  const [nodes, setNodes] = useState(() => nodesFrom([], state.now.nodes, data, places, {}));
  const [edges, setEdges] = useState(() => edgesFrom([], store, state, marks));
  const [view] = useState(() => firstView(nodes, box));
  // Before React Flow knows its view, this one is what it will be.
  const zoomedOut = useStore(isFar);
  const [shown, setShown] = useState(false);
  useEffect(() => setShown(true), []);
  const far = !pulling && (shown ? zoomedOut : view.zoom < FAR);
  const settle = useRef(0);
  const synced = useRef(places);
  const drawn = useRef(state);

  useEffect(() => {
    const last = synced.current;
    synced.current = places;
    setNodes((before) => {
      const next = nodesFrom(before, state.now.nodes, data, places, last);
      return next.length === before.length && next.every((node, at) => node === before[at]) ? before : next;
    });
  }, [state.now, data, places]);

  useEffect(() => {
    if (drawn.current === state) return;
    drawn.current = state;
    setEdges((before) => edgesFrom(before, store, state, marks));
  }, [state.now, state.findings, marks, store]);

  const commitMoves = useCallback((moved) => {
    const before = placesNow.current;
    const different = moved.filter(({ id, position }) => before[id] && (before[id].x !== Math.round(position.x) || before[id].y !== Math.round(position.y)));
    if (!different.length) return;
    const layout = { ...before };
    for (const { id, position } of different) layout[id] = { x: Math.round(position.x), y: Math.round(position.y) };
    store.commit({ ...store.now, layout }, different.length === 1 ? `${different[0].id} moved` : `${different.length} nodes moved`);
  }, [store]);

  const onNodesChange = useCallback((list) => {
    setNodes((before) => applyNodeChanges(list, before));
    // Arrow keys move without a drag: one step of history once the keys rest.
    if (list.some((one) => one.type === "position" && one.position && !one.dragging)) {
      clearTimeout(settle.current);
      settle.current = setTimeout(() => commitMoves(flow.getNodes()), SETTLE_MS);
    }
  }, [flow, commitMoves]);
  const onEdgesChange = useCallback((list) => setEdges((before) => applyEdgeChanges(list, before)), []);

  const beginMoves = useCallback(() => {
    store.moving = true;
    setMoving(true);
  }, [store]);
  const finishMoves = useCallback(() => {
    store.moving = false;
    setMoving(false);
    clearTimeout(settle.current);
    commitMoves(flow.getNodes());
  }, [flow, store, commitMoves]);

  useEffect(() => () => {
    selectRef.current = null;
  }, [selectRef]);
  selectRef.current = {
    select(nodeIds, edgeIds = []) {
      const [wanted, lines] = [new Set(nodeIds), new Set(edgeIds)];
      setNodes((before) => before.map((node) => (Boolean(node.selected) === wanted.has(node.id) ? node : { ...node, selected: wanted.has(node.id) })));
      setEdges((before) => before.map((edge) => (Boolean(edge.selected) === lines.has(edge.id) ? edge : { ...edge, selected: lines.has(edge.id) })));
    },
    // What is selected now; React Flow tells of changes a moment later.
    picked: () => ({ nodes: nodes.filter((one) => one.selected).map((one) => one.id), edges: edges.filter((one) => one.selected).map((one) => one.id) }),
  };

  const isValid = useCallback((link) => link.source && link.target && !veto(store.catalog, store.now, `${link.source}.${link.sourceHandle}`, `${link.target}.${link.targetHandle}`), [store]);
  const onConnect = useCallback((link) => {
    const edge = { from: `${link.source}.${link.sourceHandle}`, to: `${link.target}.${link.targetHandle}` };
    store.commit({ ...store.now, edges: [...store.now.edges, edge] }, `${edge.from} connected to ${edge.to}`);
  }, [store]);
  // Tapped one after the other, ports that do not fit say why.
  const [refused, setRefused] = useState("");
  const tapped = useRef(null);
  const onFirstTap = useCallback((_, { nodeId, handleId, handleType }) => {
    tapped.current = { name: `${nodeId}.${handleId}`, type: handleType };
    setRefused("");
  }, []);
  const onSecondTap = useCallback((event) => {
    const port = event.target.closest?.(".react-flow__handle");
    const first = tapped.current;
    if (!port || !first) return;
    const second = { name: `${port.dataset.nodeid}.${port.dataset.handleid}`, type: port.classList.contains("source") ? "source" : "target" };
    const [from, to] = first.type === "source" ? [first, second] : [second, first];
    if (first.name === second.name || store.now.edges.some((edge) => edge.from === from.name && edge.to === to.name)) return;
    setRefused(from.type === to.type ? "An output and an input are connected, in either order." : veto(store.catalog, store.now, from.name, to.name));
  }, [store]);
  useEffect(() => {
    const timer = refused && setTimeout(() => setRefused(""), REFUSED_MS);
    return () => clearTimeout(timer);
  }, [refused]);
  const onDrop = useCallback((event) => {
    const component = event.dataTransfer.getData(DRAGGED);
    if (!component) return;
    event.preventDefault();
    const at = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    dispatchEvent(new CustomEvent("canvas:add", { detail: { component, at: { x: Math.round(at.x - WIDTH / 2), y: Math.round(at.y - 24) } } }));
  }, [flow]);
  const changed = useCallback(({ nodes: some, edges: lines }) => {
    setRefused("");
    onSelection(some.map((node) => node.id), lines.map((edge) => edge.id));
  }, [onSelection]);

  return (
    <Far value={far}>
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={TYPES}
      edgeTypes={WIRES}
      onNodesChange={onNodesChange}
      onEdgesChange={onEdgesChange}
      className={`${far ? "far" : ""} ${moving ? "moving" : ""} ${pulling}`}
      onNodeDragStart={beginMoves}
      onSelectionDragStart={beginMoves}
      onNodeDragStop={finishMoves}
      onSelectionDragStop={finishMoves}
      onConnect={onConnect}
      onClickConnectStart={onFirstTap}
      onClickConnectEnd={onSecondTap}
      isValidConnection={isValid}
      onSelectionChange={changed}
      onDragOver={(event) => event.dataTransfer.types.includes(DRAGGED) && event.preventDefault()}
      onDrop={onDrop}
      nodesDraggable={!readOnly}
      nodesConnectable={!readOnly}
      deleteKeyCode={null}
      multiSelectionKeyCode={["Shift", "Meta", "Control"]}
      selectionOnDrag={tool === "select"}
      panOnDrag={tool === "select" ? [1, 2] : true}
      selectionMode="partial"
      panActivationKeyCode="Space"
      snapToGrid
      snapGrid={GRID}
      connectionRadius={28}
      connectionLineType={ConnectionLineType.Bezier}
      minZoom={0.1}
      maxZoom={2}
      defaultViewport={view}
      elevateEdgesOnSelect
      proOptions={{ hideAttribution: true }}
      zoomOnDoubleClick={false}
      preventScrolling={!embedded}
      zoomOnScroll={!embedded}
      ariaLabelConfig={{
        "node.a11yDescription.default": "Press Enter to select this node, C to connect it, Delete to remove it.",
        "node.a11yDescription.keyboardDisabled": "Press Enter to select this node.",
        "edge.a11yDescription.default": "Press Enter to select this connection, Delete to remove it.",
      }}
    >
      <Background gap={16} size={1.2} />
      {(!embedded || state.now.nodes.length > 12) && <MiniMap position="bottom-left" pannable zoomable ariaLabel="Overview of the flow" nodeClassName={(node) => `mini mini-${node.data.component?.category ?? "unknown"}`} nodeStrokeWidth={0} nodeBorderRadius={6} />}
      {!readOnly && <Veto store={store} />}
      {refused && <Panel position="top-center"><div className="veto veto-tapped" role="alert">{refused}</div></Panel>}
    </ReactFlow>
    </Far>
  );
}
