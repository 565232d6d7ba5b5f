// The canvas page's island: toolbar, drawing or outline, problems, and the keys that work on all of it.
import { useReactFlow } from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { ConnectDialog, Kept, KeysDialog, MergeDialog } from "./Dialogs.jsx";
import { Glyph } from "./Glyph.jsx";
import { Inspector } from "./inspector.js";
import { WIDTH } from "./card.js";
import { arranged, heightOf, placed } from "./layout.js";
import { addNode, ends, keyOf, nodeOf, part, paste, without } from "./model.js";
import { Outline } from "./Outline.jsx";
import { openPalette } from "./palette.js";
import { Stage, duration } from "./Stage.jsx";
import { Store } from "./store.js";

const MARK = "genai-studio/flow";
const REFRESH_MS = 15_000;
const SAVING = { saved: "Saved", saving: "Saving…", unsaved: "Unsaved changes", failed: "Not saved", conflict: "Choose what to keep" };
const LEVELS = { error: ["badge-error", "problem"], warning: ["badge-warning", "hint"], info: ["badge-info", "note"] };
const typing = (target) => Boolean(target?.closest?.("input, textarea, select, [contenteditable=true], dialog"));

function useView() {
  const [view, setView] = useState(() => {
    try {
      const kept = localStorage.getItem("canvas-view");
      if (kept) return kept;
    } catch {
      // Without storage the width decides.
    }
    return matchMedia("(max-width: 47.99rem)").matches ? "outline" : "canvas";
  });
  return [view, (next) => {
    setView(next);
    try {
      localStorage.setItem("canvas-view", next);
    } catch {
      // The choice then lasts for this page.
    }
  }];
}

