// A drawing is { nodes: [{id, component, title, params}], edges: [{from, to}], layout: {id: {x, y}} }, never changed in
// place. Operations and their order are those of apps/projects/domain/canvas.py.

export const ends = (edge) => [edge.from.split(".")[0], edge.to.split(".")[0]];
export const keyOf = (edge) => `${edge.from} > ${edge.to}`;
const same = (a, b) => a === b || JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
  }
  return value;
}

export function drawingOf(document) {
  const nodes = document.nodes.map((node) => ({ title: "", params: {}, ...node }));
  return { nodes, edges: document.edges, layout: document.layout ?? {} };
}

export const nodeOf = (drawing, id) => drawing.nodes.find((node) => node.id === id);

export function portOf(catalog, drawing, name, side) {
  const [id, port] = name.split(".");
  const component = catalog[nodeOf(drawing, id)?.component];
  return component?.[side].find((one) => one.name === port);
}

// Why an edge may not be drawn, in the words of flow_findings.veto; "" if it may.
export function veto(catalog, drawing, from, to) {
  const out = portOf(catalog, drawing, from, "outputs");
  const into = portOf(catalog, drawing, to, "inputs");
  if (!out) return `There is no output ${from}.`;
  if (!into) return `There is no input ${to}.`;
  if (out.type !== into.type) return `${from} gives ${out.type} and ${to} takes ${into.type}.`;
  if (drawing.edges.some((edge) => edge.to === to)) return `${to} is fed already. Remove that edge first, or put a join before it.`;
  const [source, target] = ends({ from, to });
  const way = pathBetween(drawing.edges, target, source);
  return way ? `That would run in a circle through ${way.join(", ")}.` : "";
}

function pathBetween(edges, start, goal) {
  const waiting = [[start]];
  const known = new Set([start]);
  while (waiting.length) {
    const way = waiting.shift();
    const here = way.at(-1);
    if (here === goal) return way;
    for (const edge of edges) {
      const [from, to] = ends(edge);
      if (from === here && !known.has(to)) {
        known.add(to);
        waiting.push([...way, to]);
      }
    }
  }
  return null;
}

export function freeId(wanted, taken) {
  if (!taken.has(wanted)) return wanted;
  const stem = (/^(.+)-\d+$/.exec(wanted)?.[1] ?? wanted).slice(0, 58).replace(/-+$/, "");
  let number = 2;
  while (taken.has(`${stem}-${number}`)) number += 1;
  return `${stem}-${number}`;
}

export const idsOf = (drawing) => new Set(drawing.nodes.map((node) => node.id));

// Edits ----------------------------------------------------------------------------------------------

export function addNode(drawing, component, at) {
  const stem = { "chat-input": "question", "chat-output": "answer" }[component] ?? component;
  const node = { id: freeId(stem, idsOf(drawing)), component, title: "", params: {} };
  return [{ ...drawing, nodes: [...drawing.nodes, node], layout: { ...drawing.layout, [node.id]: at } }, node];
}

export function without(drawing, nodes, edges = new Set()) {
  return {
    nodes: drawing.nodes.filter((node) => !nodes.has(node.id)),
    edges: drawing.edges.filter((edge) => !edges.has(keyOf(edge)) && !ends(edge).some((id) => nodes.has(id))),
    layout: Object.fromEntries(Object.entries(drawing.layout).filter(([id]) => !nodes.has(id))),
  };
}

export const withEdge = (drawing, edge) => ({ ...drawing, edges: [...drawing.edges, edge] });

export function withNode(drawing, was, node) {
  const now = was === node.id ? drawing : renamed(drawing, new Map([[was, node.id]]));
  return { ...now, nodes: now.nodes.map((one) => (one.id === node.id ? node : one)) };
}

export function part(drawing, ids) {
  return {
    nodes: drawing.nodes.filter((node) => ids.has(node.id)),
    edges: drawing.edges.filter((edge) => ends(edge).every((id) => ids.has(id))),
    layout: Object.fromEntries(Object.entries(drawing.layout).filter(([id]) => ids.has(id))),
  };
}

