"""The lifecycle of an export."""

from __future__ import annotations

from enum import StrEnum


class ExportState(StrEnum):
    """Whether the file is there."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REMOVED = "removed"  # its time is over


ENDED = frozenset({ExportState.DONE, ExportState.FAILED, ExportState.CANCELLED, ExportState.REMOVED})

ALLOWED: dict[ExportState, frozenset[ExportState]] = {
    ExportState.WAITING: frozenset({ExportState.RUNNING, ExportState.FAILED, ExportState.CANCELLED}),
    ExportState.RUNNING: frozenset({ExportState.DONE, ExportState.FAILED, ExportState.CANCELLED}),
    ExportState.DONE: frozenset({ExportState.REMOVED}),
    ExportState.FAILED: frozenset(),
    ExportState.CANCELLED: frozenset(),
    ExportState.REMOVED: frozenset(),
}
