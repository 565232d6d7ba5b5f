"""Every adapter by its id. A new protocol is a new adapter here; a new component is none."""

from __future__ import annotations

from collections.abc import Mapping

from apps.runtime.adapters import (
    chat,
    documents,
    generation,
    knowledge,
    languages,
    logic,
    opea_retrieval,
    reranking,
    retrieval,
    rewrite,
    safety,
    speech,
    summary,
    tools,
    vision,
)
from apps.runtime.adapters.base import Adapter

ADAPTERS: Mapping[str, Adapter] = {
    adapter.id: adapter
    for adapter in (
        chat.CHAT_INPUT,
        chat.CHAT_OUTPUT,
        retrieval.RETRIEVER,
        opea_retrieval.OPEA_RETRIEVER,
        knowledge.DATAPREP,
        knowledge.EMBEDDING,
        knowledge.VECTOR_STORE,
        generation.PROMPT,
        generation.OPENAI_CHAT,
        generation.OPEA_TEXTGEN,
        generation.EXTRACTIVE,
        documents.DOCUMENT_READER,
        languages.TRANSLATION_PROMPT,
        languages.CODE_TRANSLATION_PROMPT,
        languages.CODE_PROMPT,
        speech.OPENAI_ASR,
        speech.OPEA_ASR,
        speech.OPENAI_TTS,
        speech.OPEA_TTS,
        summary.OPENAI_SUMMARY,
        summary.OPEA_DOCSUM,
        summary.EXTRACTIVE_SUMMARY,
        vision.OPENAI_VISION,
        vision.OPEA_LVM,
        safety.GUARD_INPUT,
        safety.GUARD_OUTPUT,
        reranking.RERANK_OPENAI,
        reranking.RERANK_OPEA,
        logic.SWITCH,
        logic.ROUTER,
        logic.JOIN,
        logic.JOIN_TEXTS,
        logic.ANSWER_TEXT,
        logic.FUSE,
        rewrite.REWRITE,
        rewrite.TEMPLATE,
        tools.HTTP_TOOL,
        tools.AGENT,
    )
}
