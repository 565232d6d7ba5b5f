// A flow to look at: a frozen version, or what changed between two.
import { useReactFlow } from "@xyflow/react";
import { useMemo, useRef } from "react";
import { Glyph } from "./Glyph.jsx";
import { Stage, duration } from "./Stage.jsx";
import { Store } from "./store.js";

const nothing = () => {};

export function Viewer({ doc }) {
  const flow = useReactFlow();
  const store = useMemo(() => new Store(doc), [doc]);
  const selectRef = useRef(null);
  return (
    <div className="canvas-view">
      <Stage store={store} state={store.snapshot()} tool="pan" marks={doc.marks} readOnly embedded onSelection={nothing} selectRef={selectRef} />
      <div className="canvas-zoom" role="group" aria-label="Zoom">
        <button type="button" className="btn btn-sm btn-square" aria-label="Zoom in" onClick={() => flow.zoomIn({ duration: duration() })}><Glyph name="plus" /></button>
        <button type="button" className="btn btn-sm btn-square" aria-label="Zoom out" onClick={() => flow.zoomOut({ duration: duration() })}><Glyph name="minus" /></button>
        <button type="button" className="btn btn-sm btn-square" aria-label="Show all" onClick={() => flow.fitView({ padding: 0.12, duration: duration() })}><Glyph name="fit" /></button>
      </div>
    </div>
  );
}
