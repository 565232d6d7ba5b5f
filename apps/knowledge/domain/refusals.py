"""Why a file is not taken. The page names the file beside the sentence, so sentences do not."""

from __future__ import annotations

from apps.runtime.errors import StudioError, UserFault


class Refusal(UserFault):
    """The file itself is the reason; trying again changes nothing."""

    code = "knowledge.refused"


class EmptyFile(Refusal):
    code = "knowledge.empty"
    sentence = "The file is empty. Upload it again once it has content."


class TooLarge(Refusal):
    code = "knowledge.too-large"
    sentence = (
        "The file is {size_mb} MB; at most {limit_mb} MB are taken. Split it and upload the parts."
    )
    status = 413


class UnsupportedType(Refusal):
    code = "knowledge.unsupported-type"
    sentence = "This is {found}, which cannot be read as text. {advice}"
    status = 415

    def __init__(self, found: str, advice: str = "") -> None:
        super().__init__(
            found=found,
            advice=advice or "Upload PDF, DOCX, PPTX, XLSX, HTML, Markdown, CSV or plain text.",
        )


class WrongType(Refusal):
    code = "knowledge.wrong-type"
    sentence = (
        "The name ends in “{suffix}” but the content is {found}. Give the file its true ending "
        "or upload the right file."
    )
    status = 415


class Encrypted(Refusal):
    code = "knowledge.encrypted"
    sentence = (
        "The {kind} is protected by a password. Save it without the password and upload it again."
    )


class Broken(Refusal):
    code = "knowledge.broken"
    sentence = (
        "The {kind} is damaged: {reason}. Open it in the program that made it, save it again and "
        "upload the new file."
    )


class ArchiveBomb(Refusal):
    code = "knowledge.archive-bomb"
    sentence = (
        "The {kind} unpacks to more than a document should: {reason}. It was not opened. Save the "
        "document again, or split it."
    )


class TooComplex(Refusal):
    code = "knowledge.too-complex"
    sentence = "The {kind} is too big to read safely: {reason}. Split it and upload the parts."


class NoText(Refusal):
    code = "knowledge.no-text"
    sentence = "The {kind} has no text in it. {advice}"


class ReadingTimedOut(StudioError):
    code = "knowledge.reading-timed-out"
    sentence = (
        "Reading the file took more than {limit_s} s of computing time and was stopped. Split the "
        "file, or press Retry on a faster machine."
    )


class ReadingCrashed(StudioError):
    code = "knowledge.reading-crashed"
    sentence = (
        "The reader ended while it read this file ({reason}). Split the file or save it in "
        "another format; Retry is safe."
    )
