// The pure model of the canvas: edits, operations, renaming, two people at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as model from "../../../static/js/canvas/model.js";

const node = (id, component, params = {}, title = "") => ({ id, component, title, params });
const edge = (from, to) => ({ from, to });
const port = (name, type, required = true) => ({ name, type, required });

const catalog = {
  "chat-input": { title: "Question", inputs: [], outputs: [port("question", "text"), port("history", "history")] },
  prompt: { title: "Prompt", inputs: [port("question", "text"), port("history", "history", false)], outputs: [port("messages", "messages")] },
  llm: { title: "Model", inputs: [port("messages", "messages")], outputs: [port("answer", "answer")] },
  join: { title: "Join", inputs: [port("first", "answer"), port("second", "answer")], outputs: [port("answer", "answer")] },
  "chat-output": { title: "Answer", inputs: [port("answer", "answer")], outputs: [] },
};

const drawing = () => ({
  nodes: [node("question", "chat-input"), node("prompt", "prompt", { instruction: "Hi" }), node("llm", "llm", { top_k: 4 }), node("answer", "chat-output")],
  edges: [edge("question.question", "prompt.question"), edge("prompt.messages", "llm.messages"), edge("llm.answer", "answer.answer")],
  layout: { question: { x: 0, y: 0 }, llm: { x: 300, y: 8 } },
});

const ids = (one) => one.nodes.map((each) => each.id);
const wires = (one) => one.edges.map(model.keyOf);
const names = (old, now) => Object.fromEntries(model.renames(old, now));
const rename = (one, was, now) => model.withNode(one, was, { ...model.nodeOf(one, was), id: now });
const set = (one, id, params) => model.withNode(one, id, { ...model.nodeOf(one, id), params });
// What a drawing says, whatever the order of its keys.
const said = (one) => ({ ...one, layout: Object.fromEntries(Object.entries(one.layout).sort()) });

// A generator of the same numbers every time: a failure is one that can be looked at again.
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

// Reading --------------------------------------------------------------------------------------------

test("a document's nodes have a title and settings", () => {
  const made = model.drawingOf({ nodes: [{ id: "a", component: "llm" }], edges: [] });
  assert.deepEqual(made, { nodes: [node("a", "llm")], edges: [], layout: {} });
});

test("a free id counts up from the number that it has", () => {
  assert.equal(model.freeId("llm", new Set()), "llm");
  assert.equal(model.freeId("llm", new Set(["llm"])), "llm-2");
  assert.equal(model.freeId("llm-2", new Set(["llm", "llm-2"])), "llm-3");
  assert.ok(model.freeId("a".repeat(63), new Set(["a".repeat(63)])).length <= 63);
});

test("an order puts what feeds before what is fed, and ends on a circle", () => {
  const turned = { ...drawing(), nodes: drawing().nodes.toReversed() };
  assert.deepEqual(model.inOrder(turned).map((one) => one.id), ["question", "prompt", "llm", "answer"]);
  const circle = { nodes: [node("a", "llm"), node("b", "llm")], edges: [edge("a.x", "b.x"), edge("b.x", "a.x")], layout: {} };
  assert.equal(model.inOrder(circle).length, 2);
});

// Veto -----------------------------------------------------------------------------------------------

test("an edge that fits is allowed", () => {
  assert.equal(model.veto(catalog, drawing(), "question.history", "prompt.history"), "");
});

for (const [from, to, reason] of [
  ["llm.nothing", "answer.answer", "There is no output llm.nothing."],
  ["llm.answer", "answer.nothing", "There is no input answer.nothing."],
  ["llm.answer", "prompt.history", "llm.answer gives answer and prompt.history takes history."],
  ["llm.answer", "answer.answer", "answer.answer is fed already. Remove that edge first, or put a join before it."],
]) test(`vetoed: ${from} to ${to}`, () => assert.equal(model.veto(catalog, drawing(), from, to), reason));

test("a circle is vetoed with its way", () => {
  const one = { nodes: [node("a", "join"), node("b", "join")], edges: [edge("a.answer", "b.first")], layout: {} };
  assert.equal(model.veto(catalog, one, "b.answer", "a.first"), "That would run in a circle through a, b.");
  assert.equal(model.veto(catalog, one, "a.answer", "a.first"), "That would run in a circle through a.");
});

