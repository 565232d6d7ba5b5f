// What is drawn, its whole history, and saving it. Knows nothing of the screen; React reads it as an external store.
import { applyOps, changes, conflictsOf, drawingOf, merged, nodeOf, sentence, withNode } from "./model.js";

const PAUSE_MS = 500;
const RETRY_MS = 5000;

export class Store {
  constructor(doc) {
    const drawing = drawingOf(doc);
    this.urls = doc.urls;
    this.catalog = doc.components;
    this.icons = doc.icons;
    this.saved = drawing;
    this.editable = doc.editable !== false;
    this.listeners = new Set();
    this.settled = false;
    this.entering = 0;
    this.state = { now: drawing, past: [], future: [], saving: "saved", conflict: null, said: "", kept: doc.kept, ...this.served(doc), runs: doc.runs ?? {} };
  }

  served({ seen, findings, inherited, blueprint, revision }) {
    return { seen, findings: findings ?? [], inherited: inherited ?? {}, blueprint, revision };
  }

  subscribe = (listener) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = () => this.state;

  set(values) {
    this.state = { ...this.state, ...values };
    for (const listener of this.listeners) listener();
  }

  get now() {
    return this.state.now;
  }

  // Said by screen readers; the same words twice are two events.
  say(text) {
    this.set({ said: this.state.said === text ? `${text}\u00a0` : text });
  }

  commit(next, label) {
    if (!this.editable) return this.say("You may look at this project, not change it.");
    if (next === this.now || !changes(this.now, next).length) return;
    this.set({ past: [...this.state.past, { drawing: this.now, label }], now: next, future: [] });
    this.say(label);
    this.later();
  }

  undo() {
    const last = this.state.past.at(-1);
    if (!last) return this.say("Nothing to undo");
    this.set({
      past: this.state.past.slice(0, -1),
      now: last.drawing,
      future: [{ drawing: this.now, label: last.label }, ...this.state.future],
    });
    this.say(`Undone: ${last.label}`);
    this.later();
  }

  redo() {
    const [next, ...rest] = this.state.future;
    if (!next) return this.say("Nothing to redo");
    this.set({ past: [...this.state.past, { drawing: this.now, label: next.label }], now: next.drawing, future: rest });
    this.say(`Redone: ${next.label}`);
    this.later();
  }

  changeNode(was, node) {
    if (!nodeOf(this.now, was)) return;
    if (was !== node.id && nodeOf(this.now, node.id)) return this.say(`There is a node ${node.id} already`);
    const { [was]: ran, ...runs } = this.state.runs;
    if (was !== node.id && ran) this.set({ runs: { ...runs, [node.id]: ran } });
    this.commit(withNode(this.now, was, node), was === node.id ? `${node.title || node.id} changed` : `${was} renamed to ${node.id}`);
  }

  ran({ id, ...told }) {
    this.set({ runs: { ...this.state.runs, [id]: { ...told, component: nodeOf(this.now, id)?.component } } });
    this.say(told.error ? `${id} failed` : `${id} ran in ${Math.round(told.duration_ms)} milliseconds`);
  }

  // Saving -------------------------------------------------------------------------------------------

  get isDirty() {
    return this.now !== this.saved && changes(this.saved, this.now).length > 0;
  }

  // Values on their way through the inspector's form are changes that are not saved yet.
  enter(by) {
    this.entering = Math.max(0, this.entering + by);
    const { saving } = this.state;
    if (this.entering && saving === "saved") this.set({ saving: "unsaved" });
    if (!this.entering && saving === "unsaved" && !this.busy && !this.isDirty) this.set({ saving: "saved" });
  }

  later(pause = PAUSE_MS) {
    clearTimeout(this.timer);
    if (this.state.conflict) return;
    if (this.isDirty) this.set({ saving: this.state.saving === "failed" ? "failed" : "unsaved" });
    this.timer = setTimeout(() => this.save(), pause);
  }

  body() {
    return JSON.stringify({ seen: this.state.seen, ops: changes(this.saved, this.now), settled: this.settled });
  }

