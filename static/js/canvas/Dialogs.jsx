// Connecting by lists, settling a conflict, keys.
import { useEffect, useRef, useState } from "react";
import { Glyph } from "./Glyph.jsx";
import { nodeOf, sentence, veto } from "./model.js";

export function Dialog({ title, onClose, children, wide }) {
  const ref = useRef(null);
  useEffect(() => {
    const box = ref.current;
    const before = document.activeElement;
    box.showModal();
    return () => {
      box.close();
      if (before?.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={ref} className="modal" aria-labelledby="canvas-dialog-title" onCancel={(event) => { event.preventDefault(); onClose(); }} onKeyDown={(event) => event.stopPropagation()}>
      <div className={`modal-box${wide ? " canvas-wide" : ""}`}>
        <div className="canvas-dialog-head"><h2 id="canvas-dialog-title">{title}</h2><button type="button" className="btn btn-ghost btn-sm btn-square" aria-label="Close" onClick={onClose}><Glyph name="x" /></button></div>
        {children}
      </div>
    </dialog>
  );
}

const nameOf = (store, id) => {
  const node = nodeOf(store.now, id);
  return node?.title || store.catalog[node?.component]?.title || id;
};

// Arrow keys walk through the choices of a list.
function walk(event) {
  if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  const rows = [...event.currentTarget.querySelectorAll("button.pick")];
  const place = rows.indexOf(document.activeElement);
  const next = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: rows.length - 1 }[event.key];
  rows[Math.max(0, Math.min(next, rows.length - 1))]?.focus();
  event.preventDefault();
}

// start: {id} for a node, {from} for an output, {to} for an input that waits for one.
export function ConnectDialog({ store, start, onClose }) {
  const [from, setFrom] = useState(start.from ?? "");
  const node = start.id ? nodeOf(store.now, start.id) : null;
  const list = useRef(null);
  const outputs = start.id ? (store.catalog[node?.component]?.outputs ?? []).map((port) => [`${start.id}.${port.name}`, port]) : [];
  useEffect(() => {
    if (!from && outputs.length === 1) setFrom(outputs[0][0]);
  }, []);
  useEffect(() => {
    list.current?.querySelector("button.pick")?.focus();
  }, [from]);
  const finish = (edge) => {
    store.commit({ ...store.now, edges: [...store.now.edges, edge] }, `${edge.from} connected to ${edge.to}`);
    onClose();
  };
  let title = `Connect ${start.id ? nameOf(store, start.id) : ""}`;
  let rows;
  let none = "";
  const refused = [];
  if (start.to) {
    title = `What feeds ${start.to}?`;
    rows = candidates(store, "outputs", (name) => [name, start.to], refused).map(([name, port]) => ({ name, port, pick: () => finish({ from: name, to: start.to }) }));
    none = "No output of this type can feed it. Add a node that has one.";
  } else if (!from) {
    rows = outputs.map(([name, port]) => ({ name, port, pick: () => setFrom(name) }));
    none = "This node has no outputs: connections end here.";
  } else {
    title = `Where does ${from} go?`;
    rows = candidates(store, "inputs", (name) => [from, name], refused).map(([name, port]) => ({ name, port, pick: () => finish({ from, to: name }) }));
    none = "No free input takes this type. Add a node that does, or remove a connection.";
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <ul className="picks" ref={list} onKeyDown={walk}>
        {rows.map(({ name, port, pick }) => (
          <li key={name}><button type="button" className="pick" onClick={pick}><span className="port-dot" data-type={port.type} /><span className="pick-name">{nameOf(store, name.split(".")[0])}<span className="muted"> {name}</span></span><span className="port-type">{port.type}</span></button></li>
        ))}
      </ul>
      {!rows.length && <p className="muted">{none}</p>}
      {refused.length > 0 && (
        <details className="picks-refused"><summary>{refused.length} not possible</summary><ul>{refused.slice(0, 40).map(([name, reason]) => <li key={name}>{reason}</li>)}</ul></details>
      )}
    </Dialog>
  );
}

function candidates(store, side, edge, refused) {
  const found = [];
  for (const node of store.now.nodes) {
    for (const port of store.catalog[node.component]?.[side] ?? []) {
      const name = `${node.id}.${port.name}`;
      const reason = veto(store.catalog, store.now, ...edge(name));
      if (reason) refused.push([name, reason]);
      else found.push([name, port]);
    }
  }
  return found;
}

function Side({ store, item, side }) {
  const value = item[side];
  if (item.kind === "name") return <p>Renamed to <code>{value}</code></p>;
  if (item.kind === "input") {
    return value.length ? <ul>{value.map((edge) => <li key={edge.from}><code>{edge.from}</code> feeds it</li>)}</ul> : <p>Nothing feeds it</p>;
  }
  if (!value) return <p>Removed</p>;
  const params = Object.entries(value.params);
  return (
    <dl className="merge-facts">
      <dt>Component</dt><dd>{store.catalog[value.component]?.title ?? value.component}</dd>
      {value.title && <><dt>Title</dt><dd>{value.title}</dd></>}
      {params.map(([name, set]) => <div key={name} className="contents"><dt>{name}</dt><dd>{typeof set === "string" ? set : JSON.stringify(set)}</dd></div>)}
      {!params.length && <><dt>Settings</dt><dd>all inherited</dd></>}
    </dl>
  );
}

export function MergeDialog({ store, conflict }) {
  const [chosen, setChosen] = useState({});
  const { items, by } = conflict;
  const open = items.filter((item) => !chosen[item.key]).length;
  const all = (side) => setChosen(Object.fromEntries(items.map((item) => [item.key, side])));
  return (
    <Dialog title="Both of you changed this" onClose={() => store.say("Choose what to keep; nothing is lost meanwhile.")} wide>
      <p className="muted">{by === "you" ? "You saved in another window" : `${by} saved`} while you were drawing. What does not touch is put together already; choose for the rest. Your side stays in the undo history.</p>
      <div className="merge-all"><button type="button" className="btn btn-sm" onClick={() => all("theirs")}>All of {by === "you" ? "the other window" : by}</button><button type="button" className="btn btn-sm" onClick={() => all("yours")}>All of mine</button></div>
      {items.map((item) => (
        <fieldset key={item.key} className="merge-item">
          <legend>{{ node: "Node", input: "Input", name: "Name of" }[item.kind]} {item.id}</legend>
          {["theirs", "yours"].map((side) => (
            <label key={side} className="choice">
              <input type="radio" className="radio radio-sm radio-primary" name={item.key} checked={chosen[item.key] === side} onChange={() => setChosen({ ...chosen, [item.key]: side })} />
              <span className="min-w-0"><span className="font-medium">{side === "theirs" ? "Theirs" : "Yours"}</span><Side store={store} item={item} side={side} /></span>
            </label>
          ))}
        </fieldset>
      ))}
      <div className="modal-action"><button type="button" className="btn btn-primary" disabled={open > 0} onClick={() => store.resolve(chosen)}>{open ? `${open} to choose` : "Save this"}</button></div>
    </Dialog>
  );
}

export function Kept({ store, kept }) {
  return (
    <div className="alert alert-soft alert-warning canvas-kept" role="region" aria-label="Changes that were not saved">
      <Glyph name="alert" />
      <div><p className="font-medium">{kept.ops.length === 1 ? "1 change" : `${kept.ops.length} changes`} by {kept.by} could not be saved and {kept.ops.length === 1 ? "was" : "were"} kept.</p>
        <details><summary>Show them</summary><ul className="list-disc ps-5">{kept.ops.slice(0, 60).map((op, number) => <li key={number}>{sentence(op)}</li>)}</ul></details></div>
      <div className="flex gap-2"><button type="button" className="btn btn-sm btn-primary" onClick={() => store.applyKept()}>Apply them</button><button type="button" className="btn btn-sm" onClick={() => store.dropKept()}>Drop them</button></div>
    </div>
  );
}

const KEYS = [
  ["Ctrl Z / Ctrl Y", "Undo / redo"],
  ["Ctrl C / X / V", "Copy, cut, paste, also between projects"],
  ["Ctrl D", "Duplicate"],
  ["Ctrl A", "Select everything"],
  ["Arrow keys", "Move the selected nodes; with Shift further"],
  ["C", "Connect the selected node"],
  ["Enter", "Select the focused node or connection"],
  ["I", "Go to the inspector"],
  ["F2", "Rename the selected node"],
  ["A", "Go to the components"],
  ["Delete", "Remove what is selected"],
  ["Shift drag", "Select with a frame"],
  ["F", "Show the whole flow"],
];

export function KeysDialog({ onClose }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className="canvas-keys">{KEYS.map(([key, what]) => <div key={key} className="contents"><dt><kbd className="kbd kbd-sm">{key}</kbd></dt><dd>{what}</dd></div>)}</dl>
    </Dialog>
  );
}
