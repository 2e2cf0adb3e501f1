"""Background work of the room of staff."""

from __future__ import annotations

from api.kit import audit_seals, jobs, logs
from api.staff import service

log = logs.get(__name__)


@jobs.nightly("40 19 * * *")
def forget_old_sign_ins() -> None:
    """Remove ended sign-ins, used pairing codes and counts of tries that are not needed any more."""
    service.forget_old()


@jobs.nightly("30 20 * * *")
def seal_audit_log() -> None:
    """Seal the entries of the audit log that are not sealed yet, so that none of them can be changed unseen."""
    log.info("the audit log is sealed", entries=audit_seals.seal_entries())
