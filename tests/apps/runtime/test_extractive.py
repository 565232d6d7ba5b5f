"""Answers by quotation: exact, cited, and silent where nothing fits."""

from __future__ import annotations

import pytest

from apps.runtime.embedding import Embedder
from apps.runtime.events import Passage
from apps.runtime.extractive import NOTHING_FOUND, answer_from

TEXTS = {
    "leave.md": (
        "# Leave\n\nEvery employee has thirty days of paid leave a year. Unused days expire in March.\n\n"
        "To ask for leave:\n\n1. Open the portal.\n2. Choose the days.\n3. Press Send.\n\nYour manager answers within a week."
    ),
    "glossary.md": (
        "A sprint is a period of two weeks in which a team finishes planned work. "
        "Sprints are often discussed. A retro looks back at a sprint."
    ),
    "ports.md": "Ports of the services:\n\n| service | port |\n|---|---|\n| web | 8080 |\n| metrics | 9100 |\n",
    "restart.md": "## Restart\n\nRestart the service with this command:\n\n```bash\nsudo systemctl restart portal\n```\n\nIt takes a minute.",
    "page.pdf": "The lawn has a length of 23.77\nmeters for all matches. The net is 0.914 meters\nhigh. Shoes are mandatory.",
}
PASSAGES = [
    Passage(f"c{number}", name, name, text, 1 / (number + 1))
    for number, (name, text) in enumerate(TEXTS.items())
]


def quotes(question: str, embedder: Embedder | None) -> list[tuple[str, str]]:
    """(document, quotation), after checking what holds for every answer."""
    pieces, reply = answer_from(question, PASSAGES, embedder)
    assert "".join(pieces) == reply.text
    assert not reply.generated
    for citation in reply.citations or ():
        assert PASSAGES[citation.number - 1] == citation.passage
        assert citation.passage.text[citation.quote_start : citation.quote_end] == citation.quote
        assert citation.quote in reply.text
        assert f"[{citation.number}]" in reply.text
    return [(citation.passage.document, citation.quote) for citation in reply.citations or ()]


def test_a_fact_is_quoted_with_its_sentence(embedder: Embedder) -> None:
    document, quote = quotes("How many vacation days do I get?", embedder)[0]

    assert document == "leave.md"
    assert quote.startswith("Every employee has thirty days of paid leave a year.")


def test_a_definition_is_preferred(embedder: Embedder) -> None:
    document, quote = quotes("What is a sprint?", embedder)[0]

    assert document == "glossary.md"
    assert quote.startswith("A sprint is a period of two weeks")


def test_a_list_is_quoted_whole_with_its_introduction(embedder: Embedder) -> None:
    assert quotes("How do I ask for leave?", embedder)[0] == (
        "leave.md",
        "To ask for leave:\n\n1. Open the portal.\n2. Choose the days.\n3. Press Send.",
    )


def test_a_command_comes_with_its_introduction(embedder: Embedder) -> None:
    document, quote = quotes("How can I restart the service?", embedder)[0]

    assert document == "restart.md"
    assert "sudo systemctl restart portal" in quote


def test_a_row_brings_the_head_of_its_table(embedder: Embedder) -> None:
    document, quote = quotes("Which port do the metrics use?", embedder)[0]

    assert document == "ports.md"
    assert "| service | port |" in quote
    assert quote.endswith("| metrics | 9100 |")


def test_a_number_is_found_across_the_lines_of_a_page(embedder: Embedder) -> None:
    document, quote = quotes("How high is the net?", embedder)[0]

    assert document == "page.pdf"
    assert "0.914 meters\nhigh" in quote


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Mongolia?",
        "How do I bake sourdough bread?",
        "Who wrote Hamlet?",
        "Who won the underwater chess championship in 1871?",
        "What is the rule for castling in chess?",
    ],
)
def test_what_the_documents_do_not_say_is_not_answered(embedder: Embedder, question: str) -> None:
    assert quotes(question, embedder) == []
    assert answer_from(question, PASSAGES, embedder)[1].text == NOTHING_FOUND


def test_no_passages_no_answer(embedder: Embedder) -> None:
    assert answer_from("Anything?", [], embedder)[1].text == NOTHING_FOUND


def test_words_decide_where_there_is_no_embedder() -> None:
    assert quotes("Do unused days expire in March?", None)[0][0] == "leave.md"
    assert quotes("Who wrote Hamlet?", None) == []


def test_the_same_text_is_not_quoted_twice(embedder: Embedder) -> None:
    twice = [PASSAGES[1], PASSAGES[1]]

    assert len(answer_from("What is a sprint?", twice, embedder)[1].citations or ()) == 1


def test_a_mark_never_lands_inside_code(embedder: Embedder) -> None:
    open_fence = Passage(
        "c", "d", "d", "Restart with this command:\n\n```bash\nsudo restart portal", 1.0
    )

    text = answer_from("How do I restart the portal?", [open_fence], embedder)[1].text

    assert text.endswith("```\n\n[1]")


def passages(*texts: str) -> list[Passage]:
    return [Passage(f"p{n}", f"{n}.md", f"{n}.md", text, 1.0) for n, text in enumerate(texts)]


def test_a_title_in_bold_is_quoted_with_what_it_stands_over(embedder: Embedder) -> None:
    text = "It runs in a cluster.\n\n**Create the namespace**\n\n```sh\nkubectl create ns portal\n```\n\nDone."

    _, reply = answer_from("How do I create the namespace?", passages(text), embedder)

    assert [citation.quote for citation in reply.citations or ()] == [
        "**Create the namespace**\n\n```sh\nkubectl create ns portal\n```"
    ]


@pytest.mark.parametrize("lone", ["**Restart the portal**", "Restart the portal with this line:"])
def test_an_introduction_cut_off_from_its_matter_comes_after_what_says_something(
    embedder: Embedder, lone: str
) -> None:
    cut = f"The portal is a web application for the whole company.\n\n{lone}"
    whole = "To restart the portal, run `systemctl restart portal` as its administrator."

    _, reply = answer_from("How do I restart the portal?", passages(cut, whole), embedder)

    assert reply.citations is not None
    assert reply.citations[0].quote == whole
