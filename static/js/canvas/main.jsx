import { ReactFlowProvider } from "@xyflow/react";
import { createRoot } from "react-dom/client";
import { Editor } from "./Editor.jsx";
import { Viewer } from "./Viewer.jsx";

const read = (id) => JSON.parse(document.getElementById(id).textContent);

export function mount() {
  const island = document.querySelector("[data-canvas-island]");
  if (island) createRoot(island).render(<ReactFlowProvider><Editor doc={read("canvas-document")} /></ReactFlowProvider>);
  for (const place of document.querySelectorAll("[data-canvas-view]")) {
    createRoot(place).render(<ReactFlowProvider><Viewer doc={read(place.dataset.canvasView)} /></ReactFlowProvider>);
  }
}
