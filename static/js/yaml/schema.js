// Reads the published JSON Schema: what may stand at a path, and what is said about it.

export class Schema {
  // values: "spec.model.connection" -> names that the owner of the project has
  constructor(document, values = {}) {
    this.document = document;
    this.values = values;
  }

  at(path) {
    let node = this.bare(this.document);
    for (const part of path) {
      if (!node) return null;
      if (part === "[]") node = this.bare(node.items ?? node.prefixItems?.[0]);
      else node = this.bare(node.properties?.[part] ?? this.patterned(node, part));
    }
    return node;
  }

  // A node without its reference and without the "or null" beside it; its own words come first.
  bare(node) {
    if (!node) return null;
    if (node.$ref) {
      const { $ref, ...own } = node;
      const name = $ref.split("/").at(-1);
      return { ...this.document.$defs[name], ...own };
    }
    if (node.anyOf) {
      const { anyOf, ...own } = node;
      const one = anyOf.find((choice) => choice.type !== "null");
      return { ...this.bare(one), ...own };
    }
    return node;
  }

  patterned(node, key) {
    for (const [pattern, value] of Object.entries(node.patternProperties ?? {})) {
      if (new RegExp(pattern).test(key)) return value;
    }
    return typeof node.additionalProperties === "object" ? node.additionalProperties : null;
  }

  keys(path) {
    const node = this.at(path);
    return Object.entries(node?.properties ?? {}).map(([name, value]) => ({
      name,
      node: this.bare(value),
      required: node.required?.includes(name) ?? false,
    }));
  }

  choices(path) {
    const known = this.values[path.filter((part) => part !== "[]").join(".")];
    if (known) return known.map((value) => ({ value, about: "" }));
    const node = this.at(path);
    if (node?.const !== undefined) return [{ value: String(node.const), about: "" }];
    if (node?.enum) return node.enum.map((value) => ({ value: String(value), about: "" }));
    if (node?.type === "boolean") return [{ value: "true", about: "" }, { value: "false", about: "" }];
    return [];
  }

  // One line on kind and range, as the hover shows it: "a number, 0 to 2, default 0.2".
  facts(path) {
    const node = this.at(path);
    if (!node) return "";
    const parts = [KINDS[node.type] ?? (node.enum ? "one of " + node.enum.join(", ") : "text")];
    if (node.enum && node.type) parts[0] = "one of " + node.enum.join(", ");
    const low = node.minimum ?? node.exclusiveMinimum;
    const high = node.maximum ?? node.exclusiveMaximum;
    if (low !== undefined && high !== undefined) parts.push(`${node.exclusiveMinimum !== undefined ? "above " : ""}${low} to ${high.toLocaleString("en")}`);
    else if (node.maxLength) parts.push(`at most ${node.maxLength.toLocaleString("en")} characters`);
    const plain = ["string", "number", "boolean"].includes(typeof node.default) && node.default !== "";
    if (plain) parts.push(`default ${node.default}`);
    return parts.join(", ");
  }

  about(path) {
    return (this.at(path)?.description ?? "").replace(/\s+/g, " ").trim();
  }
}

const KINDS = { integer: "a whole number", number: "a number", boolean: "true or false", string: "text", array: "a list", object: "a block of keys" };
