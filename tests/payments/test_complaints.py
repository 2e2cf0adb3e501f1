"""Complaints of payers: heard of, read, never lost, kept once; answered and settled once, whoever taps how often."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from api.kit import clock, db
from api.kit.db import session
from api.payments import errors, jobs, service
from api.payments.models import Complaint, ComplaintReply, Notice, NoticeRefusal, Payment
from api.payments.service import complaint_intake, hooks, polling
from api.payments.states import ComplaintState
from tests.conftest import bearer, owner_rows
from tests.factories import make_mall, make_shop, make_staff
from tests.payments import letters
from tests.payments.conftest import Till, add_account, at
from tests.processes import until

PHONE = "+8613800138000"


@pytest.fixture
def counter(wechat_till: Till) -> Iterator[Till]:
    """The mall's account, told of complaints at its own address."""
    with db.unit_of_work(wechat_till.mall):
        assert service.direct_notices_here(wechat_till.account_id, by="test") is None
    yield wechat_till
    with db.unit_of_work(wechat_till.mall):
        complaint_intake.desk_of(service.account(wechat_till.account_id))._books().send_no_notices()


@pytest.fixture
def desk(client, mall) -> Callable[..., Any]:
    """Speak as somebody of the mall: desk("get", path, role=…)."""
    headers: dict[str, dict[str, str]] = {}

    def ask(verb: str, path: str, *, role: str = "service_desk", **body: Any) -> Any:
        if role not in headers:
            with db.unit_of_work(mall):
                headers[role] = bearer("staff", make_staff(role).id, mall)
        return getattr(client, verb)(f"/v1/office{path}", headers=headers[role], **({"json": body} if body else {}))

    return ask


def complain(till: Till, payment: Payment | str, **said: Any) -> str:
    number = payment if isinstance(payment, str) else payment.number
    made = till.simulator.sim("complaints", out_trade_no=number, phone=PHONE, **said)
    return str(made["complaint_id"])


def said(till: Till, complaint_no: str) -> list[tuple[str, str]]:
    """What WeChat Pay has of a complaint."""
    told = requests.get(f"{till.simulator.url}/_sim/complaints", timeout=10).json()["complaints"]
    (found,) = [one for one in told if one["complaint_id"] == complaint_no]
    return [(word["operate_type"], word["operate_details"]) for word in found["said"]]


def answers(till: Till, complaint_no: str) -> list[str]:
    return [content for kind, content in said(till, complaint_no) if kind == "MERCHANT_RESPONSE"]


def heard(till: Till, complaint_no: str, *, state: str | None = None) -> Complaint:
    """The complaint as it stands here, once its notice has come and was worked off."""

    def look() -> Complaint | None:
        till.due()
        with db.unit_of_work(till.mall):
            found = session.scalars(select(Complaint).where(Complaint.gateway_no == complaint_no)).one_or_none()
        return found if found is not None and (found.state == state if state else found.refreshed_at is not None) else None

    return until(look, 10)


def listed(till: Till, days: int = 2) -> int:
    with db.unit_of_work(till.mall):
        return service.read_complaint_lists(timedelta(days=days))


def count(mall: int, table: type) -> int:
    with db.unit_of_work(mall):
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


def only(till: Till) -> Complaint:
    with db.unit_of_work(till.mall):
        return session.scalars(select(Complaint)).one()


def only_of(till: Till, complaint_no: str) -> Complaint:
    with db.unit_of_work(till.mall):
        return session.scalars(select(Complaint).where(Complaint.gateway_no == complaint_no)).one()


def drop_notices(till: Till, times: int = 100) -> None:
    till.simulator.sim("troubles", kind="drop", times=times)


def read(till: Till, complaint: Complaint) -> Complaint:
    with db.unit_of_work(till.mall):
        return service.read_complaint(complaint.id)


def letter(till: Till, complaint_no: str, **changed: Any) -> letters.Letter:
    """A notice of a complaint, written by us with the simulator's own key."""
    content = {"complaint_id": complaint_no, "action_type": "CREATE_COMPLAINT"}
    anything = Payment(id=1, number="P", amount_fen=1)
    return letters.wechat(till, anything, content=content, event="COMPLAINT.CREATE", **changed)


