// The inspector is the server's form; this loads it for the selected node and hands its changes to the store.
import { idsOf, nodeOf } from "./model.js";

const PAUSE_MS = 120;

export class Inspector {
  constructor(store) {
    this.store = store;
    this.side = document.getElementById("canvas-side");
    this.nothing = document.getElementById("inspector")?.cloneNode(true);
    this.shown = "";
    this.onNode = (event) => {
      const { was, node } = event.detail;
      this.id = node.id;
      this.shown = JSON.stringify(node);
      store.changeNode(was, node);
      if (was !== node.id) this.onRename?.(node.id);
    };
    this.onRan = (event) => store.ran(event.detail);
    this.onSent = (event) => event.detail.requestConfig?.elt.matches(".inspector-form") && store.enter(event.type === "htmx:beforeRequest" ? 1 : -1);
    document.body.addEventListener("htmx:beforeRequest", this.onSent);
    document.body.addEventListener("htmx:afterRequest", this.onSent);
    document.body.addEventListener("canvas:node", this.onNode);
    document.body.addEventListener("canvas:ran", this.onRan);
  }

  // Shows this node, or that nothing (or several) is selected.
  show(ids) {
    clearTimeout(this.timer);
    this.id = ids.length === 1 ? ids[0] : null;
    this.timer = setTimeout(() => (this.id ? this.load() : this.clear(ids.length)), PAUSE_MS);
  }

  // After undo, merge or a change elsewhere: the form follows the drawing.
  follow() {
    if (!this.id) return;
    const node = nodeOf(this.store.now, this.id);
    if (!node) this.show([]);
    else if (JSON.stringify(node) !== this.shown) this.load();
  }

  // Not while something is dragged: the form would take its time from the frames.
  load() {
    if (this.store.moving) {
      this.timer = setTimeout(() => this.load(), PAUSE_MS);
      return;
    }
    const node = nodeOf(this.store.now, this.id);
    if (!node || !document.getElementById("inspector")) return;
    this.shown = JSON.stringify(node);
    if (this.at !== node.id) this.side.scrollTop = 0;
    this.at = node.id;
    const taken = [...idsOf(this.store.now)].filter((id) => id !== node.id).join(" ");
    window.htmx.ajax("POST", this.store.urls.inspector, { target: "#inspector", swap: "outerHTML", values: { node: this.shown, was: node.id, taken } });
    this.fill(true);
  }

  clear(count) {
    this.shown = "";
    this.fill(false);
    const place = document.getElementById("inspector");
    if (!place) return;
    const fresh = this.nothing.cloneNode(true);
    if (count > 1) {
      fresh.querySelector("h2").textContent = `${count} nodes are selected`;
      fresh.querySelector("p").textContent = "Drag to move them, copy them with Ctrl C, remove them with Delete.";
    }
    place.replaceWith(fresh);
  }

  fill(shown) {
    this.side.toggleAttribute("data-filled", shown);
    document.getElementById("canvas")?.toggleAttribute("data-inspecting", shown);
  }

  // Goes to the field of the id, as soon as the form of this node is there.
  rename(id) {
    const place = document.getElementById("inspector");
    if (place?.dataset.node !== id) {
      document.body.addEventListener("htmx:afterSettle", () => this.id === id && this.rename(id), { once: true });
      return;
    }
    const field = document.getElementById("inspector_id");
    field?.focus();
    field?.select();
  }

  focus() {
    document.getElementById("inspector-title")?.focus();
  }
}
