"""Nightly: roll up the accounts that run no balance, then prove the whole ledger."""

from __future__ import annotations

from api.kit import db, jobs, logs
from api.ledger import service

log = logs.get(__name__)


class LedgerDoesNotBalance(Exception):
    """The nightly proof found a difference; the job stays failed until somebody looks."""


@jobs.nightly("10 18 * * *")
def roll_up() -> None:
    """Roll up each mall's accounts (02:10 in Shanghai)."""
    service.roll_up()


@jobs.nightly("30 18 * * *")
def prove() -> None:
    """Prove each mall's ledger (02:30 in Shanghai); a difference is logged line by line and fails the job."""
    found = service.prove()
    for line in found:
        log.error("the ledger does not balance", mall=db.mall(), what=line.what, subject=line.subject, want=line.expected, is_=line.found)
    if found:
        raise LedgerDoesNotBalance(f"{len(found)} differences in mall {db.mall()}")