def test_a_notice_becomes_a_complaint_with_its_payment(counter, told) -> None:
    payment = counter.paid()
    found = heard(counter, complain(counter, payment, text="面里有异物", problem_type="REFUND", apply_refund_amount=500))
    assert (found.state, found.payment_id, found.order_id, found.amount_fen) == ("pending", payment.id, payment.order_id, 1280)
    assert (found.detail, found.problem_type, found.refund_wanted_fen, found.times) == ("面里有异物", "REFUND", 500, 1)
    assert found.due_at == found.opened_at + timedelta(hours=24)
    with db.unit_of_work(counter.mall):
        (notice,) = [one for one in service.notices().items if one.event.startswith("COMPLAINT")]
    assert (notice.state, notice.event, told.paid) == ("handled", "COMPLAINT.CREATE", [payment.number])


def test_the_phone_is_sealed_at_rest_and_masked(counter, settings, desk) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    (row,) = owner_rows(settings, "SELECT phone_sealed, row_to_json(c)::text FROM complaints c")
    assert "13800138000" not in row[1] and b"13800138000" not in bytes(row[0])
    shown = desk("get", f"/complaints/{found.id}").json["complaint"]
    assert shown["phone"] == "138****8000"


def test_the_same_notice_ten_times_is_one_complaint(counter, mailbox) -> None:
    made = complain(counter, counter.placed())
    heard(counter, made)
    told = requests.get(f"{counter.simulator.url}/_sim/notices", timeout=10).json()["notices"]
    (first,) = [one for one in told if one["content"].get("complaint_id") == made]
    mailbox.answers.clear()
    counter.simulator.sim(f"notices/{first['id']}/again", copies=10)
    until(lambda: mailbox.answers.count(204) >= 10, 20)
    counter.due()
    assert (count(counter.mall, Complaint), count(counter.mall, Notice)) == (1, 1)


def test_ten_notices_at_once_are_one_complaint(counter, mailbox) -> None:
    """Ten different notices of one complaint, taken in and handled by threads: each its own transaction."""
    drop_notices(counter)
    made = complain(counter, counter.placed())
    path = counter.path()

    def deliver(_: int) -> int:
        headers, body = letter(counter, made, id=str(uuid.uuid4()))
        return mailbox.post(path, body, headers).status_code

    with ThreadPoolExecutor(5) as pool:
        assert set(pool.map(deliver, range(10))) == {204}
        with db.unit_of_work(counter.mall):
            ids = list(session.scalars(select(Notice.id)))
        assert len(ids) == 10
        handled = list(pool.map(lambda one: db.in_mall(counter.mall, lambda: service.handle(one).state), ids))
    assert set(handled) == {"handled"}
    counter.due()
    assert only(counter).state == "pending"


@pytest.mark.parametrize("change", ["key", "one bit", "sealed for another", "old"])
def test_an_altered_notice_is_refused(counter, mailbox, change) -> None:
    changes: dict[str, dict[str, Any]] = {
        "key": {"key": letters.stranger()},
        "one bit": {"touch": lambda body: body[:40] + bytes([body[40] ^ 1]) + body[41:]},
        "sealed for another": {"v3_key": "b" * 32},
        "old": {"timestamp": -301},
    }
    headers, body = letter(counter, "2000001", **changes[change])
    assert mailbox.post(counter.path(), body, headers).status_code == 401
    counter.due()
    assert (count(counter.mall, Complaint), count(counter.mall, NoticeRefusal)) == (0, 1)


def test_a_complaint_notice_without_a_number_is_refused(counter, mailbox) -> None:
    headers, body = letter(counter, "")
    assert mailbox.post(counter.path(), body, headers).status_code == 401
    assert count(counter.mall, Notice) == 0


def test_an_unknown_event_stays_what_it_was(counter, mailbox) -> None:
    headers, body = letters.wechat(counter, Payment(id=1, number="P", amount_fen=1), event="SOMETHING.ELSE")
    assert mailbox.post(counter.path(), body, headers).status_code == 204
    counter.due()
    with db.unit_of_work(counter.mall):
        (notice,) = service.notices().items
    assert (notice.state, notice.trouble) == ("refused", "unknown-event")


def test_a_lost_notice_is_found_by_the_list(counter) -> None:
    drop_notices(counter)
    payment = counter.paid()
    made = complain(counter, payment)
    counter.due()
    assert count(counter.mall, Complaint) == 0
    assert listed(counter) >= 1
    with db.unit_of_work(counter.mall):
        found = session.scalars(select(Complaint).where(Complaint.gateway_no == made)).one()
    assert (found.state, found.payment_id) == ("pending", payment.id)
    listed(counter)
    with db.unit_of_work(counter.mall):
        assert session.scalar(select(func.count()).select_from(Complaint).where(Complaint.gateway_no == made)) == 1


