"""Export of a project with a ready index of 10,000 passages: how long, and whether the bytes repeat."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import numpy as np

from apps.packages.domain.export import Report, export_document
from apps.packages.domain.vendor import Sources
from apps.runtime.snapshot import SnapshotChunk, write_snapshot
from tests.servers.environment import PROJECT

PASSAGES, DOCUMENTS, DIMENSIONS = 10_000, 74, 384
TIMES = 5
SPEC = """\
apiVersion: genai.studio/v1
kind: Project
metadata: {name: bench, title: Bench}
spec:
  application: qna
  knowledge: {collections: [handbook]}
"""


def main() -> list[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory(prefix="bench-export-") as name:
        folder = Path(name)
        make_index(folder / "knowledge" / "handbook")
        reports = [export(folder, number) for number in range(TIMES)]
    seconds = sorted(report.duration_s for report in reports)
    median = statistics.median(seconds)
    size = reports[0].size_bytes / 1e6
    same = len({report.sha256 for report in reports}) == 1
    return [
        (
            "export, checked, median",
            f"{median:.2f} s ({seconds[0]:.2f}-{seconds[-1]:.2f})",
            "< 3 s",
        ),
        ("same project, same bytes", f"{'yes' if same else 'NO'}, {TIMES} times", "yes"),
        ("package with 10,000 passages", f"{size:.1f} MB, {len(reports[0].contents)} files", "-"),
    ]


def export(folder: Path, number: int) -> Report:
    report = export_document(
        SPEC,
        out=folder / f"{number}.zip",
        sources=Sources(PROJECT),
        knowledge_dir=folder / "knowledge",
        secrets=[f"sk-secret-{at:04}" for at in range(20)],
    )
    assert report.path, report.findings
    return report


def make_index(folder: Path) -> None:
    folder.mkdir(parents=True)
    random = np.random.default_rng(7)
    vectors = random.standard_normal((PASSAGES, DIMENSIONS), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    per = -(-PASSAGES // DOCUMENTS)
    chunks = []
    for at in range(PASSAGES):
        document, ordinal = divmod(at, per)
        text = " ".join(f"word{number}" for number in random.integers(0, 9_999, 110))
        chunks.append(
            SnapshotChunk(
                f"c{at:06}",
                f"d{document:03}",
                f"doc{document:03}.md",
                ordinal,
                text,
                0,
                len(text),
                vectors[at],
            )
        )
    documents = [
        {"name": f"doc{number:03}.md", "document_id": f"d{number:03}"}
        for number in range(DOCUMENTS)
    ]
    write_snapshot(folder, documents, chunks, "builtin:all-minilm-l6-v2", DIMENSIONS)
