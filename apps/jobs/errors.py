from __future__ import annotations

from apps.runtime.errors import Conflict, ServiceUnavailable


class JobNotRetryable(Conflict):
    code = "jobs.not-retryable"
    sentence = "“{title}” is {status}; only failed, cancelled and interrupted work can be retried."


class BrokerUnavailable(ServiceUnavailable):
    code = "jobs.broker-unavailable"
    sentence = (
        "The queue for background work at {url} does not answer. The work is saved as "
        "interrupted; start the queue and press Retry."
    )
