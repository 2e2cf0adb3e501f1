"""Background work of plates."""

from __future__ import annotations

from api.kit import jobs, logs
from api.plates import service

log = logs.get(__name__)


@jobs.nightly("*/10 * * * *")
def watch_silence() -> None:
    """Raise an alarm for each shop that takes nothing by its plate while it is usually busy."""
    report = service.watch()
    if report.silent:
        log.warning("shops that are usually busy take nothing by their plates", shops=len(report.silent))
