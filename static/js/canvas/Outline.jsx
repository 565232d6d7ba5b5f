// The same flow as a nested list: every node with what feeds it and where it leads. Works without seeing or dragging.
import { useMemo } from "react";
import { Glyph } from "./Glyph.jsx";
import { inOrder, keyOf, without } from "./model.js";
import { time } from "./NodeCard.jsx";

export function Outline({ store, state, selected, onSelect, onConnect }) {
  const order = useMemo(() => inOrder(state.now), [state.now]);
  const cut = (edge) => store.commit(without(state.now, new Set(), new Set([keyOf(edge)])), `${edge.from} disconnected from ${edge.to}`);
  const remove = (node) => store.commit(without(state.now, new Set([node.id])), `${node.id} removed`);
  if (!order.length) return <div className="canvas-empty-outline"><p>The flow is empty.</p><p className="muted">Add a component to begin.</p></div>;
  return (
    <ol className="outline" aria-label="Nodes of the flow">
      {order.map((node) => {
        const component = store.catalog[node.component];
        const problems = state.findings.filter((one) => one.nodes?.includes(node.id));
        const run = state.runs[node.id]?.component === node.component ? state.runs[node.id] : null;
        const name = node.title || component?.title || node.component;
        return (
          <li key={node.id} className="outline-node" data-selected={selected.includes(node.id) ? "" : undefined} data-outline-node={node.id}>
            <div className="outline-head">
              <button type="button" className="outline-name" aria-pressed={selected.includes(node.id)} onClick={() => onSelect([node.id])}>
                <span className="palette-mark" data-category={component?.category}><Glyph path={store.icons[component?.icon]} /></span>
                <span className="min-w-0"><span className="block truncate font-medium">{name}</span><span className="node-id">{node.id}</span></span>
              </button>
              {run && <span className="badge badge-soft">{run.error ? "failed" : time(run.duration_ms)}{run.tokens ? `, ${run.tokens} tokens` : ""}</span>}
              <button type="button" className="btn btn-ghost btn-sm btn-square" aria-label={`Remove ${node.id}`} onClick={() => remove(node)}><Glyph name="trash" /></button>
            </div>
            {problems.map((one) => <p key={one.message} className={one.severity === "error" ? "field-error" : "field-help flex gap-1.5"}><Glyph name={one.severity === "info" ? "info" : "alert"} /><span>{one.message}</span></p>)}
            {component && (
              <ul className="outline-ports">
                {component.inputs.map((port) => {
                  const edge = state.now.edges.find((one) => one.to === `${node.id}.${port.name}`);
                  return (
                    <li key={`in ${port.name}`}>
                      <span className="port-dot" data-type={port.type} /><span className="outline-port"><span className="muted">in</span> {port.name} <span className="port-type">{port.type}{port.required ? "" : ", optional"}</span></span>
                      {edge ? (
                        <span className="outline-link">from <code>{edge.from}</code> <button type="button" className="btn btn-ghost btn-xs" aria-label={`Disconnect ${edge.from} from ${edge.to}`} onClick={() => cut(edge)}>Disconnect</button></span>
                      ) : (
                        <span className="outline-link"><button type="button" className="btn btn-xs" aria-label={`Connect ${node.id}.${port.name}`} onClick={() => onConnect({ to: `${node.id}.${port.name}` })}>Connect</button></span>
                      )}
                    </li>
                  );
                })}
                {component.outputs.map((port) => {
                  const edges = state.now.edges.filter((one) => one.from === `${node.id}.${port.name}`);
                  return (
                    <li key={`out ${port.name}`}>
                      <span className="port-dot" data-type={port.type} /><span className="outline-port"><span className="muted">out</span> {port.name} <span className="port-type">{port.type}</span></span>
                      <span className="outline-link">
                        {edges.map((edge) => <span key={keyOf(edge)}>to <code>{edge.to}</code> <button type="button" className="btn btn-ghost btn-xs" aria-label={`Disconnect ${edge.from} from ${edge.to}`} onClick={() => cut(edge)}>Disconnect</button></span>)}
                        <button type="button" className="btn btn-xs" aria-label={`Connect ${node.id}.${port.name} onward`} onClick={() => onConnect({ from: `${node.id}.${port.name}` })}>Connect</button>
                      </span>
                    </li>
                  );
                })}
              </ul>
            )}
          </li>
        );
      })}
    </ol>
  );
}
