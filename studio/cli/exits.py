"""Exit codes, the same for every command. Pipelines rely on them."""

from __future__ import annotations

OK = 0
FAILED = 1
BAD_INPUT = 2
GATE_FAILED = 3
UNAVAILABLE = 4
INTERRUPTED = 130

MEANING = f"""exit codes:
  {OK}    done
  {FAILED}    failed
  {BAD_INPUT}    the input is wrong: arguments, files, findings
  {GATE_FAILED}    an evaluation gate was not passed
  {UNAVAILABLE}    a server that is needed does not answer, or failed
  {INTERRUPTED}  interrupted (Ctrl-C); background work was cancelled
"""
