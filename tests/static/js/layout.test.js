// Where nodes stand that nobody has placed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { WIDTH, cardHandles, cardHeight } from "../../../static/js/canvas/card.js";
import { arranged, heightOf, placed } from "../../../static/js/canvas/layout.js";

const port = (name) => ({ name, type: "text", required: true });
const catalog = { one: { inputs: [port("in")], outputs: [port("out")] }, tall: { inputs: ["a", "b", "c"].map(port), outputs: [port("out")] } };
const node = (id, component = "one") => ({ id, component, title: "", params: {} });
const edge = (from, to) => ({ from: `${from}.out`, to: `${to}.in` });
const flow = (ids, links, layout = {}) => ({ nodes: ids.map((id) => node(id)), edges: links.map((link) => edge(...link)), layout });

function star(count) {
  const numbers = [...Array(count).keys()];
  return flow(["hub", ...numbers.flatMap((at) => [`a-${at}`, `b-${at}`]), "end"], numbers.flatMap((at) => [["hub", `a-${at}`], [`a-${at}`, `b-${at}`], [`b-${at}`, "end"]]));
}

function size(places) {
  const all = Object.values(places);
  return [Math.max(...all.map((at) => at.x)) + WIDTH, Math.max(...all.map((at) => at.y)) + heightOf(catalog.one)];
}

function overlapping(drawing, places) {
  const rows = drawing.nodes.map((one) => ({ ...places[one.id], height: heightOf(catalog[one.component]) }));
  return rows.filter((a, at) => rows.slice(at + 1).some((b) => Math.abs(a.x - b.x) < WIDTH && a.y < b.y + b.height && b.y < a.y + a.height));
}

test("data flows from left to right", () => {
  const places = arranged(catalog, flow(["c", "a", "b"], [["a", "b"], ["b", "c"]]));
  assert.ok(places.a.x + WIDTH < places.b.x && places.b.x + WIDTH < places.c.x);
});

test("a star is about as wide as high, and nothing covers anything", () => {
  for (const count of [1, 2, 7, 30, 98]) {
    const drawing = star(count);
    const places = arranged(catalog, drawing);
    const [width, height] = size(places);
    assert.deepEqual(overlapping(drawing, places), [], `${count} branches`);
    assert.ok(height < width * 1.7, `${count} branches: ${width} x ${height}`);
    assert.equal(Object.keys(places).length, drawing.nodes.length);
    for (const { from, to } of drawing.edges) assert.ok(places[from.split(".")[0]].x < places[to.split(".")[0]].x, `${from} to ${to}`);
  }
});

test("parts without a connection stand beside one another", () => {
  const drawing = flow(["a", "b", "x", "y", "alone"], [["a", "b"], ["x", "y"]]);
  const places = arranged(catalog, drawing);
  assert.deepEqual(overlapping(drawing, places), []);
  const [width, height] = size(places);
  assert.ok(width < 1600 && height < 700, `${width} x ${height}`);
});

test("an empty flow and a circle are arranged too", () => {
  assert.deepEqual(arranged(catalog, flow([], [])), {});
  const places = arranged(catalog, flow(["a", "b"], [["a", "b"], ["b", "a"], ["gone", "a"]]));
  assert.deepEqual(Object.keys(places).toSorted(), ["a", "b"]);
});

test("places that are stored stay, and the others are put below", () => {
  const drawing = flow(["a", "b"], [["a", "b"]], { a: { x: 7, y: 9 } });
  const places = placed(catalog, drawing);
  assert.deepEqual(places.a, { x: 7, y: 9 });
  assert.ok(places.b.y > 9 + heightOf(catalog.one));
  assert.equal(placed(catalog, flow(["a"], [], { a: { x: 1, y: 2 } })).a.x, 1);
});

test("a card has room for its rows, and its ports stand on its edges", () => {
  const has = { summary: true, run: false };
  const handles = cardHandles(catalog.tall, has);
  assert.deepEqual(handles.map((one) => [one.id, one.type, one.x]), [["a", "target", -5], ["b", "target", -5], ["c", "target", -5], ["out", "source", 242]]);
  assert.equal(handles[1].y - handles[0].y, 24);
  assert.ok(handles[2].y + 11 < cardHeight(catalog.tall, has));
  assert.ok(cardHeight(catalog.tall, { summary: true, run: true }) > cardHeight(catalog.tall, has));
  assert.ok(cardHeight(undefined, has) > 0);
});
