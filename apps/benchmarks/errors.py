from __future__ import annotations

from apps.runtime.errors import Conflict, NotAllowed, ServiceBroke


class RemoteModelServer(NotAllowed):
    code = "benchmarks.remote-model-server"
    sentence = (
        "The model server “{server}” at {host} is not on this machine: the load would reach others, and "
        "may cost money. Say explicitly that it may be loaded, or connect a model server that runs here."
    )


class AllRequestsFailed(ServiceBroke):
    code = "benchmarks.all-failed"
    sentence = "Every request of the load run failed. Most often: {cause}."


class RunActive(Conflict):
    code = "benchmarks.run-active"
    sentence = "“{title}” is still running. Cancel it first, then delete it."
