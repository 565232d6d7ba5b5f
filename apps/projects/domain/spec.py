"""ProjectSpec: the one model behind wizard, YAML, canvas, API and command line.

Shape is always valid; whether a project is complete enough to build is said by Findings
(`validate.py`). Secrets appear by name only.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

API_VERSION: Final = "genai.studio/v1"
NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"

PORT = r"^[a-z][a-z0-9-]{0,62}\.[a-z][a-z0-9_]{0,62}$"

Name = Annotated[str, StringConstraints(pattern=NAME, max_length=63)]
Tag = Annotated[str, StringConstraints(pattern=NAME, max_length=30)]
PortName = Annotated[str, StringConstraints(pattern=PORT)]
"""A node's port: "retriever.passages"."""
ApplicationId = Literal[
    "qna",
    "audio-chat",
    "visual-chat",
    "translation",
    "code-gen",
    "code-trans",
    "summarizer",
    "custom",
]
PackageFormat = Literal["compose"]


class Part(BaseModel):
    """Every part of a spec is frozen and knows all its keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )


class Metadata(Part):
    name: Name = Field(description="Identifier in files and URLs: a-z, 0-9 and single hyphens.")
    title: str = Field(default="", max_length=120, description="What people see.")
    description: str = Field(default="", max_length=2000)
    tags: tuple[Tag, ...] = Field(default=(), max_length=10, description="To find it in a list.")


class Model(Part):
    """connection "builtin" is the extractive answerer: it quotes passages, it is no language model."""

    connection: Name = Field(default="builtin", description="A connection's name, or builtin.")
    name: str = Field(default="extractive", max_length=200, description="The model at that server.")


class Parameters(Part):
    temperature: float = Field(default=0.2, ge=0, le=2, description="0 is the same every time.")
    top_p: float = Field(default=0.9, gt=0, le=1, description="Share of probability considered.")
    top_k: int = Field(default=40, ge=1, le=1000, description="Candidates considered per token.")
    max_tokens: int = Field(default=512, ge=1, le=131_072, description="Longest reply, in tokens.")


class Chunking(Part):
    size: int = Field(default=800, ge=100, le=8000, description="Characters per chunk.")
    overlap: int = Field(default=120, ge=0, le=4000, description="Characters shared by neighbours.")


class Embedding(Part):
    connection: Name = "builtin"
    name: str = Field(default="all-minilm-l6-v2", max_length=200)


class Retrieve(Part):
    mode: Literal["hybrid", "dense", "lexical"] = "hybrid"
    k: int = Field(default=6, ge=1, le=50, description="Passages given to the model.")
    diversity: float = Field(
        default=0,
        ge=0,
        le=1,
        description="Maximal marginal relevance: 0 ranks by fit alone, 1 by difference alone.",
    )
    min_score: float = Field(
        default=0, ge=0, le=1, description="Passages less similar than this are left out; 0 is off."
    )


class Rerank(Part):
    """A second, slower look at what was found. No connection means none."""

    connection: Name | None = Field(default=None, description="A reranking server's connection.")
    name: str = Field(default="", max_length=200, description="The model at that server.")
    top_n: int = Field(default=3, ge=1, le=50, description="Passages kept of those found.")


class Store(Part):
    """Where vectors are kept and ranked. Passages and their text stay with the studio."""

    kind: Literal["embedded", "pgvector", "redis", "qdrant", "milvus"] = Field(
        default="embedded", description="embedded is the studio's own index."
    )
    connection: Name | None = Field(
        default=None, description="A vector store's connection; embedded needs none."
    )


class Knowledge(Part):
    collections: tuple[Name, ...] = ()
    chunk: Chunking = Chunking()
    embedding: Embedding = Embedding()
    retrieve: Retrieve = Retrieve()
    rerank: Rerank = Rerank()
    store: Store = Store()


class Served(Part):
    """One model at one connection; without a connection, not chosen yet."""

    connection: Name | None = Field(default=None, description="A connection's name.")
    name: str = Field(default="", max_length=200, description="The model at that server.")


class Synthesis(Served):
    voice: str = Field(default="", max_length=80, description="One of the server's voices.")


class Speech(Part):
    recognition: Served = Field(default=Served(), description="Turns speech into text.")
    synthesis: Synthesis = Field(default=Synthesis(), description="Turns text into speech.")


class Languages(Part):
    """Of translation: names of languages ("German"), or of programming languages ("Python")."""

    source: str = Field(default="", max_length=60, description="Empty means: find out.")
    target: str = Field(default="", max_length=60)


class Summary(Part):
    strategy: Literal["auto", "stuff", "map-reduce", "refine"] = Field(
        default="auto", description="How a text that is longer than the model's context is read."
    )
    words: int = Field(default=150, ge=10, le=5000, description="About how long a summary is.")


class Guardrail(Part):
    """kind     what is looked for
    action   block: the conversation gets `message` instead; mask: what was found is hidden;
             flag: only noted in the trace
    words    of kind "topic": what must not be spoken about
    """

    kind: Literal["pii", "prompt-injection", "toxicity", "topic", "opea"]
    action: Literal["block", "mask", "flag"] = "block"
    words: tuple[str, ...] = ()
    connection: Name | None = Field(default=None, description="Of kind opea: its connection.")
    message: str = Field(default="", max_length=500, description="Said instead, when it blocks.")


class Guardrails(Part):
    input: tuple[Guardrail, ...] = Field(default=(), description="Looks at what users write.")
    output: tuple[Guardrail, ...] = Field(default=(), description="Looks at what is answered.")


class FlowNode(Part):
    """params: the component's own settings; what is left out comes from the spec's other parts."""

    id: Name = Field(description="What edges call it, unique in the flow.")
    component: Name = Field(description="A component of the catalog.")
    title: str = Field(
        default="", max_length=80, description="What people see instead of its kind."
    )
    params: dict[str, JsonValue] = Field(
        default={}, description="The component's own settings; others come from the spec."
    )


class FlowEdge(Part):
    source: PortName = Field(alias="from", description="An output: node.port")
    target: PortName = Field(alias="to", description="An input: node.port")

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True
    )


def edge(source: str, target: str) -> FlowEdge:
    return FlowEdge.model_validate({"from": source, "to": target})


class Flow(Part):
    """A graph of one's own; an application without one has its blueprint's."""

    nodes: tuple[FlowNode, ...] = Field(default=(), max_length=500, description="What works.")
    edges: tuple[FlowEdge, ...] = Field(
        default=(), max_length=2000, description="Which output feeds which input, of one type."
    )


class Position(Part):
    """Of a node on the canvas, in pixels at full size. No part of what a build freezes."""

    x: int = Field(ge=-100_000, le=100_000)
    y: int = Field(ge=-100_000, le=100_000)


class Gate(Part):
    metric: Name
    min: float | None = None
    max: float | None = None


class Evaluation(Part):
    gates: tuple[Gate, ...] = ()


class Features(Part):
    registration: bool = Field(default=False, description="May people sign up by themselves?")
    api: bool = Field(default=True, description="Tokens and the OpenAI-compatible API.")
    uploads: bool = Field(default=True, description="May users of the portal add documents?")


class PackagedKnowledge(Part):
    include: Literal["index", "documents", "none"] = Field(
        default="index", description="What of the knowledge travels with the package."
    )


class Resources(Part):
    """Limits of each container, and how many answer in the cluster topology."""

    cpus: float = Field(default=2, ge=0.25, le=64, description="CPU cores per container.")
    memory_mb: int = Field(default=2048, ge=512, le=262_144, description="MiB per container.")
    replicas: int = Field(default=2, ge=1, le=20, description="Web replicas of a cluster.")


class Deployment(Part):
    os: Literal["ubuntu-24.04", "debian-12", "rhel-9"] = "debian-12"
    location: Literal["on-prem", "cloud", "edge"] = "on-prem"
    topology: Literal["single", "cluster"] = "single"
    formats: tuple[PackageFormat, ...] = ("compose",)
    features: Features = Features()
    knowledge: PackagedKnowledge = PackagedKnowledge()
    resources: Resources = Resources()
    port: int = Field(default=8080, ge=1, le=65535)


Starter = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class Spec(Part):
    application: ApplicationId
    model: Model = Model()
    parameters: Parameters = Parameters()
    instruction: str = Field(default="", max_length=20_000)
    knowledge: Knowledge = Knowledge()
    starters: tuple[Starter, ...] = Field(
        default=(), max_length=8, description="Questions that people are offered to begin with."
    )
    speech: Speech = Speech()
    languages: Languages = Languages()
    summary: Summary = Summary()
    guardrails: Guardrails = Guardrails()
    flow: Flow | None = Field(default=None, description="Only where it is not the blueprint's.")
    layout: dict[Name, Position] = Field(default={}, description="Where nodes stand on the canvas.")
    evaluation: Evaluation = Evaluation()
    deployment: Deployment = Deployment()


class ProjectSpec(Part):
    api_version: Literal["genai.studio/v1"] = Field(default=API_VERSION, alias="apiVersion")
    kind: Literal["Project"] = "Project"
    metadata: Metadata
    spec: Spec

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
