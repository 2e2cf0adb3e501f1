"""The nightly proof keeps what it found and raises an alarm that stays."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from api.kit.db import session
from api.ledger import jobs
from api.ledger import service as ledger
from api.ledger.models import Proof
from tests.ledger.test_service import MEMBER, give


def test_a_ledger_that_balances_is_proved_without_noise(inside: int) -> None:
    give(MEMBER, 100, 1)
    jobs.roll_up.run()
    jobs.prove.run()
    assert [(proof.differences, proof.lines) for proof in session.query(Proof)] == [(0, [])]
    assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0


def test_a_difference_is_kept_and_fails_a_job(inside: int) -> None:
    give(MEMBER, 100, 1)
    session.execute(text("UPDATE ledger_accounts SET balance = 99 WHERE owner_kind = 'member'"))
    jobs.prove.run()
    proof = ledger.proofs().items[0]
    assert proof.lines == [{"what": "balance", "subject": "member:7 points", "expected": 100, "found": 99}]
    assert session.scalar(text("SELECT task_name FROM procrastinate_jobs")) == "ledger.raise_alarm"
    with pytest.raises(jobs.LedgerDoesNotBalance, match="1 differences"):
        jobs.raise_alarm.run(proof.id, 1)


def test_entries_of_no_account_and_half_a_transfer_are_found(inside: int) -> None:
    transfer = give(MEMBER, 100, 1)
    session.execute(
        text("INSERT INTO ledger_entries (transfer_id, account_id, amount, posted_at) VALUES (:t, 424242, 7, now())"), {"t": transfer}
    )
    session.execute(text("INSERT INTO ledger_transfers (cause_type, cause_id, digest, posted_at) VALUES ('x', '1', '', now())"))
    assert [line.what for line in ledger.prove()] == ["account", "empty", "transfer"]