export function paste(drawing, piece, shift) {
  const taken = idsOf(drawing);
  const names = {};
  for (const node of piece.nodes) {
    names[node.id] = freeId(node.id, taken);
    taken.add(names[node.id]);
  }
  const named = (text) => {
    const [id, port] = text.split(".");
    return `${names[id]}.${port}`;
  };
  const nodes = piece.nodes.map((node) => ({ title: "", params: {}, ...node, id: names[node.id] }));
  const inner = piece.edges.filter((edge) => ends(edge).every((id) => names[id]));
  const layout = Object.fromEntries(
    piece.nodes.map((node, number) => {
      const at = piece.layout[node.id] ?? { x: number * 40, y: number * 40 };
      return [names[node.id], { x: Math.round(at.x + shift.x), y: Math.round(at.y + shift.y) }];
    }),
  );
  return [
    {
      nodes: [...drawing.nodes, ...nodes],
      edges: [...drawing.edges, ...inner.map((edge) => ({ from: named(edge.from), to: named(edge.to) }))],
      layout: { ...drawing.layout, ...layout },
    },
    nodes,
  ];
}

// Operations -----------------------------------------------------------------------------------------

// New ids by old ids of nodes that have only got another id, told as apps/projects/domain/renames.py tells it: by the
// component, and either all that the node says or its place and its edges.
export function renames(old, now) {
  const [before, after] = [idsOf(old), idsOf(now)];
  const gone = old.nodes.map((node, at) => [at, node]).filter(([, node]) => !after.has(node.id));
  const come = now.nodes.map((node, at) => [at, node]).filter(([, node]) => !before.has(node.id));
  const names = new Map();
  if (!gone.length || !come.length) return names;
  const [had, has] = [edgesByNode(old.edges), edgesByNode(now.edges)];
  const taken = new Set();
  for (const [at, was] of gone) {
    const free = come.filter(([, node]) => !taken.has(node.id)).sort(([a], [b]) => Number(a !== at) - Number(b !== at));
    const found = free.find(([place, is]) => sameNode(was, is, had.get(was.id), has.get(is.id), place === at));
    if (!found) continue;
    names.set(was.id, found[1].id);
    taken.add(found[1].id);
  }
  const turned = renamed(old, names);
  const kept = inSameOrder(turned.nodes.map((node) => node.id), now.nodes.map((node) => node.id));
  return kept && inSameOrder(turned.edges.map(keyOf), now.edges.map(keyOf)) ? names : new Map();
}

export function renamed(drawing, names) {
  if (!names.size) return drawing;
  const named = (text) => {
    const [id, port] = text.split(".");
    return names.has(id) ? `${names.get(id)}.${port}` : text;
  };
  return {
    nodes: drawing.nodes.map((node) => (names.has(node.id) ? { ...node, id: names.get(node.id) } : node)),
    edges: drawing.edges.map((edge) => (ends(edge).some((id) => names.has(id)) ? { from: named(edge.from), to: named(edge.to) } : edge)),
    layout: Object.fromEntries(Object.entries(drawing.layout).map(([id, at]) => [names.get(id) ?? id, at])),
  };
}

// An edge as its node sees it: without the id at its other end, which may have changed as well.
function edgesByNode(edges) {
  const found = new Map();
  const put = (id, told) => found.set(id, (found.get(id) ?? new Set()).add(told));
  for (const edge of edges) {
    const [[source, out], [target, into]] = [edge.from.split("."), edge.to.split(".")];
    put(source, `${out} > ${into}`);
    put(target, `${into} < ${out}`);
  }
  return found;
}

function sameNode(was, is, mine = new Set(), its = new Set(), samePlace = false) {
  if (was.component !== is.component) return false;
  const equal = mine.size === its.size && [...mine].every((one) => its.has(one));
  if (was.title === is.title && same(was.params, is.params)) return equal || [...mine].some((one) => its.has(one));
  return samePlace && mine.size > 0 && equal;
}

function inSameOrder(old, now) {
  const [had, has] = [new Set(old), new Set(now)];
  return old.filter((one) => has.has(one)).join() === now.filter((one) => had.has(one)).join();
}

