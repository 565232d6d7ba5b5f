"""Child processes that do not outlive the one that started them."""

from __future__ import annotations

import os
import threading
import time

PARENT_POLL_S = 1.0


def end_with_parent() -> None:
    """End when the process that started this one is gone, also in the middle of a long computation."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_POLL_S)
        os._exit(3)

    threading.Thread(target=watch, daemon=True).start()
