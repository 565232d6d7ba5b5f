"""Makes the pictures of README and guide from the last browser walk.

python -m tests.e2e.pictures
"""

from __future__ import annotations

from PIL import Image

from tests.e2e.browser import ARTIFACTS, ROOT

PICTURES = {
    "describe": "05-wizard-model",
    "connections": "23-connection-tested",
    "knowledge": "51-collection",
    "try": "12-sandbox-answer",
    "evaluate": "17-evaluation-run",
    "benchmark": "20-benchmark-run",
    "ship": "22-package",
    "start": "50-overview",
    "accounts": "35-people",
    "jobs": "33-jobs",
    "samples": "54-samples",
    "import": "99-import-report-long",
    "canvas": "62-canvas-inspector",
    "yaml": "61-yaml-findings-in-place",
    "versions": "69-versions-compared",
    "share": "63-people-of-a-project",
    "safety": "08b-wizard-safety",
    "projects": "30-projects",
    "new-project": "04-new-project",
    "review": "10-wizard-review",
    "trace": "13c-trace",
    "question": "18-evaluation-sample",
    "document": "52-document",
    "profile": "37-profile",
    "tokens": "38-tokens",
    "audit": "39-audit",
}
WIDTH = 1200


def main() -> None:
    folder = ROOT / "static" / "pictures"
    folder.mkdir(exist_ok=True)
    for name, shot in PICTURES.items():
        with Image.open(ARTIFACTS / f"{shot}-wide-light.png") as image:
            height = round(image.height * WIDTH / image.width)
            target = folder / f"{name}.webp"
            image.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS).save(
                target, quality=82, method=6
            )
            print(f"{target.relative_to(ROOT)} {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
