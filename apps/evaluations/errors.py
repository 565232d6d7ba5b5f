from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.projects.domain.findings import Finding
from apps.runtime.errors import Conflict, UserFault


class DatasetRefused(UserFault):
    """The file is no dataset. `findings` says where and why, by line."""

    code = "evaluations.dataset-refused"
    sentence = "{file_name} was not taken: {count}. First: {first}"

    def __init__(self, *, file_name: str, findings: Sequence[Finding]) -> None:
        self.findings = list(findings)
        errors = [item for item in self.findings if item.severity == "error"]
        count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
        place = f"line {errors[0].line}: " if errors[0].line else ""
        super().__init__(
            file_name=file_name or "The file", count=count, first=place + errors[0].message
        )

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "findings": [item.as_dict() for item in self.findings]}


class DatasetNameTaken(Conflict):
    code = "evaluations.dataset-name-taken"
    sentence = "This project already has a dataset called “{name}”. Choose another name."


class ForeignDataset(UserFault):
    code = "evaluations.foreign-dataset"
    sentence = "The dataset “{dataset}” belongs to another project than version {version}."


class FilesNeeded(UserFault):
    code = "evaluations.files-needed"
    sentence = (
        "Version {version} answers only what comes with {what}, and runs send words alone: every question "
        "would fail. Try it in the sandbox, where questions may come with files."
    )


class RunActive(Conflict):
    code = "evaluations.run-active"
    sentence = "“{title}” is still running. Cancel it first, then delete it."


class ApplicationDown(UserFault):
    """Too many questions in a row failed for the same reason; the rest was not tried."""

    code = "evaluations.application-down"
    sentence = "Stopped after {count} questions failed in a row: {reason} Press Retry to go on."


class UnknownMetric(UserFault):
    code = "evaluations.unknown-metric"
    sentence = "There is no metric “{name}”. Known: {known}."
