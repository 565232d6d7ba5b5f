"""ProjectSpec: the one model behind wizard, YAML, canvas, API and command line.

Shape is always valid; whether a project is complete enough to build is said by Findings
(`validate.py`). Secrets appear by name only.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

API_VERSION: Final = "genai.studio/v1"
NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"

Name = Annotated[str, StringConstraints(pattern=NAME, max_length=63)]
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


class Knowledge(Part):
    collections: tuple[Name, ...] = ()
    chunk: Chunking = Chunking()
    embedding: Embedding = Embedding()
    retrieve: Retrieve = Retrieve()


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


class Spec(Part):
    application: ApplicationId
    model: Model = Model()
    parameters: Parameters = Parameters()
    instruction: str = Field(default="", max_length=20_000)
    knowledge: Knowledge = Knowledge()
    evaluation: Evaluation = Evaluation()
    deployment: Deployment = Deployment()


class ProjectSpec(Part):
    api_version: Literal["genai.studio/v1"] = Field(default=API_VERSION, alias="apiVersion")
    kind: Literal["Project"] = "Project"
    metadata: Metadata
    spec: Spec

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