def test_the_list_is_read_to_its_end_page_by_page(counter, monkeypatch) -> None:
    drop_notices(counter, 200)
    made = {complain(counter, f"LIST{secrets.token_hex(8)}", amount=100) for _ in range(53)}
    db.in_mall(counter.mall, jobs.list_complaints.run)
    with db.unit_of_work(counter.mall):
        assert made <= set(session.scalars(select(Complaint.gateway_no)))


def test_a_list_that_is_refused_loses_nothing(counter) -> None:
    drop_notices(counter)
    made = complain(counter, counter.placed())
    counter.simulator.sim("faults", kind="refuse", path="/v3/merchant-service/complaints-v2", method="GET", status=403, code="NO_AUTH")
    assert listed(counter) == 0
    assert listed(counter) >= 1
    assert heard(counter, made).state == "pending"


def test_a_complaint_before_its_payment_is_known_finds_it_later(counter) -> None:
    number = f"P{datetime.now(UTC):%y%m%d%H%M%S}{secrets.token_hex(6).upper()}0"
    found = heard(counter, complain(counter, number, amount=1280))
    assert (found.state, found.payment_id, found.payment_number) == ("pending", None, number)
    payment = counter.intend()
    counter.set(payment, number=number)
    assert read(counter, found).payment_id == payment.id


def test_a_payment_of_another_merchant_number_is_not_ours(counter, wechat) -> None:
    with db.unit_of_work(counter.mall):
        other = add_account(wechat, merchant_no="1900000777", app_id="wx7")
    payment = counter.intend()
    counter.set(payment, account_id=other.id)
    found = heard(counter, complain(counter, payment.number, amount=1))
    assert (found.payment_id, found.payment_number) == (None, payment.number)


def test_what_wechat_pay_does_not_describe_is_asked_about_again_until_it_ends(counter) -> None:
    counter.simulator.sim("faults", kind="refuse", path="/v3/merchant-service/complaints-v2", method="GET", status=500, times=100)
    made = complain(counter, counter.placed())
    found = heard(counter, made, state="heard")
    asked = [read(counter, found) for _ in range(len(polling.READINGS) + 1)]
    assert [one.next_ask_at is None for one in asked][-2:] == [True, True] and asked[0].next_ask_at is not None
    assert (asked[-1].state, asked[-1].trouble) == ("heard", "system-error")
    counter.simulator.heal()
    listed(counter)
    assert heard(counter, made).state == "pending"


def test_a_reading_that_began_earlier_does_not_undo_a_later_one(counter) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    with db.unit_of_work(counter.mall):
        old = complaint_intake.desk_of(service.account(counter.account_id)).complaint(found.gateway_no)
    began = clock.now()
    with db.unit_of_work(counter.mall):
        service.answer_complaint(found.id, 1, "您好", by="小王")
    with db.unit_of_work(counter.mall):
        complaint_intake.apply_status(complaint_intake.hold(found.id), old, began=began)
    assert only(counter).state == "processing"


def test_where_wechat_pay_does_not_say_whom_it_is_against_it_is_who_heard_of_it(counter) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    with db.unit_of_work(counter.mall):
        desk = complaint_intake.desk_of(service.account(counter.account_id))
        complaint_intake.apply_status(
            complaint_intake.hold(found.id), replace(desk.complaint(found.gateway_no), accused_no=""), began=clock.now()
        )
    with db.unit_of_work(counter.mall):
        assert service.answer_complaint(found.id, 1, "您好", by="小王").state == "sent"


def test_markup_and_ten_thousand_characters_are_text_that_is_cut(counter, desk) -> None:
    nasty = "<script>alert(1)</script>\0\x1b[31m'; DROP TABLE complaints; --" + "字" * 10_000
    found = heard(counter, complain(counter, counter.placed(), text=nasty))
    assert len(found.detail) == 1000 and found.detail.startswith("<script>alert(1)</script>[31m'; DROP") and found.detail.endswith("…")
    shown = desk("get", f"/complaints/{found.id}")
    assert shown.json["complaint"]["detail"] == found.detail and shown.mimetype == "application/json"
    where = f"/complaints/{found.id}/answers/1"
    for wrong in ("字" * 201, "字" * 10_000, "", "   \n", "a\0b"):
        refused = desk("put", where, content=wrong)
        assert refused.status_code == 422, wrong[:10]
    kept = '<b>已退款</b> & "好" ' + "字" * 170
    assert desk("put", where, content=kept).json["state"] == "sent"
    assert answers(counter, found.gateway_no) == [kept]


