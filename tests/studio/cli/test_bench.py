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
        (["--duration", "1"], "--duration is 1. It must be greater than or equal to 3."),
        (["--users", "0"], "--users is 0. It must be greater than or equal to 1."),
        (["--prompt", " "], "A prompt is empty."),
        (["--prompts", "empty.txt"], "empty.txt has no question."),
        (["--prompts", "binary.txt"], "binary.txt is not UTF-8 text (byte 0)."),
        (["--slo", "beauty=1"], "“beauty=1” is no limit."),
        (["--prompts", "gone.txt"], "gone.txt cannot be read: No such file"),
        (["--dataset", "gone"], "There is no dataset “gone”."),
    ],
)
def test_bench_refuses_bad_input(helpdesk: Studio, arguments: list[str], sentence: str) -> None:
    helpdesk.write("empty.txt", "\n \n")
    (helpdesk.folder / "binary.txt").write_bytes(b"\xff\xfe")

    ran = helpdesk("bench", "helpdesk", *arguments)

    assert ran.code == 2
    assert sentence in ran.err
