"""What is left of somebody who closed the account: nothing that says anything, but what the law wants kept, which is listed here."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from api.kit import clock, db, jobs, rooms, storage
from api.members.service import consents, profile
from api.receipts.models import ReceiptPhoto
from api.receipts.service import submissions
from tests.conftest import bearer, owner_rows
from tests.factories import make_member, make_shop
from tests.members import leftovers
from tests.members.leftovers import ROW

pytestmark = pytest.mark.attack

FORGETTING = ("forget", "remove_old", "sweep_orphans")

#: Every step of a thing: from where, to where, by whom and for which of our reasons. Their facts are figures.
MOVES = re.compile(r"\w+_moves\.(from_state|to_state|reason|facts|moved_by)")

#: What stays for good, and why. "member:7" in it is the ledger's pseudonym: nobody can say any more who that was.
KEPT: dict[str, set[str]] = {
    "our own words, states and numbers; nothing that a person typed, said or is called by": {
        "bonus_grants.origin_type", "card_draws.cause_id", "card_draws.cause_type", "card_returns.cause_id", "card_returns.cause_type",
        "cards.activation_hash", "cards.activation_sealed", "cards.number", "complaint_replies.trouble", "complaints.trouble",
        "growth_entries.cause", "level_changes.reason", "members.source", "merge_rows.kind", "merges.held", "merges.moved",
        "merges.preview", "merges.undone", "payers.app_id", "payers.channel", "payment_refunds.trouble", "payment_shares.trouble",
        "payments.trouble", "points_alerts.facts", "points_alerts.kind", "points_batches.origin_type", "points_cap_uses.code",
        "points_spends.cause_id", "points_spends.cause_type", "receipt_photos.format", "receipt_reviews.reason", "receipts.award",
        "receipts.kind", "receipts.why", "spent_proofs.kind", "spent_proofs.spent_by",
    },
    "vouchers of the books (Accounting Law, article 23: kept ten years or more): what was sold, for how much, paid and given back how": {
        "order_lines.category", "order_lines.item_ref", "order_lines.name", "order_parts.explanation", "order_refunds.allocations",
        "order_refunds.asked", "order_refunds.asked_by", "order_refunds.decided_by", "order_refunds.number", "order_refunds.reason",
        "orders.agreed_terms", "orders.channel", "orders.kind", "orders.number", "orders.placed_by", "orders.ref", "orders.title",
        "payment_refunds.asked_by", "payment_refunds.cause_id", "payment_refunds.cause_type", "payment_refunds.reason",
        "payments.channel", "payments.description", "points_awards.caps", "points_awards.explanation", "points_awards.facts",
        "points_awards.parts", "points_awards.reason", "sale_refund_tellings.source_type", "sale_refund_tellings.teller",
        "sale_refunds.source_type", "sales.channel", "sales.lines", "sales.tenders",
    },
    "numbers of gateways, banks and tills, by which the books agree with theirs": {
        "bill_differences.bill_says", "bill_differences.gateway_no", "bill_differences.number", "bill_differences.we_say",
        "complaints.accused_no", "complaints.gateway_no", "complaints.payment_number", "complaints.problem_type",
        "payment_notices.channel", "payment_notices.event", "payment_notices.notice_no", "payment_notices.trouble",
        "payment_refunds.gateway_no", "payment_refunds.share_return_no", "payment_shares.freeing_no", "payment_shares.gateway_no",
        "payment_shares.number", "payment_shares.receiver_no", "payments.gateway_no", "till_rows.differs", "till_rows.original_no",
        "till_rows.problems", "till_rows.receipt_no", "till_rows.row_key", "till_rows.tender", "till_rows.told", "till_rows.waits",
    },
    "one purchase and one paper earn once: numbers as printed, hashes that say nothing": {
        "receipt_photos.sha256", "receipts.number_key", "sale_sightings.channel", "sale_sightings.differs", "sale_sightings.external_key",
        "sale_sightings.external_no", "sale_sightings.number_key", "sale_sightings.receipt_no", "sale_sightings.source_type",
        "sales.receipt_no", "spent_proofs.digest",
    },
    "why somebody of the staff did something to value or to an account: the log that only grows": {
        "audit_entries.after", "audit_entries.before", "audit_entries.did", "audit_entries.subject_id", "audit_entries.subject_type",
        "audit_entries.who", "audit_entries.why", "bill_differences.note", "bill_differences.settled_by", "card_events.by",
        "card_events.facts", "card_events.what", "card_events.why", "card_requests.decided_by", "card_requests.new_number",
        "card_requests.proposed_by", "card_requests.why", "complaint_replies.made_by", "merges.decided_by", "merges.proposed_by",
        "merges.undo_decided_by", "merges.undo_proposed_by", "merges.undo_why", "merges.why", "points_adjustments.decided_by",
        "points_adjustments.proposed_by", "points_adjustments.why", "points_alerts.seen_by", "points_alerts.verdict",
    },
    "proof that there was a consent (PIPL, article 55 and 56: kept three years or more)": {
        "member_consents.document", "member_consents.version",
    },
}  # fmt: skip

#: What stays for a time, and goes by itself: column → the days until it is gone.
FOR_A_TIME: dict[int, set[str]] = {
    2: {"member_sessions.channel", "member_sessions.public_id", "member_sessions.token_hash"},  # a token may still be shown
    91: {  # partners may have a notice sent again
        "partner_attempts.answer", "partner_attempts.trouble", "partner_deliveries.kind", "partner_deliveries.number",
        "partner_deliveries.trouble", "partner_events.body", "partner_events.fact", "partner_events.facts", "partner_events.number",
    },
    181: {"complaint_replies.content", "complaints.detail", "complaints.phone_sealed", "complaints.words"},  # disputes
}  # fmt: skip


def close(client: Any, mall: int) -> None:
    """Over HTTP, as the phone does it, and what that puts in is worked off."""
    answer = client.post("/v1/me/closure", headers=bearer("member", ROW, mall))
    assert answer.status_code == 204, answer.json
    work_off(mall)


def left_of(settings: Any) -> dict[str, set[str]]:
    """What is left, but the steps of things."""
    return {place: whose for place, whose in leftovers.left(settings).items() if not MOVES.fullmatch(place)}


def work_off(mall: int) -> None:
    rooms.load()
    with db.unit_of_work(mall):
        put_in = db.session.execute(text("SELECT task_name, args FROM procrastinate_jobs WHERE status = 'todo'")).all()
    for name, arguments in put_in:
        db.in_mall(mall, lambda name=name, given=arguments: jobs.JOBS[name].run(**{k: v for k, v in given.items() if k != "mall_id"}))


def nights(mall: int, days: int) -> None:
    """So many days later, everything that forgets by the clock has run."""
    clock.fix(clock.now() + timedelta(days=days))
    for name, job in jobs.JOBS.items():
        if job.cron and name.partition(".")[2].startswith(FORGETTING):
            db.in_mall(mall, job.run)
    work_off(mall)


@pytest.fixture
def planted(settings, app, mall: int) -> None:
    with db.unit_of_work(mall):
        make_shop(id=leftovers.OTHER)
    leftovers.plant(settings, mall)
    for (key,) in owner_rows(settings, "SELECT file_key FROM receipt_photos"):
        storage.put(key, b"\xff\xd8 Left:receipt_photos.file_key:Over")


def test_kind_7_nothing_is_left_of_a_closed_account_but_what_the_law_wants_kept(client, settings, planted, mall: int) -> None:
    close(client, mall)
    forever = set().union(*KEPT.values())
    later = set().union(*FOR_A_TIME.values())
    left = left_of(settings)
    assert {place: from_where for place, from_where in left.items() if place not in forever | later} == {}
    assert sorted(forever | later) == sorted(left)  # nothing is listed that is not there
    passed = 0
    for days, gone in sorted(FOR_A_TIME.items()):
        nights(mall, days - passed)
        passed = days
        assert sorted(gone & set(left_of(settings))) == [], f"after {days} days"
    assert sorted(left_of(settings)) == sorted(forever)


def test_kind_7_every_table_that_a_member_reaches_is_planted(settings, planted) -> None:
    """A table that comes later is found by its links, or the test above says that its row is not legal."""
    empty = [table.name for table in leftovers.reachable() if owner_rows(settings, f"SELECT count(*) FROM {table.name}") == [(0,)]]
    assert empty == []
    listed = {place.partition(".")[0] for group in (*KEPT.values(), *FOR_A_TIME.values()) for place in group}
    assert {"receipts", "payments", "orders", "complaints", "points_awards", "cards"} <= listed


def test_kind_7_a_childs_name_goes_with_the_answer_that_repeats_it(client, settings, mall: int) -> None:
    with db.unit_of_work(mall):
        make_member(id=ROW)
        consents.give(ROW, "family", "1")
    headers = bearer("member", ROW, mall) | {"Idempotency-Key": "told-once-1"}
    child = {"relation": "child", "nickname": "小石头", "birth_year": 2019, "birth_month": 5}
    assert client.post("/v1/me/family", json=child, headers=headers).status_code == 201
    assert owner_rows(settings, "SELECT count(*) FROM once_keys WHERE answer::text LIKE '%%小石头%%'") == [(1,)]
    close(client, mall)
    assert owner_rows(settings, "SELECT count(*) FROM once_keys") == [(0,)]


def test_kind_7_an_undecided_receipt_is_withdrawn_and_its_photo_goes_only_when_the_closing_is_committed(
    client, settings, mall: int
) -> None:
    with db.unit_of_work(mall):
        make_member(id=ROW)
        picture = submissions.Picture(b"\xff\xd8 a photo", "JPEG")
        receipt = submissions.take_in(ROW, [picture], device="phone", queue_limit=9)
        number, key = receipt.id, db.session.scalars(select(ReceiptPhoto.file_key)).one()
    with pytest.raises(RuntimeError, match="undone"), db.unit_of_work(mall):
        profile.close(ROW)
        raise RuntimeError("undone")
    assert storage.read(key) == picture.data
    close(client, mall)
    assert owner_rows(settings, "SELECT state, device FROM receipts WHERE id = %s", number) == [("withdrawn", None)]
    with pytest.raises(storage.FileRemoved):
        storage.read(key)


def test_kind_7_who_paid_is_not_said_again_by_a_notice_that_came_late(client, settings, planted, mall: int) -> None:
    close(client, mall)
    late = '{"number": "P1", "payment": {"payer": "wallet of somebody", "amount_fen": 1}}'
    owner_rows(settings, "UPDATE payment_notices SET facts = %s::jsonb", late)
    owner_rows(settings, "UPDATE payments SET payer_subject = 'wallet of somebody'")
    nights(mall, 1)
    assert owner_rows(settings, "SELECT facts FROM payment_notices") == [({"number": "P1", "payment": {"amount_fen": 1}},)]
    assert owner_rows(settings, "SELECT payer_subject FROM payments") == [(None,)]


def test_who_goes_on_being_a_member_loses_nothing_by_the_nights(client, settings, planted, mall: int) -> None:
    before = left_of(settings)
    nights(mall, 1)
    left = left_of(settings)
    assert {place for place in set(before) - set(left) if not place.startswith("pay_codes.")} == {"complaints.phone_sealed"}
