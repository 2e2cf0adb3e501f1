"""Nightly: roll up the accounts that run no balance, then prove the whole ledger."""

from __future__ import annotations

from api.kit import db, jobs, logs
from api.ledger import service

log = logs.get(__name__)


class LedgerDoesNotBalance(Exception):
    """The nightly proof found a difference; the job stays failed until somebody looks into it."""


@jobs.nightly("10 18 * * *")
def roll_up() -> None:
    """Roll up each mall's accounts (02:10 in Shanghai)."""
    service.roll_up()


@jobs.nightly("30 18 * * *")
def prove() -> None:
    """Prove each mall's ledger (02:30 in Shanghai) and keep the result; a difference is logged line by line and fails a job."""
    proof = service.record_proof()
    for line in proof.lines:
        log.error("the ledger does not balance", mall=db.mall(), **line)
    if proof.differences:
        # In a job of its own: failing here would undo the record.
        jobs.later(raise_alarm, proof_id=proof.id, differences=proof.differences)


@jobs.job()
def raise_alarm(proof_id: int, differences: int) -> None:
    """Fail, so that the page of jobs and the metrics show it."""
    raise LedgerDoesNotBalance(f"proof {proof_id}: {differences} differences")
