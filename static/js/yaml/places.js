// Where in a project file a cursor stands, read from indentation: good enough while the text is half typed,
// when no parser would have it. A place is a path like ["spec", "flow", "nodes", "[]", "component"].

const KEY = /^(\s*)((?:- +)*)(?:([A-Za-z_][\w.-]*)|"([^"]*)"|'([^']*)')\s*:(?:\s|$)/;

// Leading spaces, with list dashes counted as indentation of what follows them.
export function depthOf(line) {
  const [, spaces, dashes] = /^(\s*)((?:- +)*)/.exec(line);
  return { outer: spaces.length, inner: spaces.length + dashes.length, dashes: dashes.replaceAll(" ", "").length };
}

export function keyOf(line) {
  const found = KEY.exec(line);
  return found ? (found[3] ?? found[4] ?? found[5]) : null;
}

// The keys above line `index` (0-based) that it belongs to, outermost first, given the column at which it begins.
export function parentsOf(lines, index, column) {
  const path = [];
  let limit = column;
  for (let at = index - 1; at >= 0 && limit > 0; at -= 1) {
    const line = lines[at];
    if (!line.trim() || line.trim().startsWith("#")) continue;
    const { outer, inner, dashes } = depthOf(line);
    const key = keyOf(line);
    if (key !== null && inner < limit) {
      path.unshift(key);
      limit = inner;
    }
    if (dashes && outer < limit) {
      path.unshift(...Array(dashes).fill("[]"));
      limit = outer;
    } else if (dashes && key !== null && inner === limit && outer < limit) {
      path.unshift(...Array(dashes).fill("[]"));
      limit = outer;
    }
  }
  return path;
}

// What stands at a position: {path, key, value, typing} where typing is "key" or "value"; null in a comment.
export function placeAt(text, offset) {
  const before = text.slice(0, offset);
  const lines = text.split("\n");
  const index = before.split("\n").length - 1;
  const line = lines[index];
  const column = offset - (before.lastIndexOf("\n") + 1);
  const comment = line.search(/(^|\s)#/);
  if (comment >= 0 && column > comment) return null;
  const { outer, inner, dashes } = depthOf(line);
  const key = keyOf(line);
  const own = dashes ? Array(dashes).fill("[]") : [];
  const parents = [...parentsOf(lines, index, outer), ...own];
  if (key === null) {
    const typed = line.slice(inner, column);
    const item = dashes > 0 && !line.slice(inner).includes(":");
    return { path: parents, key: "", typed, typing: item ? "item" : "key", column: inner };
  }
  const colon = line.indexOf(":", inner + key.length);
  if (column <= colon) return { path: parents, key, typed: line.slice(inner, column), typing: "key", column: inner };
  const inline = line.slice(colon + 1, column);
  const list = /\[([^\]]*)$/.exec(inline);
  const typed = (list ? list[1].split(",").at(-1) : inline).trimStart();
  const path = list ? [...parents, key, "[]"] : [...parents, key];
  return { path, key, typed, typing: "value", column: column - typed.length };
}

// The path of the key on the line at `offset`, for a word under the mouse.
export function keyPathAt(text, offset) {
  const before = text.slice(0, offset);
  const lines = text.split("\n");
  const index = before.split("\n").length - 1;
  const key = keyOf(lines[index]);
  if (key === null) return null;
  const { outer, inner, dashes } = depthOf(lines[index]);
  const start = before.lastIndexOf("\n") + 1 + inner;
  if (offset < start || offset > start + key.length) return null;
  const own = dashes ? Array(dashes).fill("[]") : [];
  return { path: [...parentsOf(lines, index, outer), ...own, key], from: start, to: start + key.length };
}