export function Editor({ doc }) {
  const store = useMemo(() => new Store(doc), [doc]);
  const state = useSyncExternalStore(store.subscribe, store.snapshot);
  const inspector = useMemo(() => new Inspector(store), [store]);
  const flow = useReactFlow();
  const [view, setView] = useView();
  const [tool, setTool] = useState("pan");
  const [chosen, setChosen] = useState({ nodes: [], edges: [] });
  const [connecting, setConnecting] = useState(null);
  const [keys, setKeys] = useState(false);
  const [listed, setListed] = useState(false);
  const selectRef = useRef(null);
  const chosenNow = useRef(chosen);
  chosenNow.current = chosen;

  const picked = useCallback(() => selectRef.current?.picked() ?? chosenNow.current, []);
  const choose = useCallback((nodes, edges = []) => {
    const before = chosenNow.current;
    if (before.nodes.join() === nodes.join() && before.edges.join() === edges.join()) return;
    setChosen({ nodes, edges });
    inspector.show(nodes);
  }, [inspector]);

  const select = useCallback((nodes, edges = []) => {
    selectRef.current?.select(nodes, edges);
    choose(nodes, edges);
  }, [choose]);

  const goTo = useCallback((id) => {
    select([id]);
    if (view === "canvas") {
      flow.fitView({ nodes: [{ id }], duration: duration(), maxZoom: 1, padding: 0.4 });
      document.querySelector(`.react-flow__node[data-id="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
    } else document.querySelector(`[data-outline-node="${CSS.escape(id)}"] .outline-name`)?.focus();
  }, [select, flow, view]);

  const remove = useCallback(() => {
    const { nodes, edges } = picked();
    if (!nodes.length && !edges.length) return;
    const next = without(store.now, new Set(nodes), new Set(edges));
    store.commit(next, nodes.length === 1 && !edges.length ? `${nodes[0]} removed` : nodes.length ? `${nodes.length} nodes removed` : `${edges.length} ${edges.length === 1 ? "connection" : "connections"} removed`);
    select([]);
  }, [store, select, picked]);

  const insert = useCallback((piece, shift, word) => {
    const [next, made] = paste(store.now, piece, shift);
    store.commit(next, `${made.length} ${made.length === 1 ? "node" : "nodes"} ${word}`);
    setTimeout(() => select(made.map((node) => node.id)), 30);
  }, [store, select]);

  const duplicate = useCallback(() => {
    const ids = new Set(picked().nodes);
    const piece = part({ ...store.now, layout: placed(store.catalog, store.now) }, ids);
    if (piece.nodes.length) insert(piece, { x: 48, y: 48 }, "duplicated");
  }, [store, insert, picked]);

  const add = useCallback((component, at) => {
    const places = placed(store.catalog, store.now);
    const from = places[picked().nodes.at(-1)];
    const box = document.querySelector(".react-flow")?.getBoundingClientRect();
    const middle = box ? flow.screenToFlowPosition({ x: box.x + box.width / 2, y: box.y + box.height / 2 }) : { x: 0, y: 0 };
    let spot = at ?? (from ? { x: from.x + WIDTH + 80, y: from.y } : { x: Math.round(middle.x - WIDTH / 2), y: Math.round(middle.y - 50) });
    const height = (id) => heightOf(store.catalog[id ? nodeOf(store.now, id)?.component : component]) + 24;
    const over = ([id, one]) => Math.abs(one.x - spot.x) < WIDTH + 16 && spot.y < one.y + height(id) && one.y < spot.y + height();
    while (!at && Object.entries(places).some(over)) spot = { x: spot.x, y: spot.y + 24 };
    const [next, node] = addNode({ ...store.now, layout: places }, component, spot);
    store.commit(next, `${store.catalog[component]?.title ?? component} added as ${node.id}`);
    setTimeout(() => {
      select([node.id]);
      const drawn = document.querySelector(`.react-flow__node[data-id="${CSS.escape(node.id)}"], [data-outline-node="${CSS.escape(node.id)}"] .outline-name`);
      drawn?.focus({ preventScroll: drawn.matches(".react-flow__node") });
    }, 40);
  }, [store, flow, select, picked]);

  const tidy = useCallback(() => {
    store.commit({ ...store.now, layout: arranged(store.catalog, store.now) }, "Arranged from left to right");
    setTimeout(() => flow.fitView({ padding: 0.12, maxZoom: 1.1, duration: duration() }), 60);
  }, [store, flow]);

  const connect = useCallback((start) => setConnecting(start), []);

  useEffect(() => {
    inspector.onRename = (id) => setTimeout(() => select([id]), 30);
    inspector.follow();
  }, [state.now, inspector, select]);

  useEffect(() => {
    const label = document.getElementById("canvas-saved");
    if (!label) return;
    label.textContent = state.saving === "failed" ? `Not saved: ${state.reason ?? ""}` : SAVING[state.saving];
    label.dataset.state = state.saving;
  }, [state.saving, state.reason]);

  useEffect(() => {
    const onAdd = (event) => add(event.detail.component, event.detail.at);
    const onDo = (event) => {
      const button = event.target.closest?.("[data-canvas-do], [data-canvas-close-inspector]");
      if (!button) return;
      if ("canvasCloseInspector" in button.dataset) select([]);
      else ({ connect: () => connect({ id: picked().nodes[0] }), duplicate, remove })[button.dataset.canvasDo]();
    };
    // What is tried is what is drawn: the rest is saved first.
    const onTry = async (event) => {
      if (event.target.id !== "canvas-try" || (!store.entering && !store.isDirty && !store.busy)) return;
      event.preventDefault();
      event.stopPropagation();
      if (await store.flush()) event.target.submit();
    };
    const onLeave = () => store.leave();
    const onBack = () => document.visibilityState === "visible" && store.refresh();
    const timer = setInterval(onBack, REFRESH_MS);
    addEventListener("canvas:add", onAdd);
    document.addEventListener("click", onDo);
    document.addEventListener("submit", onTry, true);
    addEventListener("pagehide", onLeave);
    document.addEventListener("visibilitychange", onBack);
    return () => {
      clearInterval(timer);
      removeEventListener("canvas:add", onAdd);
      document.removeEventListener("click", onDo);
      document.removeEventListener("submit", onTry, true);
      removeEventListener("pagehide", onLeave);
      document.removeEventListener("visibilitychange", onBack);
    };
  }, [store, add, select, connect, duplicate, remove, picked]);

  useEffect(() => {
    const onKey = (event) => {
      if (event.defaultPrevented || typing(event.target) || document.querySelector("dialog[open]")) return;
      const strong = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      const { nodes: ids, edges: lines } = picked();
      const focused = event.target.closest?.(".react-flow__node")?.dataset.id ?? event.target.closest?.("[data-outline-node]")?.dataset.outlineNode;
      if (strong && key === "z" && !event.shiftKey) store.undo();
      else if (strong && (key === "y" || (key === "z" && event.shiftKey))) store.redo();
      else if (strong && key === "d" && ids.length) duplicate();
      else if (strong && key === "a") select(store.now.nodes.map((node) => node.id), store.now.edges.map(keyOf));
      else if (strong || event.altKey) return;
      else if ((key === "delete" || key === "backspace") && (ids.length || lines.length)) remove();
      else if (key === "c" && (focused || ids.length === 1)) connect({ id: focused ?? ids[0] });
      else if (key === "i" && ids.length === 1) inspector.focus();
      else if (key === "f2" && (focused || ids.length === 1)) {
        if (focused && ids.join() !== focused) select([focused]);
        inspector.rename(focused ?? ids[0]);
      }
      else if (key === "a") openPalette();
      else if (key === "f") flow.fitView({ padding: 0.12, duration: duration() });
      else if (key === "?") setKeys(true);
      else return;
      event.preventDefault();
    };
    const free = (event) => !typing(event.target) && !document.querySelector("dialog[open]") && getSelection()?.isCollapsed !== false;
    const onCopy = (event) => {
      const ids = new Set(picked().nodes);
      if (!free(event) || !ids.size) return;
      const piece = part({ ...store.now, layout: placed(store.catalog, store.now) }, ids);
      event.clipboardData.setData("text/plain", JSON.stringify({ kind: MARK, ...piece }, null, 1));
      event.preventDefault();
      if (event.type === "cut") remove();
      else store.say(`${piece.nodes.length} ${piece.nodes.length === 1 ? "node" : "nodes"} copied`);
    };
    const onPaste = (event) => {
      if (!free(event)) return;
      const piece = readPiece(event.clipboardData.getData("text/plain"));
      if (!piece) return;
      event.preventDefault();
      insert(piece, { x: 48, y: 48 }, "pasted");
    };
    document.addEventListener("keydown", onKey);
    document.addEventListener("copy", onCopy);
    document.addEventListener("cut", onCopy);
    document.addEventListener("paste", onPaste);
    return () => {
      document.removeEventListener("keydown", onKey);
      document.removeEventListener("copy", onCopy);
      document.removeEventListener("cut", onCopy);
      document.removeEventListener("paste", onPaste);
    };
  }, [store, flow, inspector, select, connect, duplicate, remove, insert, picked]);

  useEffect(() => {
    document.getElementById("canvas")?.toggleAttribute("data-listed", listed);
  }, [listed]);

  // A node that the inspector would cover moves beside it, or above it where it is a sheet.
  useEffect(() => {
    if (view !== "canvas" || chosen.nodes.length !== 1) return undefined;
    const timer = setTimeout(() => {
      const side = document.getElementById("canvas-side")?.getBoundingClientRect();
      const node = document.querySelector(`.react-flow__node[data-id="${CSS.escape(chosen.nodes[0])}"]`)?.getBoundingClientRect();
      if (!side?.width || !node) return;
      const { x, y, zoom } = flow.getViewport();
      if (side.width > innerWidth * 0.8) {
        const stage = document.querySelector(".canvas-flow").getBoundingClientRect();
        const above = { x: (stage.left + stage.right) / 2, y: (stage.top + Math.max(side.top, stage.top + node.height + 16)) / 2 };
        flow.setViewport({ x: x + above.x - (node.left + node.right) / 2, y: y + above.y - (node.top + node.bottom) / 2, zoom }, { duration: duration() });
        return;
      }
      const over = node.right + 24 - side.left;
      if (over <= 0 || node.left > side.right) return;
      flow.setViewport({ x: x - over, y, zoom }, { duration: duration() });
    }, 260);
    return () => clearTimeout(timer);
  }, [chosen, view, flow]);

  const counts = Object.entries(LEVELS).map(([level, [, word]]) => [level, word, state.findings.filter((one) => one.severity === level).length]);
  const worst = counts.find(([, , count]) => count)?.[0] ?? "ok";
  const counted = counts.filter(([level, , count]) => count || level === "error").map(([, word, count]) => `${count} ${count === 1 ? word : `${word}s`}`);
  const jump = (one) => {
    if (one.nodes?.length) goTo(one.nodes[0]);
    else if (one.edge) {
      select([], [keyOf(one.edge)]);
      if (view === "canvas") flow.fitView({ nodes: ends(one.edge).map((id) => ({ id })), duration: duration(), maxZoom: 1, padding: 0.4 });
    } else if (one.url) location.assign(one.url);
  };
  return (
    <>
      <div className="canvas-bar" role="toolbar" aria-label="Canvas">
        <button type="button" className="btn btn-sm canvas-add" data-open-palette onClick={openPalette}><Glyph name="plus" />Add</button>
        <div className="canvas-group">
          <Tool name="undo" label={state.past.length ? `Undo: ${state.past.at(-1).label}` : "Undo"} onClick={() => store.undo()} off={!state.past.length} />
          <Tool name="redo" label={state.future.length ? `Redo: ${state.future[0].label}` : "Redo"} onClick={() => store.redo()} off={!state.future.length} />
        </div>
        {view === "canvas" && (
          <>
            <div className="canvas-group canvas-drags" role="group" aria-label="What dragging the background does">
              <Tool name="hand" label="Drag moves the view" pressed={tool === "pan"} onClick={() => setTool("pan")} />
              <Tool name="marquee" label="Drag selects with a frame" pressed={tool === "select"} onClick={() => setTool("select")} />
            </div>
            <div className="canvas-group"><Tool name="tidy" label="Arrange" onClick={tidy} /></div>
            <div className="canvas-group canvas-zooms" role="group" aria-label="Zoom">
              <Tool name="minus" label="Zoom out" onClick={() => flow.zoomOut({ duration: duration() })} />
              <Tool name="plus" label="Zoom in" onClick={() => flow.zoomIn({ duration: duration() })} />
              <Tool name="fit" label="Show all" onClick={() => flow.fitView({ padding: 0.12, duration: duration() })} />
            </div>
          </>
        )}
        <div className="canvas-group canvas-end">
          <Tool name="keyboard" label="Keys" onClick={() => setKeys(true)} />
        </div>
        <div className="segmented canvas-views" role="group" aria-label="View">
          <button type="button" aria-pressed={view === "canvas"} onClick={() => setView("canvas")}><Glyph name="graph" /><span>Canvas</span></button>
          <button type="button" aria-pressed={view === "outline"} onClick={() => setView("outline")}><Glyph name="list" /><span>Outline</span></button>
        </div>
      </div>
      {!store.editable && <p className="canvas-look muted">You may look at this project. Its owner can make you an editor.</p>}
      {store.editable && state.kept && <Kept store={store} kept={state.kept} />}
      <div className="canvas-stage" data-view={view}>
        {view === "canvas" ? (
          <Stage store={store} state={state} tool={tool} readOnly={!store.editable} onSelection={choose} selectRef={selectRef} />
        ) : (
          <Outline store={store} state={state} selected={chosen.nodes} onSelect={select} onConnect={connect} />
        )}
        {view === "canvas" && !state.now.nodes.length && <div className="canvas-blank"><h2>An empty flow</h2><p className="muted">Drag components here, or press A to choose one.</p></div>}
      </div>
      <section className="problems" aria-label="Problems">
        <button type="button" className="problems-head" aria-expanded={listed} aria-controls="problems-list" onClick={() => setListed(!listed)}>
          <Glyph name={worst === "ok" ? "check" : worst === "info" ? "info" : "alert"} />
          <span data-level={worst}>{state.findings.length ? counted.join(", ") : "No problems: it can be built"}</span>
          <span className="muted problems-count">{state.now.nodes.length} nodes, {state.now.edges.length} connections{state.blueprint ? ", the application’s own flow" : ""}</span>
        </button>
        {listed && (
          <ul id="problems-list" className="problems-list">
            {state.findings.map((one, number) => (
              <li key={number}><button type="button" onClick={() => jump(one)} disabled={!one.nodes?.length && !one.edge && !one.url}><span className={`badge badge-soft ${LEVELS[one.severity][0]}`}>{LEVELS[one.severity][1]}</span><span>{one.message}</span></button></li>
            ))}
            {!state.findings.length && <li className="muted p-3">Nothing stands in the way of a build.</li>}
          </ul>
        )}
      </section>
      <div className="sr-only" role="status" aria-live="polite" id="canvas-said">{state.said}</div>
      {connecting && <ConnectDialog key={JSON.stringify(connecting)} store={store} start={connecting} onClose={() => setConnecting(null)} />}
      {state.conflict && <MergeDialog store={store} conflict={state.conflict} />}
      {keys && <KeysDialog onClose={() => setKeys(false)} />}
    </>
  );
}

function Tool({ name, label, onClick, pressed, off }) {
  return <button type="button" className="btn btn-sm btn-ghost btn-square" aria-label={label} title={label} aria-pressed={pressed} aria-disabled={off || undefined} onClick={onClick}><Glyph name={name} /></button>;
}

function readPiece(text) {
  try {
    const piece = JSON.parse(text);
    const fits = piece?.kind === MARK && Array.isArray(piece.nodes) && Array.isArray(piece.edges) && piece.nodes.length;
    const good = fits && piece.nodes.every((node) => /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(node.id) && typeof node.component === "string");
    return good ? { nodes: piece.nodes, edges: piece.edges.filter((edge) => typeof edge?.from === "string" && typeof edge?.to === "string"), layout: piece.layout ?? {} } : null;
  } catch {
    return null;
  }
}
