"""GenAIStudio's workflow JSON: both shapes and everything that is odd about them."""

from __future__ import annotations

import json

import pytest

from apps.projects.domain.blueprints import flow_of
from apps.projects.domain.importers.flowise import instruction_of
from apps.projects.domain.importers.importing import import_text
from apps.projects.domain.validate import findings
from tests.apps.projects.importers.samples import FOLDER, edges, imported, nodes, said


def test_inputs_count_where_edges_say_something_else() -> None:
    result = imported("flowise-qna.json")

    assert [one.partition(",")[0] for one in said(result, "import.broken")] == [
        "This edge comes from “opea_service@retriever_redis_0”",
        "This edge names “ghost_3”",
    ]
    assert any(
        "no edge is drawn there. The wire counts." in one for one in said(result, "import.changed")
    )


def test_misspelt_keys_are_read_as_what_they_mean() -> None:
    result = imported("flowise-qna.json")

    assert result.spec is not None
    assert result.spec.spec.parameters.temperature == 0.7
    assert "“LLM Text Generation”: temprature is read as temperature." in said(
        result, "import.changed"
    )


def test_numbers_out_of_range_leave_the_default() -> None:
    result = imported("flowise-qna.json")

    assert result.spec is not None
    assert result.spec.spec.parameters.max_tokens == 512
    assert any("max_tokens is 4000000" in one for one in said(result, "import.changed"))


def test_retrieval_is_carried_and_two_embeddings_are_named() -> None:
    result = imported("flowise-qna.json")
    assert result.spec is not None
    knowledge = result.spec.spec.knowledge

    assert (knowledge.retrieve.mode, knowledge.retrieve.k) == ("dense", 8)
    assert knowledge.retrieve.diversity == 0.7
    assert (knowledge.rerank.name, knowledge.rerank.top_n) == ("BAAI/bge-reranker-base", 2)
    assert knowledge.embedding.name == "BAAI/bge-large-en-v1.5"
    assert any("bge-base-en-v1.5" in one for one in said(result, "import.changed"))


def test_a_secret_in_another_text_goes_as_well() -> None:
    spec = imported("flowise-qna.json").spec

    assert spec is not None
    assert spec.spec.instruction == "Quote the handbook. Never say [removed]."


def test_the_back_ends_shape_has_no_edges_and_needs_none() -> None:
    result = imported("flowise-backend.json")

    assert result.spec is not None
    assert (result.spec.metadata.name, result.spec.spec.application) == ("flat-flow", "qna")


def test_flow_data_may_be_text() -> None:
    value = json.loads((FOLDER / "flowise-backend.json").read_text(encoding="utf-8"))
    value["flowData"] = json.dumps(value["flowData"])

    result = import_text(json.dumps(value))

    assert result.spec == imported("flowise-backend.json").spec
    assert "hf_Harbour" not in str(result)


def test_agents_in_a_circle_run_one_way() -> None:
    result = imported("flowise-agents.json")

    assert result.spec is not None
    assert nodes(result) == {
        "question": "chat-input",
        "supervisor-agent-0": "agent",
        "data-prep-0": "dataprep",
        "embedding-0": "embedding",
        "redis-0": "vector-store-redis",
        "answer": "chat-output",
    }
    assert {
        "data-prep-0.chunks > embedding-0.chunks",
        "embedding-0.vectors > redis-0.vectors",
        "redis-0.index > supervisor-agent-0.index",
    } <= edges(result)
    assert findings(result.spec) == []
    assert result.spec.spec.knowledge.retrieve.mode == "dense"
    assert result.spec.spec.knowledge.collections == ("flowise-agents",)
    changed = said(result, "import.changed")
    assert "“Retriever”: “Supervisor” searches by itself. This says how." in changed
    assert any(one.startswith("“RAG agent”: “Supervisor” calls it as a tool") for one in changed)
    assert any(one.startswith("“SQL agent”") for one in said(result, "import.left-out"))


def test_an_agent_of_its_own_in_a_circle_searches_by_itself() -> None:
    value = json.loads((FOLDER / "flowise-agents.json").read_text(encoding="utf-8"))
    value["nodes"] = [one for one in value["nodes"] if "supervisor" not in one["id"]]
    for one in value["nodes"]:
        for key, wire in one["data"]["inputs"].items():
            if "supervisor" in str(wire):
                source = "opea_service@rag_agent_0" if key == "llm_response" else "chat_input_0"
                one["data"]["inputs"][key] = f"{{{{{source}.data.instance}}}}"

    result = import_text(json.dumps(value))

    assert result.spec is not None
    assert nodes(result)["rag-agent-0"] == "agent"
    changed = said(result, "import.changed")
    assert any("calls “Embedding”, “Retriever”, “Reranking” in a circle" in one for one in changed)
    assert "“Retriever”: “RAG agent” searches by itself. This says how." in changed


