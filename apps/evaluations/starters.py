"""Small valid datasets to download, fill in and upload."""

from __future__ import annotations

CSV = """\
question,reference,relevant,evidence
How many days of annual leave do employees have?,30 days || thirty days,leave.md,annual leave 30 days
"Within how many days can goods be returned, and what is needed?",14 days with the receipt,refunds.md,
Who approves business trips?,the head of department,travel.md;approvals.md,
"""
JSONL = """\
{"question": "How many days of annual leave do employees have?", "references": ["30 days", "thirty days"], "relevant": ["leave.md"], "evidence": ["annual leave 30 days"]}
{"question": "Within how many days can goods be returned, and what is needed?", "references": ["14 days with the receipt"], "relevant": ["refunds.md"]}
{"question": "Who approves business trips?", "references": ["the head of department"], "relevant": ["travel.md", "approvals.md"]}
"""
FILES = {
    "csv": (CSV, "text/csv; charset=utf-8"),
    "jsonl": (JSONL, "application/x-ndjson; charset=utf-8"),
}