  async save() {
    if (this.busy || this.state.conflict) return;
    const sent = this.now;
    const ops = changes(this.saved, sent);
    if (!ops.length && !this.settled) return this.set({ saving: this.entering ? "unsaved" : "saved" });
    this.busy = true;
    this.set({ saving: "saving" });
    try {
      const answer = await this.post(JSON.stringify({ seen: this.state.seen, ops, settled: this.settled }));
      const data = await answer.json();
      if (answer.status === 409) this.meet(data);
      else if (answer.ok) {
        this.saved = sent;
        this.settled = false;
        this.set({ ...this.served(data), saving: this.now === sent && !this.entering ? "saved" : "unsaved" });
      } else this.fail(data.error?.message ?? `The server refused it (${answer.status}).`);
    } catch {
      this.fail("The server does not answer. Your changes stay here; trying again.");
      setTimeout(() => this.save(), RETRY_MS);
    } finally {
      this.busy = false;
    }
    if (this.now !== sent && !this.state.conflict && this.state.saving !== "failed") this.later();
  }

  fail(reason) {
    this.set({ saving: "failed", reason });
    this.say(`Not saved: ${reason}`);
  }

  post(body, keepalive = false) {
    return fetch(this.urls.save, {
      method: "POST",
      body,
      keepalive,
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token() },
    });
  }

  // Resolves once everything is saved, or to false where that is not possible now.
  async flush() {
    clearTimeout(this.timer);
    for (let tries = 0; tries < 20 && (this.entering || this.busy || this.isDirty); tries += 1) {
      if (this.entering || this.busy) await new Promise((done) => setTimeout(done, 100));
      else await this.save();
      if (this.state.conflict || this.state.saving === "failed") return false;
    }
    return !this.entering && !this.isDirty;
  }

  leave() {
    if (this.isDirty && !this.state.conflict) this.post(this.body(), true);
  }

  // Somebody else saved: what differs is shown, the rest is put together. Their changes are kept through undo.
  meet({ theirs }) {
    const other = drawingOf(theirs);
    const conflicts = conflictsOf(this.saved, other, this.now);
    this.settled = true;
    if (conflicts.length) {
      this.set({ saving: "conflict", conflict: { base: this.saved, theirs: other, document: theirs, items: conflicts, by: theirs.by } });
      this.say(`${theirs.by === "you" ? "Another window" : theirs.by} changed the same. Choose what to keep.`);
    } else this.takeIn(this.saved, other, theirs, merged(this.saved, other, this.now, [], {}), `Put together with what ${theirs.by} saved`);
  }

  resolve(chosen) {
    const { base, theirs, document, items } = this.state.conflict;
    this.takeIn(base, theirs, document, merged(base, theirs, this.now, items, chosen), "Conflict settled");
  }

  takeIn(base, theirs, document, result, said) {
    const carried = changes(base, theirs);
    const past = this.state.past.map((step) => ({ ...step, drawing: applyOps(step.drawing, carried)[0] }));
    this.saved = theirs;
    this.set({ ...this.served(document), now: result, past, future: [], conflict: null, saving: "unsaved" });
    this.say(said);
    this.later(0);
  }

  // Coming back to the page: what somebody else saved meanwhile, unless something here is not saved yet.
  async refresh() {
    if (this.busy || this.isDirty || this.state.conflict || !this.urls?.document) return;
    try {
      const answer = await fetch(this.urls.document, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const data = await answer.json();
      if (this.busy || this.isDirty) return;
      if (data.seen === this.state.seen) return this.set({ ...this.served(data), runs: { ...this.state.runs, ...data.runs } });
      const now = drawingOf(data);
      this.saved = now;
      this.set({ ...this.served(data), now, past: this.state.past.map((step) => ({ ...step, drawing: applyOps(step.drawing, changes(this.now, now))[0] })), future: [] });
      this.say(`Changes by ${data.by} are shown`);
    } catch {
      // Without an answer the page stays as it is; saving tells when the server is away.
    }
  }

  applyKept() {
    const [next, refused] = applyOps(this.now, this.state.kept.ops);
    this.settled = true;
    this.set({ kept: null });
    this.commit(next, "Kept changes applied");
    if (refused.length) this.say(`Not possible any more: ${refused.map(sentence).join("; ")}`);
    this.later(0);
  }

  dropKept() {
    this.settled = true;
    this.set({ kept: null });
    this.say("Kept changes dropped");
    this.later(0);
  }
}

function token() {
  return JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
}
