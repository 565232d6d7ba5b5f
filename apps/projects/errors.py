"""Expected failures around projects. Free of Django, so that the pure domain may raise them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from apps.runtime.errors import Conflict, NotAllowed, UserFault

if TYPE_CHECKING:
    from apps.projects.domain.findings import Finding


class SpecRefused(UserFault):
    """A document or change that does not fit the spec. `findings` says where and why."""

    code = "spec.refused"
    sentence = "The project file has {count}. First: {first}"

    def __init__(self, findings: Sequence[Finding], **params: Any) -> None:
        self.findings = list(findings)
        errors = [one for one in self.findings if one.severity == "error"] or self.findings
        count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
        super().__init__(count=count, first=errors[0].message if errors else "unknown", **params)

    def as_dict(self) -> dict[str, Any]:
        return {
            **super().as_dict(),
            "findings": [finding.as_dict() for finding in self.findings],
        }


class ImportRefused(SpecRefused):
    code = "import.refused"
    sentence = "This file cannot be imported: {count}. First: {first}"


class BuildRefused(SpecRefused):
    code = "projects.build-refused"
    sentence = "This project cannot be built yet: {count}. First: {first}"


class DraftConflict(Conflict):
    """Somebody saved in between. Carries both sides, so that a page can show them."""

    code = "projects.draft-conflict"
    sentence = (
        "{title} was saved somewhere else since this page was opened (revision {theirs} instead "
        "of {base}). Nothing was overwritten; choose which of the two to keep."
    )

    def __init__(self, *, their_yaml: str, your_yaml: str, **params: Any) -> None:
        self.their_yaml = their_yaml
        self.your_yaml = your_yaml
        super().__init__(**params)


class RoleMissing(NotAllowed):
    code = "projects.role-missing"
    sentence = "{act} {title} takes the role {needed}, and yours is {role}. Ask {owner}, its owner."


class RoleGone(RoleMissing):
    """For what somebody began in a project that is shared with them no more."""

    sentence = "{act} {title} takes the role {needed}, and you have none there any more. Ask {owner}, its owner."


class PersonUnknown(UserFault):
    code = "projects.person-unknown"
    sentence = (
        "There is nobody called {name} who can sign in here. Check the user name or e-mail address."
    )


class AlreadyOwner(UserFault):
    code = "projects.already-owner"
    sentence = "{name} owns this project already."


class EditedElsewhere(DraftConflict):
    """A file is applied to a project that was changed otherwise since it was last applied."""

    code = "projects.edited-elsewhere"
    sentence = (
        "{title} was edited elsewhere since its file was last applied (it is at revision {theirs}). "
        "Nothing was overwritten. Take those edits into the file, or apply it with force, which "
        "undoes them."
    )


class NameTaken(Conflict):
    code = "projects.name-taken"
    sentence = "You already have a project called {name}. Choose another name."


class ApplicationNotAvailable(UserFault):
    code = "spec.application.not-available"
    sentence = (
        "This release builds qna only; {application} comes in a later one. Set "
        "spec.application to qna."
    )


class VersionUnknown(UserFault):
    code = "spec.api-version.unknown"
    sentence = "apiVersion {version!r} is not known to this release. Use {latest}."


class SampleUnknown(UserFault):
    code = "project.sample-unknown"
    sentence = "There is no sample “{id}”. Choose one of the gallery."
    status = 404
