"""The chain of seals over the audit log: what was changed, removed or slipped in is named, and late commits are no alarm."""

import threading
import time
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from api.kit import audit, audit_seals, clock, db
from api.kit.db import libpq_url
from api.malls.models import Mall
from api.staff import jobs
from tests.conftest import owner_rows

pytestmark = pytest.mark.attack


def write(mall: int, *subjects: str) -> None:
    for subject in subjects:
        with db.unit_of_work(mall):
            audit.record("staff:1", "changed the policy", "mall", subject, before={"days": 7}, after={"days": 8, "note": "午"}, why="test")


def seal(mall: int) -> int:
    return db.in_mall(mall, audit_seals.seal_entries)


def verify(mall: int, kept: str | None = None) -> audit_seals.Verification:
    return db.in_mall(mall, lambda: audit_seals.verify(kept))


def numbers(settings) -> list[int]:
    return [row[0] for row in owner_rows(settings, "SELECT id FROM audit_entries ORDER BY id")]


def test_each_night_seals_what_is_new_and_the_chain_proves_it(mall: int) -> None:
    assert seal(mall) == 0
    write(mall, "1", "2", "3")
    assert seal(mall) == 3
    assert seal(mall) == 0
    write(mall, "4")
    seen = verify(mall)
    assert (seen.seals, seen.entries, seen.unsealed, seen.trouble) == (1, 3, 1, None)
    db.in_mall(mall, jobs.seal_audit_log.run)
    seen = verify(mall)
    assert (seen.seals, seen.entries, seen.unsealed, seen.trouble) == (2, 4, 0, None)
    assert seen.last.stamp.startswith("2:")


def test_many_entries_are_sealed_in_pieces(mall: int, monkeypatch) -> None:
    monkeypatch.setattr(audit_seals, "AT_MOST", 2)
    write(mall, *"12345")
    assert seal(mall) == 5
    assert (verify(mall).seals, verify(mall).trouble) == (3, None)


@pytest.mark.parametrize(
    ("tampering", "trouble"),
    [
        ("UPDATE audit_entries SET why = 'another' WHERE id = {second}", "entry {second} was changed"),
        ("UPDATE audit_entries SET after = after || '{{\"days\": 9}}' WHERE id = {second}", "entry {second} was changed"),
        ("UPDATE audit_entries SET at = at + interval '1 microsecond' WHERE id = {third}", "entry {third} was changed"),
        ("DELETE FROM audit_entries WHERE id = {first}", "entry {first} was removed"),
        ("DELETE FROM audit_entries WHERE id >= {third}", "entry {third} was removed"),
        ("UPDATE audit_entries SET id = {spare} WHERE id = {second}", "entry {spare} was slipped in"),
        ("UPDATE audit_seals SET digest = repeat('0', 64) WHERE seq = 1", "seal 1 was changed"),
        ("UPDATE audit_seals SET leaves = substr(leaves, 41), entries = entries - 1 WHERE seq = 1", "seal 1 was changed"),
        ("DELETE FROM audit_seals WHERE seq = 1", "seal 1 was removed"),
    ],
)
def test_kind_9_the_first_entry_that_was_changed_removed_or_slipped_in_is_named(mall: int, settings, tampering: str, trouble: str) -> None:
    with db.unit_of_work(mall):
        db.session.execute(text("SELECT nextval('audit_entries_id_seq')"))
    spare = owner_rows(settings, "SELECT last_value FROM audit_entries_id_seq")[0][0]
    write(mall, "1", "2", "3")
    seal(mall)
    write(mall, "4")
    seal(mall)
    first, second, third, _ = numbers(settings)
    names = {"first": first, "second": second, "third": third, "spare": spare}
    owner_rows(settings, tampering.format(**names), unchecked=True)
    assert verify(mall).trouble == trouble.format(**names)


