"""Sales reports of tills: take one in and say what it would do; work it, row by row or not at all; try again what waits."""

from api.tills.service.refunds import mark_differing, retry, take_waiting
from api.tills.service.report_intake import CALL_ROWS, Confirmation, confirm, drop, drop_forgotten, take_call, take_file
from api.tills.service.report_run import stalled_reports, work_batch
from api.tills.service.views import refused, report, reports, rows

__all__ = [
    "CALL_ROWS",
    "Confirmation",
    "confirm",
    "drop",
    "drop_forgotten",
    "mark_differing",
    "refused",
    "report",
    "reports",
    "retry",
    "rows",
    "stalled_reports",
    "take_call",
    "take_file",
    "take_waiting",
    "work_batch",
]