def test_an_answer_goes_to_wechat_and_a_settled_complaint_is_closed(counter, desk, settings) -> None:
    found = heard(counter, complain(counter, counter.paid()))
    refused = desk("put", f"/complaints/{found.id}/completions/1")
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/complaint-not-answered")
    answered = desk("put", f"/complaints/{found.id}/answers/1", content="已为您退款")
    assert (answered.status_code, answered.json["state"], answered.json["seq"]) == (200, "sent", 1)
    shown = desk("get", f"/complaints/{found.id}").json["complaint"]
    assert (shown["state"], shown["waits_since_at"], shown["next_reply"]) == ("processing", None, 2)
    assert datetime.fromisoformat(shown["due_at"]) == found.opened_at + timedelta(hours=72)
    assert desk("put", f"/complaints/{found.id}/completions/2").json["state"] == "sent"
    assert [kind for kind, _ in said(counter, found.gateway_no)][1:] == ["MERCHANT_RESPONSE", "MERCHANT_CONFIRM_COMPLETE"]
    history = desk("get", f"/complaints/{found.id}").json
    assert (history["complaint"]["state"], history["complaint"]["due_at"]) == ("processed", None)
    assert [step["to_state"] for step in history["moves"]] == ["pending", "processing", "processed"]
    assert history["payment"]["payment"]["id"] == found.payment_id
    over = desk("put", f"/complaints/{found.id}/answers/3", content="再见")
    assert (over.status_code, over.json["type"]) == (409, "/problems/complaint-over")
    deeds = owner_rows(settings, "SELECT did FROM audit_entries WHERE subject_type = 'complaint' ORDER BY id")
    assert deeds == [("complaint answered",), ("complaint completed",)]


def test_an_answer_tapped_twice_is_said_once(counter, desk) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    for _ in range(3):
        assert desk("put", f"/complaints/{found.id}/answers/1", content="您好").status_code == 200
    assert answers(counter, found.gateway_no) == ["您好"]
    other = desk("put", f"/complaints/{found.id}/answers/1", content="别的话")
    assert (other.status_code, other.json["type"], other.json["next_reply"]) == (409, "/problems/complaint-moved-on", 2)


@pytest.mark.parametrize("texts", [("您好，甲", "您好，乙"), ("您好", "您好")])
def test_an_answer_raced_by_two_clerks_goes_once(counter, texts) -> None:
    for _ in range(5):
        found = heard(counter, complain(counter, counter.placed()))

        def tap(nth: int, complaint_id: int = found.id) -> str:
            try:
                with db.unit_of_work(counter.mall):
                    return service.answer_complaint(complaint_id, 1, texts[nth % 2], by=f"staff {nth}").content
            except errors.ComplaintMovedOn:
                return "moved on"

        with ThreadPoolExecutor(4) as pool:
            ends = list(pool.map(tap, range(4)))
        (went,) = answers(counter, found.gateway_no)
        assert set(ends) <= {went, "moved on"} and went in ends
        with db.unit_of_work(counter.mall):
            (kept,) = session.scalars(select(ComplaintReply).where(ComplaintReply.complaint_id == found.id))
        assert (kept.content, kept.state) == (went, "sent")


@pytest.mark.parametrize("kind", ["silent", "reset"])
def test_an_answer_whose_receipt_was_lost_is_not_said_again(counter, kind) -> None:
    """WeChat Pay took it and the line broke: it is asked whether it has it before anything is sent again."""
    found = heard(counter, complain(counter, counter.placed()))
    counter.simulator.sim("faults", kind=kind, path=f"/v3/merchant-service/complaints-v2/{found.gateway_no}/response", method="POST")
    with db.unit_of_work(counter.mall):
        reply = service.answer_complaint(found.id, 1, "您好", by="小王")
    assert (reply.state, reply.trouble is not None, answers(counter, found.gateway_no)) == ("planned", True, ["您好"])
    with db.unit_of_work(counter.mall), pytest.raises(errors.ComplaintReplyOnItsWay):
        service.answer_complaint(found.id, 2, "第二句", by="小王")
    with at(clock.now() + polling.UNDER_WAY + timedelta(seconds=1)), db.unit_of_work(counter.mall):
        assert service.pursue_reply(reply.id).state == "sent"
    assert answers(counter, found.gateway_no) == ["您好"]