export function changes(old, now) {
  const names = renames(old, now);
  const ops = [...names].map(([id, to]) => ({ op: "rename", id, to }));
  return [...ops, ...otherChanges(renamed(old, names), now)];
}

function otherChanges(old, now) {
  const before = new Map(old.nodes.map((node) => [node.id, node]));
  const after = new Map(now.nodes.map((node) => [node.id, node]));
  const places = staying([...before.keys()], [...after.keys()]);
  const gone = (id) => before.has(id) && (!places.has(id) || after.get(id).component !== before.get(id).component);
  const wires = staying(old.edges.map(keyOf), now.edges.map(keyOf));
  const ops = old.edges.filter((edge) => !wires.has(keyOf(edge))).map((edge) => ({ op: "disconnect", edge }));
  for (const id of before.keys()) if (gone(id)) ops.push({ op: "remove", id });
  now.nodes.forEach((node, at) => {
    const was = before.get(node.id);
    if (!was || gone(node.id)) ops.push({ op: "add", node, at });
    else if (was !== node) ops.push(...nodeChanges(was, node));
  });
  const kept = (edge) => wires.has(keyOf(edge)) && !ends(edge).some(gone);
  now.edges.forEach((edge, at) => {
    if (!kept(edge)) ops.push({ op: "connect", edge, at });
  });
  for (const id of new Set([...Object.keys(old.layout), ...Object.keys(now.layout)])) {
    const was = gone(id) ? undefined : old.layout[id];
    const is = now.layout[id];
    if (after.has(id) && (was?.x !== is?.x || was?.y !== is?.y)) ops.push({ op: "move", id, to: is ?? null });
  }
  return ops;
}

// What both lists have without anything changing its order: a longest rising part.
function staying(old, now) {
  const numbers = new Map(old.map((one, number) => [one, number]));
  const tails = [];
  const before = new Map();
  for (const one of now) {
    const number = numbers.get(one);
    if (number === undefined) continue;
    let [low, high] = [0, tails.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (numbers.get(tails[middle]) < number) low = middle + 1;
      else high = middle;
    }
    before.set(one, tails[low - 1]);
    tails[low] = one;
  }
  const kept = new Set();
  for (let one = tails.at(-1); one !== undefined; one = before.get(one)) kept.add(one);
  return kept;
}

function nodeChanges(old, now) {
  const ops = [];
  if (old.title !== now.title) ops.push({ op: "title", id: now.id, title: now.title });
  for (const name of Object.keys(old.params)) if (!(name in now.params)) ops.push({ op: "reset", id: now.id, name });
  for (const [name, value] of Object.entries(now.params)) {
    if (!(name in old.params) || !same(old.params[name], value)) ops.push({ op: "set", id: now.id, name, value });
  }
  return ops;
}

// What can be done of these operations, and what cannot.
export function applyOps(drawing, ops) {
  const refused = [];
  let now = drawing;
  for (const op of ops) {
    const next = done(now, op);
    if (next) now = next;
    else refused.push(op);
  }
  return [now, refused];
}

function done(drawing, op) {
  const node = op.id === undefined ? null : nodeOf(drawing, op.id);
  if (op.id !== undefined && !node) return null;
  const put = (values) => ({ ...drawing, nodes: drawing.nodes.map((one) => (one.id === op.id ? { ...one, ...values } : one)) });
  switch (op.op) {
    case "add":
      return nodeOf(drawing, op.node.id) ? null : { ...drawing, nodes: drawing.nodes.toSpliced(op.at ?? Infinity, 0, op.node) };
    case "remove": return without(drawing, new Set([op.id]));
    case "connect": {
      const [from, to] = ends(op.edge);
      if (!nodeOf(drawing, from) || !nodeOf(drawing, to) || drawing.edges.some((edge) => keyOf(edge) === keyOf(op.edge))) return null;
      return { ...drawing, edges: drawing.edges.toSpliced(op.at ?? Infinity, 0, op.edge) };
    }
    case "disconnect":
      if (!drawing.edges.some((edge) => keyOf(edge) === keyOf(op.edge))) return null;
      return { ...drawing, edges: drawing.edges.filter((edge) => keyOf(edge) !== keyOf(op.edge)) };
    case "move": {
      const { [op.id]: _, ...others } = drawing.layout;
      return { ...drawing, layout: op.to ? { ...others, [op.id]: op.to } : others };
    }
    case "set": return put({ params: { ...node.params, [op.name]: op.value } });
    case "reset": {
      const { [op.name]: _, ...others } = node.params;
      return put({ params: others });
    }
    case "title": return put({ title: op.title });
    case "rename": return nodeOf(drawing, op.to) ? null : renamed(drawing, new Map([[op.id, op.to]]));
    default: return null;
  }
}

