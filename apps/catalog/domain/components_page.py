"""The guide's page of components, made from the catalog, so that it cannot say anything else."""

from __future__ import annotations

from collections.abc import Iterator

from apps.catalog.domain.catalog import CATEGORIES, Component, Parameter, Port, components

KINDS = {
    "embedded": "built in",
    "openai": "model server",
    "opea": "OPEA service",
    "http": "HTTP service",
    "redis": "Redis",
    "qdrant": "Qdrant",
    "milvus": "Milvus",
    "pgvector": "PostgreSQL with pgvector",
}
"""What runs a component, in words."""
INTRODUCTION = """\
A flow is made of components whose ports are connected: an output feeds inputs of the same type. An input \
with a question mark need not be fed. A component with an input that nothing feeds, because its branch was \
not taken, is skipped, and so is what depends on it.

A setting that a component does not set itself comes from the project, at the place named behind it. Set \
there, it holds for every component that takes it; set at a node, for that node alone."""


RECORDS = """\
## Rules and tools

A rule of a guardrail has `kind` (pii, prompt-injection, toxicity, topic, opea), `action` (block, mask, flag) \
and, where they apply, `words`, `connection` and `message`:

```yaml
guardrails:
  input:
    - {kind: pii, action: mask}
    - {kind: topic, words: [salary], message: Please ask HR.}
    - {kind: opea, connection: guard}
```

pii finds e-mail addresses, phone numbers, IBANs and card numbers with a right checksum, US social security \
numbers and IP addresses. The list of toxicity is short: some insults and threats in English and German.

A tool of an agent has `name`, `description`, `connection`, `method`, `path`, `arguments`, `result` and \
`timeout_s`. Arguments that the path does not name go into the query of a GET and the JSON body of a POST:

```yaml
tools:
  - name: order
    description: Looks up an order by its number.
    connection: shop
    path: /orders/{id}
    arguments: [{name: id, description: As on the invoice}]
    result: order.items
```"""


def components_page() -> str:
    """Markdown: by category, one paragraph and two small tables for each component."""
    parts = [INTRODUCTION]
    for category, title in CATEGORIES.items():
        rows = [row for row in components().values() if row.category == category]
        if rows:
            parts.append(f"## {title}")
            parts += [part for row in rows for part in _component(row)]
    return "\n\n".join([*parts, RECORDS])


def _component(row: Component) -> Iterator[str]:
    yield f"### {row.title}"
    runs = dict.fromkeys(KINDS[kind] for kind in row.adapters)
    yield f"{row.summary} In files `{row.id}`; runs on: {', '.join(runs)}."
    inputs, outputs = _ports(row.inputs), _ports(row.outputs)
    yield f"Takes {inputs or 'nothing'}; gives {outputs or 'nothing'}."
    if row.parameters:
        head = "| Setting | Values | What it does |\n|---|---|---|"
        yield "\n".join([head, *(_parameter(one) for one in row.parameters)])


def _ports(ports: tuple[Port, ...]) -> str:
    return ", ".join(
        f"`{port.name}`{'' if port.required else '?'}"
        + (f" ({port.type})" if port.type != port.name else "")
        for port in ports
    )


def _parameter(one: Parameter) -> str:
    about = one.effect or " ".join(f"{value}: {effect}" for value, effect in one.choices.items())
    where = f" From `spec.{one.setting}`." if one.setting else ""
    cells = (f"{one.title} (`{one.name}`)", _values(one), f"{about}{where}")
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", "↵") for cell in cells) + " |"


def _values(one: Parameter) -> str:
    default = f", else {_plain(one.default)}" if one.default not in (None, "", ()) else ""
    if one.choices:
        return f"{', '.join(one.choices)}{default}"
    if one.low is not None and one.high is not None:
        unit = f" {one.unit}" if one.unit else ""
        return f"{one.low:g} to {one.high:g}{unit}{default}"
    kind = {"long-text": "text", "guardrails": "list of rules", "tools": "list of HTTP tools"}
    return f"{kind.get(one.kind, one.kind)}{default}"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (
        f"`{value}`"
        if isinstance(value, str)
        else f"{value:g}"
        if isinstance(value, (int, float))
        else str(value)
    )
