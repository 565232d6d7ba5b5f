from __future__ import annotations

import pytest

from tests.studio.cli.conftest import Studio


def test_bench_measures(helpdesk: Studio) -> None:
    ran = helpdesk(
        *("bench", "helpdesk", "--users", "2", "--duration", "3", "--warmup", "0"),
        *("--no-calibration", "--slo", "ttft_ms=5000", "--json"),
    )

    summary = ran.data["summary"]
    assert ran.code == 0, ran.err
    assert summary["requests"]["failed"] == 0
    assert summary["requests"]["ok"] > 0
    assert summary["ttft_ms"]["p50"] > 0
    assert summary["goodput"]["value"] == 1.0
    assert ran.data["profile"]["concurrency"] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--duration", "1"], "duration_s: "),
        (["--slo", "beauty=1"], "“beauty=1” is no limit."),
        (["--prompts", "gone.txt"], "There is no file gone.txt."),
        (["--dataset", "gone"], "There is no dataset “gone”."),
    ],
)
def test_bench_refuses_bad_input(helpdesk: Studio, arguments: list[str], sentence: str) -> None:
    ran = helpdesk("bench", "helpdesk", *arguments)

    assert ran.code == 2
    assert sentence in ran.err