export function sentence(op) {
  switch (op.op) {
    case "add": return `Node ${op.node.id} (${op.node.component}) added`;
    case "remove": return `Node ${op.id} removed`;
    case "connect": return `${op.edge.from} connected to ${op.edge.to}`;
    case "disconnect": return `${op.edge.from} disconnected from ${op.edge.to}`;
    case "move": return `${op.id} moved`;
    case "set": return `${op.id}: ${op.name} set to ${JSON.stringify(op.value)}`;
    case "reset": return `${op.id}: ${op.name} taken from the project again`;
    case "rename": return `${op.id} renamed to ${op.to}`;
    case "title": return `${op.id} titled “${op.title || op.id}”`;
    default: return op.op;
  }
}

// Two people at once ---------------------------------------------------------------------------------

// Both sides under the ids that nodes had at first, and what each calls them now. What only you added gives way where
// the other side took its id.
function byFirstIds(base, theirs, yours) {
  const [their, your] = [renames(base, theirs), renames(base, yours)];
  const back = (names) => new Map([...names].map(([was, now]) => [now, was]));
  const mine = renamed(yours, back(your));
  const taken = new Set([...idsOf(mine), ...idsOf(base), ...idsOf(theirs)]);
  const away = new Map();
  for (const id of idsOf(mine)) {
    if (nodeOf(base, id) || ![...their.values()].includes(id)) continue;
    away.set(id, freeId(id, taken));
    taken.add(away.get(id));
  }
  return { their, your, theirs: renamed(theirs, back(their)), yours: renamed(mine, away) };
}

// What both did, and where they differ: [{key, kind: "node" | "input" | "name", id, theirs, yours}].
export function conflictsOf(base, theirs, yours) {
  const sides = byFirstIds(base, theirs, yours);
  const found = [];
  for (const [id, name] of sides.your) {
    const other = sides.their.get(id);
    if (other && other !== name) found.push({ key: `name ${id}`, kind: "name", id, theirs: other, yours: name });
  }
  return [...found, ...differences(base, sides.theirs, sides.yours)];
}

function differences(base, theirs, yours) {
  const found = [];
  const at = (drawing) => new Map(drawing.nodes.map((node) => [node.id, node]));
  const [b, t, y] = [at(base), at(theirs), at(yours)];
  const touches = (id, drawing) =>
    drawing.edges.some((edge) => ends(edge).includes(id) && !base.edges.some((one) => keyOf(one) === keyOf(edge)));
  for (const id of new Set([...b.keys(), ...t.keys(), ...y.keys()])) {
    const [was, their, your] = [b.get(id), t.get(id), y.get(id)];
    const both = !same(their, was) && !same(your, was) && !same(their, your);
    const cutTheirs = was && !their && your && touches(id, yours);
    const cutYours = was && !your && their && touches(id, theirs);
    if (both || cutTheirs || cutYours) found.push({ key: `node ${id}`, kind: "node", id, theirs: their, yours: your });
  }
  const feeds = (drawing, target) => drawing.edges.filter((edge) => edge.to === target);
  for (const target of new Set(yours.edges.map((edge) => edge.to))) {
    const [was, their, your] = [base, theirs, yours].map((one) => feeds(one, target));
    if (their.length && your.length && !same(their, was) && !same(your, was) && !same(their, your)) {
      found.push({ key: `input ${target}`, kind: "input", id: target, theirs: their, yours: your });
    }
  }
  return found;
}