// Edits ----------------------------------------------------------------------------------------------

test("a node that is added gets a free id and its place", () => {
  const [next, made] = model.addNode(drawing(), "chat-input", { x: 8, y: 16 });
  assert.equal(made.id, "question-2");
  assert.deepEqual(next.layout["question-2"], { x: 8, y: 16 });
  assert.equal(next.nodes.length, 5);
});

test("a node that is removed takes edges and place along", () => {
  const left = model.without(drawing(), new Set(["llm"]));
  assert.deepEqual(ids(left), ["question", "prompt", "answer"]);
  assert.deepEqual(wires(left), ["question.question > prompt.question"]);
  assert.deepEqual(Object.keys(left.layout), ["question"]);
});

test("a part that is pasted keeps its inner edges under free ids", () => {
  const [next, made] = model.paste(drawing(), model.part(drawing(), new Set(["prompt", "llm"])), { x: 48, y: 48 });
  assert.deepEqual(made.map((one) => one.id), ["prompt-2", "llm-2"]);
  assert.deepEqual(wires(next).slice(3), ["prompt-2.messages > llm-2.messages"]);
  assert.deepEqual(next.layout["llm-2"], { x: 348, y: 56 });
});

test("no edit changes the drawing that it was given", () => {
  const one = drawing();
  model.addNode(one, "llm", { x: 0, y: 0 });
  model.without(one, new Set(["llm"]));
  rename(one, "llm", "writer");
  model.applyOps(one, [{ op: "move", id: "llm", to: null }, { op: "set", id: "llm", name: "a", value: 1 }]);
  assert.deepEqual(one, drawing());
});

// Operations -----------------------------------------------------------------------------------------

test("what is equal needs no operation", () => assert.deepEqual(model.changes(drawing(), drawing()), []));

test("settings and titles are told one by one", () => {
  const next = model.withNode(drawing(), "llm", node("llm", "llm", { top_p: 1 }, "Writer"));
  assert.deepEqual(model.changes(drawing(), next), [
    { op: "title", id: "llm", title: "Writer" },
    { op: "reset", id: "llm", name: "top_k" },
    { op: "set", id: "llm", name: "top_p", value: 1 },
  ]);
});

test("a node that became another kind is taken out and put in", () => {
  const next = { ...drawing(), nodes: drawing().nodes.map((one) => (one.id === "llm" ? node("llm", "join") : one)) };
  assert.deepEqual(model.changes(drawing(), next).map((op) => op.op), ["remove", "add", "connect", "connect", "move"]);
});

test("what cannot be done is told, the rest is done", () => {
  const bad = [{ op: "remove", id: "x" }, { op: "connect", edge: edge("x.a", "llm.messages") }, { op: "disconnect", edge: edge("a.b", "c.d") },
    { op: "add", node: node("llm", "llm") }, { op: "rename", id: "llm", to: "prompt" }, { op: "dance" }];
  const [next, refused] = model.applyOps(drawing(), [...bad, { op: "title", id: "llm", title: "T" }]);
  assert.deepEqual(refused, bad);
  assert.equal(model.nodeOf(next, "llm").title, "T");
});

test("every operation has a sentence", () => {
  const ops = [{ op: "add", node: node("a", "llm") }, { op: "remove", id: "a" }, { op: "connect", edge: edge("a.b", "c.d") }, { op: "disconnect", edge: edge("a.b", "c.d") },
    { op: "move", id: "a", to: null }, { op: "set", id: "a", name: "n", value: [1] }, { op: "reset", id: "a", name: "n" }, { op: "title", id: "a", title: "" }, { op: "rename", id: "a", to: "b" }];
  assert.deepEqual(ops.map(model.sentence), ["Node a (llm) added", "Node a removed", "a.b connected to c.d", "a.b disconnected from c.d", "a moved",
    "a: n set to [1]", "a: n taken from the project again", "a titled “a”", "a renamed to b"]);
});

// Renaming -------------------------------------------------------------------------------------------