def test_an_answer_that_never_arrived_is_sent_by_the_job(counter) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    counter.simulator.sim("faults", kind="refuse", path="/v3/merchant-service", method="POST", status=500, code="SYSTEM_ERROR")
    with db.unit_of_work(counter.mall):
        reply = service.answer_complaint(found.id, 1, "您好", by="小王")
    assert (reply.state, answers(counter, found.gateway_no)) == ("planned", [])
    with at(clock.now() + timedelta(seconds=40)):
        counter.due()
    assert answers(counter, found.gateway_no) == ["您好"]
    assert only(counter).state == "processing"


def test_a_reply_that_nobody_confirms_waits_for_a_person(counter) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    counter.simulator.sim("faults", kind="refuse", path="/v3/merchant-service", status=500, code="SYSTEM_ERROR", times=100)
    with db.unit_of_work(counter.mall):
        reply = service.answer_complaint(found.id, 1, "您好", by="小王")
    now = clock.now()
    for hours in range(1, 2 + len(polling.REPLIES)):
        with at(now + timedelta(hours=hours)), db.unit_of_work(counter.mall):
            reply = service.pursue_reply(reply.id)
    assert (reply.state, reply.next_ask_at) == ("stuck", None)
    counter.simulator.heal()
    with db.unit_of_work(counter.mall):
        assert service.answer_complaint(found.id, 2, "您好，再答", by="小王").state == "sent"


def test_what_wechat_refuses_is_shown_and_the_complaint_read_again(counter, desk) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    drop_notices(counter)
    with db.unit_of_work(counter.mall):
        books = complaint_intake.desk_of(service.account(counter.account_id))
        books.answer(found.gateway_no, found.accused_no, "在商户平台上答的")
        books.complete(found.gateway_no, found.accused_no)
    refused = desk("put", f"/complaints/{found.id}/answers/1", content="您好")
    assert (refused.status_code, refused.json["state"], refused.json["trouble"]) == (200, "refused", "invalid-request")
    counter.due()
    assert only(counter).state == "processed"


def test_a_payer_who_goes_on_starts_the_clock_again(counter, desk) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    desk("put", f"/complaints/{found.id}/answers/1", content="您好")
    desk("put", f"/complaints/{found.id}/completions/2")
    counter.simulator.sim(f"complaints/{found.gateway_no}/continue", text="没有解决")
    again = heard(counter, found.gateway_no, state="pending")
    assert (again.times, again.completed_at) == (2, None)
    assert again.raised_at > found.opened_at and again.due_at == again.raised_at + timedelta(hours=24)
    assert desk("put", f"/complaints/{found.id}/answers/3", content="马上处理").json["state"] == "sent"


def test_what_was_said_is_read_and_shown_cut_and_as_text(counter, desk) -> None:
    found = heard(counter, complain(counter, counter.placed(), text="面里有异物"))
    desk("put", f"/complaints/{found.id}/answers/1", content="您好")
    counter.simulator.sim(f"complaints/{found.gateway_no}/words", text="<script>x</script>\0" + "字" * 10_000)
    until(lambda: counter.due() or only(counter).payer_waits, 10)
    words = desk("get", f"/complaints/{found.id}").json["words"]
    assert [word["speaker"] for word in words] == ["payer", "merchant", "payer"]
    assert [word["content"] for word in words[:2]] == ["面里有异物", "您好"]
    assert words[2]["content"].startswith("<script>x</script>字") and len(words[2]["content"]) == 500


def test_a_word_whose_notice_was_lost_is_found_by_the_list(counter) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    drop_notices(counter)
    counter.simulator.sim(f"complaints/{found.gateway_no}/words", text="请回电")
    listed(counter)
    with db.unit_of_work(counter.mall):
        assert session.get_one(Complaint, found.id).payer_waits
    counter.due()
    with db.unit_of_work(counter.mall):
        assert session.get_one(Complaint, found.id).words[-1]["content"] == "请回电"


