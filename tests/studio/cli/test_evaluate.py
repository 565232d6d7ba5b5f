from __future__ import annotations

import pytest

from tests.studio.cli.conftest import Studio

QUESTIONS = """\
question,reference,relevant
How many days of paid holiday does every employee have?,thirty days,handbook/holidays.md
When are travel expenses paid back?,within ten working days,handbook/travel/expenses.txt
"""


@pytest.fixture
def asked(helpdesk: Studio) -> Studio:
    helpdesk.write("questions.csv", QUESTIONS)
    return helpdesk


def test_passed_gates_end_well(asked: Studio) -> None:
    ran = asked("evaluate", "helpdesk", "questions.csv", "--gate", "recall-at-k>=0.9", "--json")

    assert ran.code == 0, ran.err
    assert ran.data["passed"] is True
    assert ran.data["metrics"]["recall-at-k"]["value"] == 1.0
    assert [(gate["metric"], gate["outcome"]) for gate in ran.data["gates"]] == [
        ("recall-at-k", "passed")
    ]


def test_failed_gate_has_its_own_code(asked: Studio) -> None:
    ran = asked("evaluate", "helpdesk", "questions.csv", "--gate", "exact-match >= 1")

    assert ran.code == 3
    assert "gate failed: exact-match >= 1 (measured 0.000)" in ran.out


def test_dataset_is_uploaded_once(asked: Studio) -> None:
    by_file = asked("evaluate", "helpdesk", "questions.csv", "--metrics", "mrr", "--json")
    by_name = asked("evaluate", "helpdesk", "questions", "--metrics", "mrr", "--json")

    assert (by_file.code, by_name.code) == (0, 0)
    assert by_file.data["dataset"] == by_name.data["dataset"] == "questions"
    assert list(by_name.data["metrics"]) == ["mrr"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["questions.csv", "--gate", "recall"], "“recall” is no gate."),
        (["questions.csv", "--gate", "beauty>=1"], "There is no metric “beauty”."),
        (["gone.csv"], "There is no file gone.csv, and no dataset of that name."),
        (["questions.csv", "-k", "0"], "-k must be from 1 to 50."),
    ],
)
def test_evaluate_refuses_bad_input(asked: Studio, arguments: list[str], sentence: str) -> None:
    ran = asked("evaluate", "helpdesk", *arguments)

    assert ran.code == 2
    assert sentence in ran.err


def test_broken_dataset_is_named_by_line(asked: Studio) -> None:
    asked.write("broken.csv", "question,reference\n,empty\n")

    ran = asked("evaluate", "helpdesk", "broken.csv", "--json")

    assert ran.code == 2
    assert ran.data["error"]["code"] == "evaluations.dataset-refused"
    assert ran.data["error"]["findings"][0]["line"] == 2