test("a new id is one operation, and edges, place and settings follow", () => {
  const next = rename(drawing(), "llm", "writer");
  assert.deepEqual(model.changes(drawing(), next), [{ op: "rename", id: "llm", to: "writer" }]);
  assert.deepEqual(wires(next), ["question.question > prompt.question", "prompt.messages > writer.messages", "writer.answer > answer.answer"]);
  assert.deepEqual(next.layout.writer, { x: 300, y: 8 });
  assert.deepEqual(model.nodeOf(next, "writer").params, { top_k: 4 });
});

test("undoing it is one operation as well", () => {
  const next = rename(drawing(), "llm", "writer");
  const back = model.changes(next, drawing());
  assert.deepEqual(back, [{ op: "rename", id: "writer", to: "llm" }]);
  assert.deepEqual(said(model.applyOps(next, back)[0]), said(drawing()));
});

test("neighbours that are renamed together, and one that is set as well", () => {
  const next = set(rename(rename(drawing(), "llm", "writer"), "prompt", "words"), "writer", { top_k: 9 });
  assert.deepEqual(model.changes(drawing(), next), [
    { op: "rename", id: "prompt", to: "words" },
    { op: "rename", id: "llm", to: "writer" },
    { op: "set", id: "writer", name: "top_k", value: 9 },
  ]);
});

test("another node in its place with other edges is no renaming", () => {
  const next = { ...model.without(drawing(), new Set(["llm"])) };
  next.nodes = [...next.nodes, node("other", "llm")];
  assert.deepEqual(names(drawing(), next), {});
});

test("whatever is done, the operations lead there and back", () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const below = numbers(seed);
    const pick = (list) => list[below(list.length)];
    let now = drawing();
    for (let step = 0; step < 8; step += 1) {
      const some = pick(now.nodes)?.id;
      const free = model.freeId(pick(["llm", "a", "b", "c"]), model.idsOf(now));
      const edit = below(7);
      if (!some || edit === 0) now = model.addNode(now, pick(["llm", "prompt", "join"]), { x: below(99), y: below(99) })[0];
      else if (edit === 1) now = model.without(now, new Set([some]));
      else if (edit === 2) now = rename(now, some, free);
      else if (edit === 3) now = set(now, some, { [pick(["x", "y"])]: below(3) });
      else if (edit === 4) now = { ...now, layout: { ...now.layout, [some]: { x: below(99), y: below(99) } } };
      else if (edit === 5) now = model.paste(now, model.part(now, new Set([some, pick(now.nodes).id])), { x: 8, y: 8 })[0];
      else {
        const one = edge(`${some}.answer`, `${pick(now.nodes).id}.first`);
        if (!wires(now).includes(model.keyOf(one))) now = model.withEdge(now, one);
      }
    }
    for (const [from, to] of [[drawing(), now], [now, drawing()]]) {
      const [reached, refused] = model.applyOps(from, model.changes(from, to));
      assert.deepEqual(refused, [], `seed ${seed}`);
      assert.deepEqual(said(reached), said(to), `seed ${seed}`);
    }
  }
});

// Two people at once ---------------------------------------------------------------------------------

function together(theirs, yours, chosen = {}) {
  const conflicts = model.conflictsOf(drawing(), theirs, yours);
  return [conflicts.map((one) => one.key), model.merged(drawing(), theirs, yours, conflicts, chosen)];
}

test("changes that do not touch are put together", () => {
  const [conflicts, both] = together(set(drawing(), "prompt", { instruction: "Yo" }), set(drawing(), "llm", { top_k: 9 }));
  assert.deepEqual(conflicts, []);
  assert.deepEqual([model.nodeOf(both, "prompt").params, model.nodeOf(both, "llm").params], [{ instruction: "Yo" }, { top_k: 9 }]);
});

test("the same node set differently is a conflict that either side can win", () => {
  const [theirs, yours] = [set(drawing(), "llm", { top_k: 1 }), set(drawing(), "llm", { top_k: 2 })];
  assert.deepEqual(together(theirs, yours)[0], ["node llm"]);
  for (const [side, top_k] of [["theirs", 1], ["yours", 2]]) {
    assert.deepEqual(model.nodeOf(together(theirs, yours, { "node llm": side })[1], "llm").params, { top_k });
  }
});

