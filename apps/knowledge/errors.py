from __future__ import annotations

from apps.runtime.errors import Conflict, NotAllowed, ServiceFault, UserFault


class NameTaken(Conflict):
    code = "knowledge.name-taken"
    sentence = "You already have a collection named {name}. Choose another name."


class BadName(UserFault):
    code = "knowledge.bad-name"
    sentence = "{name} cannot be a collection's name. Use letters, digits and hyphens, at most 63."


class BadChunking(UserFault):
    code = "knowledge.bad-chunking"
    sentence = (
        "Chunks of {size} characters with {overlap} overlap cannot be made. Use a size from "
        "{smallest} to {largest} and an overlap of at most half of it."
    )


class CollectionGone(Conflict):
    code = "knowledge.collection-gone"
    sentence = "“{title}” was deleted meanwhile."


class ReadOnly(NotAllowed):
    code = "knowledge.read-only"
    sentence = "Only {title}'s owner or an administrator may change it."


class DiskFull(ServiceFault):
    code = "knowledge.disk-full"
    sentence = "The disk of the server is full. Free some space, then press Retry or upload again."
    status = 507


class UploadInterrupted(ServiceFault):
    code = "knowledge.upload-failed"
    sentence = "The file could not be stored: {reason}. Upload it again."
    status = 500


class IndexingCancelled(UserFault):
    code = "knowledge.cancelled"
    sentence = "Indexing was cancelled before this file's turn. Press Retry to index it."


class EngineStalled(ServiceFault):
    code = "knowledge.engine-stalled"
    sentence = "Indexing did not move for {minutes} minutes and was stopped. Press Retry to go on."


class MixedEmbeddings(UserFault):
    code = "knowledge.mixed-embeddings"
    sentence = (
        "The collections {names} use different embedding models and cannot be searched together. "
        "Make one of them again with the other's model."
    )