def test_a_retriever_that_a_model_reads_as_well_stays_a_node() -> None:
    value = json.loads((FOLDER / "flowise-agents.json").read_text(encoding="utf-8"))
    model = json.loads((FOLDER / "flowise-conversation.json").read_text(encoding="utf-8"))["nodes"][
        1
    ]
    model["data"]["inputs"]["text"] = "{{opea_service@reranking_0.data.instance}}"
    value["nodes"].append(model)
    answer = next(one for one in value["nodes"] if one["id"] == "chat_completion_0")
    answer["data"]["inputs"]["second"] = "{{opea_service@llm_tgi_0.data.instance}}"

    found = nodes(import_text(json.dumps(value)))

    assert (found["retriever-0"], found["reranking-0"]) == ("retriever", "rerank")
    assert found["join"] == "join"


def test_a_circle_of_models_is_cut() -> None:
    value = json.loads((FOLDER / "flowise-two-models.json").read_text(encoding="utf-8"))
    value["nodes"][1]["data"]["inputs"]["text"] = "{{opea_service@llm_tgi_1.data.instance}}"

    result = import_text(json.dumps(value))

    assert result.spec is not None
    assert any("run in a circle" in one for one in said(result, "import.changed"))


def test_two_models_are_two_nodes_with_their_own_settings() -> None:
    result = imported("flowise-two-models.json")

    assert result.spec is not None
    assert result.spec.spec.flow is not None
    second = next(one for one in result.spec.spec.flow.nodes if one.id == "llm-tgi-1")
    assert second.params["model"] == "Qwen/Qwen2.5-7B-Instruct"
    assert second.params["temperature"] == 0.4
    assert result.spec.spec.model.name == "Intel/neural-chat-7b-v3-3"


def test_an_unknown_node_hands_on_what_it_gets() -> None:
    result = imported("flowise-two-models.json")

    assert any(
        one.startswith("“Moon phase” (opea_service@moon_phase)")
        for one in said(result, "import.left-out")
    )


def test_duplicate_ids_and_dangling_wires_are_named() -> None:
    value = json.loads((FOLDER / "flowise-conversation.json").read_text(encoding="utf-8"))
    value["nodes"].append(value["nodes"][0])
    value["nodes"][2]["data"]["inputs"]["llm_response"] = "{{gone_0.data.instance}}"

    result = import_text(json.dumps(value))

    broken = said(result, "import.broken")
    assert "A second node is called “chat_input_0”. It is left out." in broken
    assert any("names “gone_0”, which is not in the file" in one for one in broken)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("similarity", ("dense", 0, 0)),
        ("mmr", ("dense", 0.5, 0)),
        ("similarity_score_threshold", ("dense", 0, 0.2)),
        ("similarity_distance_threshold", ("dense", 0, 0)),
    ],
)
def test_search_types(search: str, expected: tuple[str, float, float]) -> None:
    value = json.loads((FOLDER / "flowise-qna.json").read_text(encoding="utf-8"))
    inputs = next(one for one in value["nodes"] if "retriever" in one["id"])["data"]["inputs"]
    del inputs["lambda_mult"]
    inputs["search_type"] = search

    result = import_text(json.dumps(value))

    assert result.spec is not None
    retrieve = result.spec.spec.knowledge.retrieve
    assert (retrieve.mode, retrieve.diversity, retrieve.min_score) == expected


def test_places_stay_where_nodes_stood() -> None:
    result = imported("flowise-two-models.json")

    assert result.spec is not None
    place = result.spec.spec.layout["llm-tgi-1"]
    assert (place.x, place.y) == (300, 80)


@pytest.mark.parametrize(
    ("template", "instruction"),
    [
        ("### Be kind.\n### Context: {context}\n### Question: {question}\n### Answer:", "Be kind."),
        ("{question}", ""),
        ("One line\n\nand another\n{{ context }}", "One line\n\nand another"),
    ],
)
def test_instruction_of_a_template(template: str, instruction: str) -> None:
    assert instruction_of(template) == instruction


