"""Expected failures of an export. Free of Django, so that the pure domain may raise them."""

from __future__ import annotations

from apps.runtime.errors import ServiceFault, StudioError, UserFault


class FormatUnavailable(UserFault):
    code = "packages.format-unavailable"
    sentence = "Packages of format “{name}” cannot be made by this release. Available: {available}."


class OptionRefused(UserFault):
    code = "packages.option-refused"
    sentence = "{option}: {reason}"


class KnowledgeMissing(UserFault):
    code = "packages.knowledge-missing"
    sentence = (
        "The project uses the collection “{name}” and there is nothing of it to pack: {reason}. "
        "Point to it, or export without knowledge (spec.deployment.knowledge.include: none)."
    )


class ConnectionUnfit(UserFault):
    code = "packages.connection-unfit"
    sentence = (
        "{component} ({node}) cannot work over the connection “{connection}”, which is taken for "
        "{kind}. It needs: {kinds}. {what_to_do}"
    )


class PackageRefused(StudioError):
    """`verify` found an error, so that there is no package. The findings say what and where."""

    code = "packages.refused"
    sentence = "The package did not pass its own checks: {first}"
    status = 500


class SourceMissing(ServiceFault):
    code = "packages.source-missing"
    sentence = (
        "{path} is missing in this installation, so that no package can be made. {what_to_do}"
    )
    status = 500


class OutOfSpace(ServiceFault):
    code = "packages.out-of-space"
    sentence = (
        "The disk ran full while the package was written ({path}). Nothing half-written was left; "
        "free some space and try again."
    )
    status = 507


class NotWritable(UserFault):
    code = "packages.not-writable"
    sentence = "The package cannot be written to {path}: {reason}."
