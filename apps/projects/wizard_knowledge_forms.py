"""The wizard's knowledge step: collections, how they are searched and reranked, where their vectors stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms

from apps.catalog.domain.catalog import components
from apps.connections.models import Endpoint
from apps.projects.domain.guard_findings import RERANKING
from apps.projects.domain.summary import STORES
from apps.projects.wizard_step_forms import StepForm, number_field, slider_of
from apps.runtime.stores.index import STORE_KINDS

EMPTYABLE: Final[dict[str, Any]] = {"rerank": None, "rerank_model": "", "store_connection": None}
"""Fields whose empty value is one, and what the spec says then."""


class KnowledgeForm(StepForm):
    paths = {
        "collections": "spec.knowledge.collections",
        "size": "spec.knowledge.chunk.size",
        "overlap": "spec.knowledge.chunk.overlap",
        "mode": "spec.knowledge.retrieve.mode",
        "k": "spec.knowledge.retrieve.k",
        "diversity": "spec.knowledge.retrieve.diversity",
        "min_score": "spec.knowledge.retrieve.min_score",
        "rerank": "spec.knowledge.rerank.connection",
        "rerank_model": "spec.knowledge.rerank.name",
        "top_n": "spec.knowledge.rerank.top_n",
        "store": "spec.knowledge.store.kind",
        "store_connection": "spec.knowledge.store.connection",
    }
    advanced = (
        *("diversity", "min_score", "rerank", "rerank_model", "top_n"),
        *("store", "store_connection"),
    )
    """Fields that most projects leave as they are; what is not sent of them stays."""
    k = number_field("retriever", "k")
    diversity = number_field("retriever", "diversity")
    min_score = number_field("retriever", "min_score")
    top_n = number_field("rerank", "top_n")
    rerank = forms.ChoiceField(
        label="Who reranks?",
        required=False,
        help_text="Reads question and passage together: a better order, for one more request per question.",
    )
    rerank_model = forms.CharField(
        label="Reranking model",
        required=False,
        max_length=200,
        help_text="As that server calls it, for example bge-reranker-base. OPEA's services need none.",
    )
    store = forms.ChoiceField(
        label="Store",
        required=False,
        choices=[(kind, STORES[kind][:1].upper() + STORES[kind][1:]) for kind in STORES],
        help_text="The studio's own index needs no server and travels with a package.",
    )
    store_connection = forms.ChoiceField(
        label="Connection of the store",
        required=False,
        help_text="Where Redis, Qdrant, Milvus or PostgreSQL runs. Vectors are copied there and follow every change.",
    )
    collections = forms.MultipleChoiceField(
        label="Collections", required=False, widget=forms.CheckboxSelectMultiple
    )
    size = forms.IntegerField(
        label="Chunk size",
        min_value=100,
        max_value=8000,
        help_text="Characters per passage, for collections made from here on. 800 suits prose.",
        widget=forms.NumberInput(attrs={"step": 50}),
    )
    overlap = forms.IntegerField(
        label="Chunk overlap",
        min_value=0,
        max_value=4000,
        help_text="Characters that neighbours share, so that no sentence is cut from its context.",
        widget=forms.NumberInput(attrs={"step": 10}),
    )
    mode = forms.ChoiceField(label="Retrieval", widget=forms.RadioSelect)

    def __init__(
        self,
        data: Any = None,
        *,
        collections: Sequence[Any] = (),
        endpoints: Sequence[Endpoint] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        for name in self.advanced:
            self.fields[name].required = False
        knowledge = self.spec.spec.knowledge
        self._connections("rerank", endpoints, RERANKING, knowledge.rerank.connection, "Nobody")
        self._connections(
            "store_connection", endpoints, STORE_KINDS, knowledge.store.connection, "None"
        )
        names = [row.name for row in collections]
        unknown = [name for name in self.spec.spec.knowledge.collections if name not in names]
        self.unknown_collections = unknown
        choices = [(name, name) for name in [*names, *unknown]]
        self.fields["collections"].choices = choices  # type: ignore[attr-defined]
        modes = components()["retriever"].parameter("mode").choices
        self.fields["mode"].choices = list(modes.items())  # type: ignore[attr-defined]

    def sliders(self) -> list[dict[str, Any]]:
        return [slider_of(self, "retriever", "k")]

    def finer(self) -> list[dict[str, Any]]:
        return [slider_of(self, "retriever", name) for name in ("diversity", "min_score")]

    def kept(self) -> dict[str, Any]:
        """The slider of what reranking keeps."""
        return slider_of(self, "rerank", "top_n")

    @property
    def opened(self) -> bool:
        """Whether something of the advanced part is set, or wrong."""
        knowledge = self.spec.spec.knowledge
        fresh = type(knowledge)()
        parts = ("rerank", "store")
        finer = (knowledge.retrieve.diversity, knowledge.retrieve.min_score)
        return (
            any(finer)
            or any(getattr(knowledge, part) != getattr(fresh, part) for part in parts)
            or any(name in self.errors for name in self.advanced)
        )

    def changes(self) -> dict[str, Any]:
        values = super().changes()
        for name in self.advanced:
            if self.cleaned_data[name] in (None, ""):
                values.pop(self.paths[name])
                if name in EMPTYABLE and name in self.data:
                    values[self.paths[name]] = EMPTYABLE[name]
        return values | {"spec.knowledge.collections": self._ordered()}

    def _connections(
        self,
        field: str,
        endpoints: Sequence[Endpoint],
        kinds: Sequence[str],
        now: str | None,
        nobody: str,
    ) -> None:
        rows = [(row.name, row.title) for row in endpoints if row.kind in kinds]
        if now and now not in dict(rows):
            rows.append((now, f"{now} (no such connection)"))
        self.fields[field].choices = [("", nobody), *rows]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        size, overlap = self.cleaned_data.get("size"), self.cleaned_data.get("overlap")
        if size is not None and overlap is not None and overlap >= size:
            self.add_error("overlap", f"The overlap must be smaller than the chunk size ({size}).")
        for name in self.advanced:
            emptied = name in self.data and self.cleaned_data.get(name, "") is None
            if emptied and name not in self.errors:
                self.add_error(name, "Type a number.")
        return super().clean()

    def _ordered(self) -> list[str]:
        """Those that were chosen before in their order, new ones behind."""
        chosen: list[str] = self.cleaned_data["collections"]
        before = self.spec.spec.knowledge.collections
        kept = [name for name in dict.fromkeys(before) if name in chosen]
        return kept + [name for name in chosen if name not in kept]
