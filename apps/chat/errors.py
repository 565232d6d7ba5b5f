from __future__ import annotations

from apps.runtime.errors import Conflict, ServiceFault, UserFault


class AppNotFound(UserFault):
    code = "chat.app-not-found"
    sentence = "There is no application “{app_key}” that you may talk to."
    status = 404


class QuestionRefused(UserFault):
    code = "chat.question-refused"
    sentence = "The question was not sent: {reason}"


class AttachmentRefused(UserFault):
    code = "chat.attachment-refused"
    sentence = "{name} was not taken: {reason}."


class ReplyInProgress(Conflict):
    code = "chat.reply-in-progress"
    sentence = "The last answer is still being written. Wait for it, or stop it, then ask again."


class NotRepeatable(Conflict):
    code = "chat.not-repeatable"
    sentence = "Only the last answer of a conversation can be asked for again, once it has ended."


class ReplyInterrupted(ServiceFault):
    code = "chat.interrupted"
    sentence = (
        "The server was restarted while this answer was being written. What had arrived is kept; "
        "press Ask again for a whole answer."
    )


class ReplyAbandoned(ServiceFault):
    code = "chat.abandoned"
    sentence = (
        "The page was closed while this answer was being written, so the model was stopped. What "
        "had arrived is kept; press Ask again for a whole answer."
    )


class ReplyCrashed(ServiceFault):
    code = "chat.crashed"
    sentence = (
        "This answer stopped on an error of ours. The server's log has the details for an "
        "administrator; Ask again is safe."
    )


class ReplyNotSaved(ServiceFault):
    code = "chat.not-saved"
    sentence = (
        "The answer is complete but could not be saved: the database does not accept it. Copy what "
        "you need, and tell an administrator to look at disk space and database."
    )