def test_a_flow_without_an_output_gets_one() -> None:
    value = json.loads((FOLDER / "flowise-two-models.json").read_text(encoding="utf-8"))
    value["nodes"][4]["data"]["name"] = "moon_gauge"

    result = import_text(json.dumps(value))

    assert "llm-tgi-1.answer > answer.answer" in edges(result)
    assert any("has no output of its own" in one for one in said(result, "import.changed"))


def test_the_store_of_a_file_becomes_the_projects() -> None:
    spec = imported("flowise-qna.json").spec

    assert spec is not None
    assert (spec.spec.knowledge.store.kind, spec.spec.knowledge.store.connection) == (
        "redis",
        "redis",
    )
    assert [
        node.component for node in flow_of(spec).nodes if node.id in ("dataprep", "vector-store")
    ] == ["dataprep", "vector-store-redis"]
    assert any(
        "“redis” for the vector store" in one
        for one in said(imported("flowise-qna.json"), "import.to-do")
    )


def two_stores() -> dict:
    """Two retrievers on two stores before one model."""
    value = json.loads((FOLDER / "flowise-qna.json").read_text(encoding="utf-8"))
    rows = {one["id"]: one for one in value["nodes"]}

    def again(name: str, **inputs: str) -> None:
        row = json.loads(json.dumps(rows[name]).replace(name, name.replace("_0", "_1")))
        row["data"]["inputs"] |= {
            key: f"{{{{{wire}.data.instance}}}}" for key, wire in inputs.items()
        }
        value["nodes"].append(row)

    again("opea_service@prepare_doc_redis_prep_0")
    again("redis_vector_store_0", prepared_doc="opea_service@prepare_doc_redis_prep_1")
    again("opea_service@retriever_redis_0", vector_db="redis_vector_store_1")
    second = rows["opea_service@llm_tgi_0"]["data"]["inputs"]
    second["text"] = [
        "{{opea_service@retriever_redis_0.data.instance}}",
        "{{opea_service@retriever_redis_1.data.instance}}",
    ]
    value["edges"] = []
    return value


def test_two_retrievers_keep_their_own_stores() -> None:
    value = two_stores()
    store = next(one for one in value["nodes"] if one["id"] == "redis_vector_store_1")
    store["data"]["name"] = "qdrant_vector_store"
    store["data"]["inputs"]["index_name"] = "Night shift"

    result = import_text(json.dumps(value), "Two stores")

    found = nodes(result)
    assert found["redis-vector-store-0"] == "vector-store-redis"
    assert found["redis-vector-store-1"] == "vector-store-qdrant"
    assert {
        "redis-vector-store-0.index > retriever-redis-0.index",
        "redis-vector-store-1.index > retriever-redis-1.index",
    } <= edges(result)
    assert result.spec is not None
    assert result.spec.spec.flow is not None
    own = {one.id: one.params for one in result.spec.spec.flow.nodes}
    assert own["redis-vector-store-1"] == {"server": "qdrant"}
    assert own["prepare-doc-redis-prep-1"] == {"collections": ["night-shift"]}
    assert "night-shift" in result.spec.spec.knowledge.collections
    assert findings(result.spec) == []
    assert any("“qdrant” for the vector store" in one for one in said(result, "import.to-do"))


def chained() -> dict:
    """A model that reads what another one wrote."""
    value = json.loads((FOLDER / "flowise-conversation.json").read_text(encoding="utf-8"))
    first = value["nodes"][1]
    second = json.loads(json.dumps(first).replace("llm_tgi_0", "llm_tgi_9"))
    second["data"]["inputs"]["text"] = f"{{{{{first['id']}.data.instance}}}}"
    value["nodes"].append(second)
    value["nodes"][2]["data"]["inputs"]["llm_response"] = f"{{{{{second['id']}.data.instance}}}}"
    value["edges"] = []
    return value


def test_a_model_reads_what_another_one_wrote() -> None:
    result = import_text(json.dumps(chained()), "Chained")

    assert nodes(result)["llm-tgi-0-text"] == "answer-text"
    assert {
        "llm-tgi-0.answer > llm-tgi-0-text.answer",
        "llm-tgi-0-text.text > llm-tgi-9-prompt.question",
        "llm-tgi-9-prompt.messages > llm-tgi-9.messages",
        "llm-tgi-9.answer > answer.answer",
    } <= edges(result)
    assert result.spec is not None
    assert findings(result.spec) == []
    assert [one for one in said(result, "import.to-do") if "canvas" in one] == []