// Theirs with what only you did, and per conflict the side that was chosen ("theirs" or "yours").
export function merged(base, theirs, yours, conflicts, chosen) {
  const sides = byFirstIds(base, theirs, yours);
  let [now] = applyOps(sides.theirs, otherChanges(base, sides.yours));
  for (const one of conflicts.filter((each) => each.kind !== "name")) {
    const side = chosen[one.key] === "theirs" ? sides.theirs : sides.yours;
    if (one.kind === "node") now = withSide(now, side, one.id);
    else {
      const feeding = side.edges.filter((edge) => edge.to === one.id);
      now = { ...now, edges: [...now.edges.filter((edge) => edge.to !== one.id), ...feeding] };
    }
  }
  const ids = idsOf(now);
  const edges = now.edges.filter((edge) => ends(edge).every((id) => ids.has(id)));
  const whole = { ...now, edges: [...new Map(edges.map((edge) => [keyOf(edge), edge])).values()] };
  return renamed(whole, lastNames(sides, ids, chosen));
}

// What nodes are called in the end: as the only one says who renamed them, else as was chosen.
function lastNames({ their, your }, ids, chosen) {
  const names = new Map();
  for (const id of new Set([...their.keys(), ...your.keys()])) {
    const wanted = your.has(id) && chosen[`name ${id}`] !== "theirs" ? your.get(id) : their.get(id) ?? your.get(id);
    if (ids.has(id)) names.set(id, freeId(wanted, new Set([...ids, ...names.values()])));
  }
  return names;
}

function withSide(drawing, side, id) {
  const node = nodeOf(side, id);
  if (!node) return without(drawing, new Set([id]));
  const bare = nodeOf(drawing, id) ? { ...drawing, nodes: drawing.nodes.map((one) => (one.id === id ? node : one)) } : { ...drawing, nodes: [...drawing.nodes, node] };
  const own = side.edges.filter((edge) => ends(edge).includes(id));
  const known = new Set(bare.edges.map(keyOf));
  return {
    nodes: bare.nodes,
    edges: [...bare.edges, ...own.filter((edge) => !known.has(keyOf(edge)))],
    layout: side.layout[id] ? { ...bare.layout, [id]: side.layout[id] } : bare.layout,
  };
}

// An order in which every node comes after those that feed it, where there is one.
export function inOrder(drawing) {
  const left = new Map(drawing.nodes.map((node) => [node.id, node]));
  const order = [];
  while (left.size) {
    const free = [...left.values()].filter((node) => !drawing.edges.some((edge) => {
      const [from, to] = ends(edge);
      return to === node.id && from !== node.id && left.has(from);
    }));
    const next = free.length ? free : [left.values().next().value];
    for (const node of next) {
      order.push(node);
      left.delete(node.id);
    }
  }
  return order;
}

// Two values that tell most about a node: what it sets itself first.
export function summaryOf(node, component, inherited) {
  const told = [];
  const known = component?.parameters ?? [];
  const rows = [...known.filter((one) => one.name in node.params), ...known.filter((one) => !(one.name in node.params))];
  for (const one of rows) {
    const value = node.params[one.name] ?? inherited?.[one.name];
    if (value === "" || value == null || (Array.isArray(value) && !value.length) || typeof value === "boolean") continue;
    if (one.kind === "long-text" && !(one.name in node.params)) continue;
    const text = Array.isArray(value) ? value.map(named).join(", ") : String(value);
    told.push(["connection", "choice", "text"].includes(one.kind) ? text : `${one.title}: ${text}`);
    if (told.length === 2) break;
  }
  return told.join(" · ");
}

// Entries of a list that are more than a word: a rule by its kind, a tool by its name.
function named(entry) {
  if (entry === null || typeof entry !== "object") return String(entry);
  return String(entry.name ?? entry.kind ?? Object.values(entry).find((value) => typeof value === "string" && value) ?? "…");
}
