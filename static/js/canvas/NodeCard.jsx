// One node: title, what it is set to, typed ports, findings and its last run.
import { Handle, Position } from "@xyflow/react";
import { createContext, memo, useContext } from "react";
import { cardHandles } from "./card.js";
import { Glyph } from "./Glyph.jsx";

// A tap on a port begins or ends a connection and does not select the node.
const ofPort = (event) => event.target.closest(".react-flow__handle") && event.stopPropagation();

function Ports({ ports, side, fed, readOnly }) {
  const input = side === "in";
  return (
    <div className={`node-ports node-ports-${side}`}>
      {ports.map((port) => (
        <div key={port.name} className="node-port" onClick={ofPort} data-type={port.type} data-missing={input && port.required && !fed.has(port.name) ? "" : undefined}>
          <Handle type={input ? "target" : "source"} id={port.name} position={input ? Position.Left : Position.Right} isConnectable={!readOnly} data-type={port.type} className="port" />
          <span className="port-name">{port.name}</span>
          <span className="port-type">{port.name === port.type ? "" : port.type}{input && !port.required ? "?" : ""}</span>
        </div>
      ))}
    </div>
  );
}

// Whether the flow is seen from so far away that ports cannot be read: then cards are drawn without them.
export const Far = createContext(false);

// Where a node stands is no matter of its card: while many are dragged, none is drawn anew.
const alike = (before, after) => before.data === after.data && before.selected === after.selected;

export const NodeCard = memo(function NodeCard({ data, selected }) {
  const far = useContext(Far);
  const { node, component, icon, fed, problems, run, mark, notes, summary, readOnly } = data;
  const worst = ["error", "warning", "info"].find((level) => problems.some((one) => one.severity === level));
  return (
    <div className="node" data-category={component?.category} data-selected={selected ? "" : undefined} data-problem={worst} data-mark={mark || undefined}>
      <div className="node-head">
        <span className="node-mark"><Glyph path={icon} /></span>
        <span className="node-names">
          <span className="node-title">{node.title || component?.title || node.component}</span>
          {!far && <span className="node-id">{node.id}</span>}
        </span>
        {worst && <span className="node-problem" title={problems.map((one) => one.message).join("\n")}><Glyph name={worst === "info" ? "info" : "alert"} /><span className="sr-only">{problems.length === 1 ? "1 problem" : `${problems.length} problems`}</span></span>}
      </div>
      {mark && <p className="node-change">{mark}{notes?.length ? `: ${notes.join("; ")}` : ""}</p>}
      {far && !mark ? <Ends {...data} /> : <Details {...data} />}
    </div>
  );
}, alike);

// Where wires end, for React Flow to find; nothing to see or to touch.
function Ends({ component, summary, run }) {
  return cardHandles(component, { summary: Boolean(summary), run: Boolean(run) }).map(({ id, type, position, x, y }) => (
    <i key={`${type} ${id}`} className={`end ${type}`} data-handleid={id} data-handlepos={position} style={{ left: x - 1, top: y - 1 }} />
  ));
}

function Details({ component, fed, run, summary, readOnly }) {
  return (
    <>
      {summary && <p className="node-summary">{summary}</p>}
      {component ? (
        <div className="node-body">
          <Ports ports={component.inputs} side="in" fed={fed} readOnly={readOnly} />
          <Ports ports={component.outputs} side="out" fed={fed} readOnly={readOnly} />
        </div>
      ) : <p className="node-summary">This component is not known here.</p>}
      {run && (
        <p className="node-run" data-failed={run.error ? "" : undefined}>
          <Glyph name={run.error ? "alert" : "clock"} />
          {run.error ? "failed" : time(run.duration_ms)}
          {run.tokens ? <span>{run.tokens.toLocaleString("en")} tokens</span> : null}
        </p>
      )}
    </>
  );
}

export function time(ms) {
  if (ms == null) return "skipped";
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}