test("one input fed from two places is a conflict", () => {
  const feed = (from) => ({ ...drawing(), edges: [...drawing().edges, edge(from, "prompt.history")] });
  const [conflicts, both] = together(feed("question.history"), feed("llm.answer"), { "input prompt.history": "yours" });
  assert.deepEqual(conflicts, ["input prompt.history"]);
  assert.deepEqual(wires(both).filter((one) => one.endsWith("prompt.history")), ["llm.answer > prompt.history"]);
});

test("a node that one removes and the other connects is a conflict", () => {
  const theirs = model.without(drawing(), new Set(["llm"]));
  const yours = { ...drawing(), edges: [...drawing().edges, edge("llm.answer", "prompt.history")] };
  assert.deepEqual(together(theirs, yours)[0], ["node llm"]);
  assert.equal(model.nodeOf(together(theirs, yours, { "node llm": "yours" })[1], "llm").component, "llm");
  assert.equal(model.nodeOf(together(theirs, yours, { "node llm": "theirs" })[1], "llm"), undefined);
});

test("one renames, the other sets and connects the same node: both are kept", () => {
  const set_ = { ...set(drawing(), "llm", { top_k: 9 }), edges: [...drawing().edges, edge("llm.answer", "prompt.history")] };
  for (const [theirs, yours] of [[rename(drawing(), "llm", "writer"), set_], [set_, rename(drawing(), "llm", "writer")]]) {
    const [conflicts, both] = together(theirs, yours);
    assert.deepEqual(conflicts, []);
    assert.deepEqual(ids(both), ["question", "prompt", "writer", "answer"]);
    assert.deepEqual(model.nodeOf(both, "writer").params, { top_k: 9 });
    assert.deepEqual(wires(both).toSorted(), ["prompt.messages > writer.messages", "question.question > prompt.question", "writer.answer > answer.answer", "writer.answer > prompt.history"]);
    assert.deepEqual(both.layout.writer, { x: 300, y: 8 });
  }
});

test("both give the same new id", () => {
  const [conflicts, both] = together(rename(drawing(), "llm", "writer"), rename(drawing(), "llm", "writer"));
  assert.deepEqual([conflicts, ids(both)], [[], ["question", "prompt", "writer", "answer"]]);
});

test("both give another id: one is chosen", () => {
  const sides = [rename(drawing(), "llm", "writer"), rename(drawing(), "llm", "author")];
  assert.deepEqual(together(...sides)[0], ["name llm"]);
  for (const [side, id] of [["theirs", "writer"], ["yours", "author"]]) {
    const both = together(...sides, { "name llm": side })[1];
    assert.deepEqual([ids(both)[2], wires(both)[2]], [id, `${id}.answer > answer.answer`]);
  }
});

test("an id that one took by renaming and the other by adding is in use once", () => {
  const [added] = model.paste(drawing(), { nodes: [node("writer", "join", { a: 1 })], edges: [], layout: {} }, { x: 0, y: 0 });
  const [conflicts, both] = together(rename(drawing(), "llm", "writer"), added);
  assert.deepEqual(conflicts, []);
  assert.equal(model.nodeOf(both, "writer").component, "llm");
  assert.equal(model.nodeOf(both, "writer-2").component, "join");
});

test("a card tells two values, the node's own first, and entries of a list by their names", () => {
  const parameter = (name, kind, title = name) => ({ name, kind, title });
  const component = { parameters: [parameter("server", "connection"), parameter("k", "integer", "Passages"), parameter("rules", "guardrails", "Rules")] };
  const inherited = { server: "house", k: 6, rules: [] };
  const told = (params) => model.summaryOf(node("one", "any", params), component, inherited);
  assert.equal(told({}), "house · Passages: 6");
  assert.equal(told({ rules: [{ kind: "pii", action: "mask" }, { kind: "toxicity" }] }), "Rules: pii, toxicity · house");
  assert.equal(told({ rules: [{ words: [], name: "Order desk" }, 3] }), "Rules: Order desk, 3 · house");
});