def test_kind_9_an_entry_inserted_later_under_an_older_number_is_slipped_in(mall: int, settings) -> None:
    with pytest.raises(RuntimeError, match="undone"), db.unit_of_work(mall):
        audit.record("staff:1", "changed the policy", "mall", 1)
        db.session.flush()
        raise RuntimeError("undone")
    write(mall, "2", "3")
    gap = numbers(settings)[0] - 1
    seal(mall)
    with db.unit_of_work(mall):
        db.session.add(audit.AuditEntry(id=gap, who="staff:9", did="approved", subject_type="mall", subject_id="1", at=clock.now()))
    assert verify(mall).trouble == f"entry {gap} was slipped in"


def test_a_commit_that_comes_late_is_no_false_alarm(mall: int, settings) -> None:
    """A seal waits for who drew a lower number and has not committed; who begins meanwhile is sealed the next night."""
    late = psycopg.connect(libpq_url(settings.database_url))
    late.execute("SELECT set_config('mallbridge.mall_id', %s, true)", [str(mall)])
    late.execute("INSERT INTO audit_entries (who, did, subject_type, subject_id, at) VALUES ('staff:1', 'approved', 'mall', 'late', now())")
    write(mall, "2", "3")
    sealed: list[Any] = []
    thread = threading.Thread(target=lambda: sealed.append(seal(mall)))
    thread.start()
    time.sleep(0.5)
    began = time.monotonic()
    write(mall, "4")  # who writes does not wait for a seal that waits
    assert time.monotonic() - began < 1
    assert sealed == []
    late.commit()
    thread.join(10)
    assert sealed == [3]
    assert verify(mall).trouble is None
    assert seal(mall) == 1
    assert (verify(mall).entries, verify(mall).trouble) == (4, None)
    late.close()


def test_a_writer_that_does_not_end_puts_the_seal_off(mall: int, settings, monkeypatch) -> None:
    monkeypatch.setattr(audit_seals, "PATIENCE", 0.2)
    write(mall, "1")
    with psycopg.connect(libpq_url(settings.database_url)) as writing:
        writing.execute("SELECT set_config('mallbridge.mall_id', %s, true)", [str(mall)])
        writing.execute("INSERT INTO audit_entries (who, did, subject_type, subject_id, at) VALUES ('a', 'b', 'c', 'd', clock_timestamp())")
        with pytest.raises(audit_seals.WritersRemain):
            seal(mall)
    assert seal(mall) == 2


def test_the_command_names_what_is_wrong_and_prints_the_last_seal(app, mall: int, settings) -> None:
    write(mall, "1", "2")
    seal(mall)
    with db.unit_of_work():
        code = db.session.get_one(Mall, mall).code
    runner = app.test_cli_runner()
    clean = runner.invoke(args=["audit", "verify", code])
    stamp = verify(mall).last.stamp
    assert (clean.exit_code, clean.output) == (0, f"{code}: 2 entries under 1 seals, the last {stamp}; 0 not sealed yet\n")
    assert runner.invoke(args=["audit", "verify"]).exit_code == 0
    assert runner.invoke(args=["audit", "verify", code, "--kept", stamp]).exit_code == 0
    assert runner.invoke(args=["audit", "verify", "--kept", stamp]).exit_code == 2
    # Whoever rewrites entries and the whole chain is found out by the seal that was kept outside.
    first = numbers(settings)[0]
    owner_rows(settings, f"UPDATE audit_entries SET why = 'another' WHERE id = {first}; DELETE FROM audit_seals")
    changed = runner.invoke(args=["audit", "verify", code])
    assert (changed.exit_code, f"{code}: 0 entries under 0 seals; 2 not sealed yet" in changed.output) == (0, True)
    seal(mall)
    kept = runner.invoke(args=["audit", "verify", code, "--kept", stamp])
    assert (kept.exit_code, f"the seal {stamp} that was kept is not in the chain" in kept.output) == (1, True)
    owner_rows(settings, f"UPDATE audit_entries SET why = 'a third' WHERE id = {first}")
    wrong = runner.invoke(args=["audit", "verify", code])
    assert (wrong.exit_code, f"{code}: entry {first} was changed" in wrong.output) == (1, True)