def test_a_history_that_is_refused_leaves_what_can_be_read(counter) -> None:
    drop_notices(counter)
    made = complain(counter, counter.placed())
    path = f"/v3/merchant-service/complaints-v2/{made}/negotiation-historys"
    counter.simulator.sim("faults", kind="refuse", path=path, status=403, code="NO_AUTH", times=5)
    listed(counter)
    found = heard(counter, made)
    read(counter, found)
    counter.simulator.heal()
    assert (only_of(counter, made).state, only_of(counter, made).words) == ("pending", [])
    assert [word["speaker"] for word in read(counter, found).words] == ["payer"]


def test_a_word_of_the_payer_waits_for_an_answer(counter, desk) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    desk("put", f"/complaints/{found.id}/answers/1", content="您好")
    counter.simulator.sim(f"complaints/{found.gateway_no}/words", text="请回电")
    until(lambda: counter.due() or only(counter).payer_waits, 10)
    waits = only(counter)
    assert waits.due_at == waits.waits_since_at + timedelta(hours=24)
    desk("put", f"/complaints/{found.id}/answers/2", content="好的")
    counter.due()
    assert (only(counter).payer_waits, only(counter).waits_since_at) == (False, None)


def test_open_ones_come_first_and_of_them_the_first_due(counter, desk, inside_shop) -> None:
    made = [heard(counter, complain(counter, counter.placed())) for _ in range(3)]
    with db.unit_of_work(counter.mall):
        for nth, found in enumerate(made):
            earlier = clock.now() - timedelta(hours=nth)
            complaint_intake.move(
                complaint_intake.hold(found.id), ComplaintState.PENDING, by="test", raised_at=earlier, waits_since_at=earlier
            )
        complaint_intake.move(complaint_intake.hold(made[2].id), ComplaintState.PROCESSED, by="test", completed_at=clock.now())
    ids, cursor = [], ""
    for _ in range(3):
        page = desk("get", f"/complaints?limit=1{cursor}").json
        ids += [row["id"] for row in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert ids == [made[1].id, made[0].id, made[2].id]
    assert [row["id"] for row in desk("get", "/complaints?state=processed").json["items"]] == [made[2].id]
    assert [row["id"] for row in desk("get", f"/complaints?number={made[0].gateway_no}").json["items"]] == [made[0].id]
    assert desk("get", f"/complaints?shop_id={inside_shop}").json["items"] == []
    hooks.shop_of[:] = [lambda payment: inside_shop]
    fresh = heard(counter, complain(counter, counter.placed()))
    assert [row["id"] for row in desk("get", f"/complaints?shop_id={inside_shop}").json["items"]] == [fresh.id]


@pytest.fixture
def inside_shop(mall) -> Iterator[int]:
    kept = list(hooks.shop_of)
    with db.unit_of_work(mall):
        shop_id = make_shop().id
    yield shop_id
    hooks.shop_of[:] = kept


def test_a_provider_keeps_nothing_of_another_malls_merchant(wechat, mall, settings) -> None:
    """A service provider is told of every merchant that it serves: those of other malls leave no word here."""
    wechat.sim("merchants", mchid=wechat_number(), subs=["1900000209", "1900000309"])
    with db.unit_of_work(mall):
        account = add_account(wechat, mode="partner", sub_merchant_no="1900000209")
    till = Till(mall, wechat, settings, account.id)
    with db.unit_of_work(mall):
        service.direct_notices_here(account.id, by="test")
    foreign = heard(till, complain(till, "FOREIGN1", amount=100, sub_mchid="1900000309", text="别家的秘密"))
    own = heard(till, complain(till, "OWNSUB01", amount=100, sub_mchid="1900000209"))
    assert (foreign.state, foreign.detail, foreign.phone_sealed) == ("foreign", "", None)
    assert (own.state, own.accused_no) == ("pending", "1900000209")
    with db.unit_of_work(mall):
        assert [one.id for one in service.complaints().items] == [own.id]
        assert service.answer_complaint(own.id, 1, "您好", by="小王").state == "sent"
        complaint_intake.desk_of(service.account(account.id))._books().send_no_notices()


def wechat_number() -> str:
    from tests.payments.conftest import DEMO

    return DEMO["wechat"]["merchant_no"]


def test_another_mall_does_not_see_it(counter, client) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    with db.unit_of_work():
        other = make_mall().id
    with db.unit_of_work(other):
        headers = bearer("staff", make_staff("administrator").id, other)
    assert client.get("/v1/office/complaints", headers=headers).json["items"] == []
    assert client.get(f"/v1/office/complaints/{found.id}", headers=headers).status_code == 404
    assert client.put(f"/v1/office/complaints/{found.id}/answers/1", headers=headers, json={"content": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("verb", "path", "role"),
    [
        ("get", "/complaints", "marketer"),
        ("get", "/complaints/1", "reviewer"),
        ("put", "/complaints/1/answers/1", "finance"),
        ("put", "/complaints/1/completions/1", "finance"),
    ],
)
def test_each_act_needs_its_permission(desk, verb, path, role) -> None:
    assert desk(verb, path, role=role, **({"content": "您好"} if verb == "put" else {})).status_code == 403


def test_what_is_unread_is_not_answered(counter, desk) -> None:
    counter.simulator.sim("faults", kind="refuse", path="/v3/merchant-service/complaints-v2", method="GET", status=500, times=50)
    found = heard(counter, complain(counter, counter.placed()), state="heard")
    refused = desk("put", f"/complaints/{found.id}/answers/1", content="您好")
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/complaint-unread")


def test_what_lost_its_job_is_found_by_the_sweep(counter, settings) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    counter.simulator.sim("faults", kind="refuse", path="/v3/merchant-service", method="POST", status=500, code="SYSTEM_ERROR")
    with db.unit_of_work(counter.mall):
        reply = service.answer_complaint(found.id, 1, "您好", by="小王")
    owner_rows(settings, "DELETE FROM procrastinate_jobs RETURNING id")
    with db.unit_of_work(counter.mall):
        for model, row_id in ((Complaint, found.id), (ComplaintReply, reply.id)):
            session.get_one(model, row_id).next_ask_at = clock.now() - timedelta(minutes=2)
        session.get_one(ComplaintReply, reply.id).tried_at = clock.now() - timedelta(minutes=2)
    assert db.in_mall(counter.mall, service.sweep) == 2
    counter.due()
    assert answers(counter, found.gateway_no) == ["您好"]


def test_phones_of_what_is_settled_long_since_go(counter) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    with db.unit_of_work(counter.mall):
        complaint_intake.move(
            complaint_intake.hold(found.id), ComplaintState.PROCESSED, by="test", completed_at=clock.now() - timedelta(days=181)
        )
    db.in_mall(counter.mall, jobs.forget_complaint_phones.run)
    assert only(counter).phone is None


def test_an_operator_asks_for_the_notices(app, wechat_till) -> None:
    code = wechat_till.path().split("/")[3]
    told = app.test_cli_runner().invoke(args=["payments", "hear-complaints", code, str(wechat_till.account_id)])
    assert told.exit_code == 0, told.output
    urls = requests.get(f"{wechat_till.simulator.url}/_sim/complaints", timeout=10).json()["urls"]
    assert urls[wechat_number()].endswith(wechat_till.path())
    with db.unit_of_work(wechat_till.mall):
        complaint_intake.desk_of(service.account(wechat_till.account_id))._books().send_no_notices()


def test_alipays_complaints_are_not_connected(alipay_till) -> None:
    with db.unit_of_work(alipay_till.mall), pytest.raises(errors.MerchantAccountWrong):
        service.direct_notices_here(alipay_till.account_id, by="test")


def test_a_notice_of_a_complaint_is_kept_within_fifteen_statements(counter, mailbox, statements, figure) -> None:
    headers, body = letter(counter, "2000002")
    mailbox.post(counter.path(), *reversed((headers, body)))
    headers, body = letter(counter, "2000003")
    with statements() as seen:
        assert mailbox.post(counter.path(), body, headers).status_code == 204
    figure(f"{len(seen)} statements from notice to commit, at most 15")
    assert 0 < len(seen) <= 15, seen


def test_the_database_itself_refuses_two_replies_under_way(counter) -> None:
    found = heard(counter, complain(counter, counter.placed()))
    from sqlalchemy.exc import IntegrityError

    with pytest.raises(IntegrityError), db.unit_of_work(counter.mall):
        for seq in (1, 2):
            session.add(
                ComplaintReply(
                    state="planned", complaint_id=found.id, seq=seq, kind="answer", content="x", made_by="x", made_at=clock.now()
                )
            )
        session.flush()
