// What the editor proposes and explains, from a place in the text and the schema.

import { keyPathAt, placeAt } from "./places.js";

const BLOCKS = new Set(["object", "array"]);

// {from, options: [{label, apply, detail, info, type}]} or null
export function proposals(schema, text, offset, explicit) {
  const place = placeAt(text, offset);
  if (!place) return null;
  const from = offset - place.typed.length;
  if (place.typing === "key") {
    if (!explicit && !place.typed) return null;
    const here = blockKeys(text, offset);
    const options = schema.keys(place.path).filter((one) => one.name === place.key || !here.has(one.name)).map((one) => ({
      label: one.name,
      apply: place.key && place.typed !== place.key ? one.name : one.name + (BLOCKS.has(one.node?.type) ? ":" : ": "),
      detail: one.required ? "required" : "",
      info: told(schema, [...place.path, one.name]),
      type: "property",
    }));
    return options.length ? { from, options } : null;
  }
  const path = place.path;
  const options = schema.choices(path).map((one) => ({ label: one.value, apply: one.value, info: one.about, type: "constant" }));
  return options.length ? { from, options } : null;
}

export function explanation(schema, text, offset) {
  const found = keyPathAt(text, offset);
  if (!found || !schema.at(found.path)) return null;
  return { from: found.from, to: found.to, title: found.path.filter((part) => part !== "[]").join("."), facts: schema.facts(found.path), about: schema.about(found.path) };
}

const told = (schema, path) => [schema.about(path), schema.facts(path)].filter(Boolean).join(" ");

// Keys that stand already in the block of the line at `offset`: a key is proposed once.
function blockKeys(text, offset) {
  const lines = text.split("\n");
  const index = text.slice(0, offset).split("\n").length - 1;
  const depth = (line) => /^(\s*)((?:- +)*)/.exec(line)[0].length;
  const own = depth(lines[index]);
  const keys = new Set();
  for (const step of [-1, 1]) {
    for (let at = index + step; at >= 0 && at < lines.length; at += step) {
      const line = lines[at];
      if (!line.trim() || line.trim().startsWith("#")) continue;
      if (depth(line) < own) break;
      if (depth(line) === own) {
        const key = /^[\s-]*([\w.-]+)\s*:/.exec(line);
        if (key) keys.add(key[1]);
        if (step < 0 ? /^\s*- /.test(line) : /^\s*- /.test(lines[at + 1] ?? "") && depth(lines[at + 1]) === own) break;
      }
    }
  }
  return keys;
}
