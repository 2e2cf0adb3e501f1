"""The office: payments with their whole history, the inbox, refunds, merchant accounts; each by its permission, each act written down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.kit import clock, db
from api.kit.db import session
from api.payments import jobs, service
from api.payments.models import MerchantKey, NoticeRefusal
from tests.conftest import owner_rows
from tests.payments.conftest import DEMO, key_files
from tests.processes import until
from tests.second_person import approved


def test_a_payment_shows_everything_that_happened_to_it(till, told, desk) -> None:
    payment = till.placed()
    till.simulator.pay(payment)
    until(lambda: till.due() or till.read(payment).state == "paid", 10)
    till.give_back(payment, 300)
    until(lambda: till.due(ahead=6) or till.read(payment).refunded_fen == 300, 10)
    listed = desk("get", f"/payments?number={payment.number}", role="finance")
    assert [row["id"] for row in listed.json["items"]] == [payment.id]
    shown = desk("get", f"/payments/{payment.id}", role="finance").json
    assert [move["to_state"] for move in shown["moves"]] == ["placed", "paid"]
    assert shown["notices"][0]["state"] == "handled" and shown["refunds"][0]["amount_fen"] == 300
    payer = till.simulator.payer("li-lei")
    assert payer not in str(shown) and payer not in desk("get", "/payment-notices", role="finance").get_data(as_text=True)


def test_staff_ask_now_and_it_is_written_down(till, told, desk, settings) -> None:
    payment = till.placed()
    till.simulator.pay(payment, notify=False)
    answer = desk("post", f"/payments/{payment.id}/questions", role="service_desk")
    assert (answer.status_code, answer.json["state"]) == (200, "paid")
    deeds = owner_rows(settings, "SELECT did, after FROM audit_entries WHERE subject_type = 'payment'")
    assert deeds == [("payment asked about", {"state": "paid"})]


@pytest.mark.parametrize(
    ("verb", "path", "role"),
    [
        ("get", "/payments", "marketer"),
        ("get", "/payment-notices", "service_desk"),
        ("post", "/payment-notices/1/runs", "service_desk"),
        ("post", "/payment-refunds/1/sendings", "service_desk"),
        ("put", "/payment-refunds/1/drop", "administrator"),
        ("post", "/merchants", "finance"),
        ("get", "/merchants", "reviewer"),
    ],
)
def test_each_act_needs_its_permission(desk, verb, path, role) -> None:
    assert desk(verb, path, role=role).status_code == 403


def test_a_merchant_account_is_added_changed_and_given_keys_over_http(desk, client, wechat, mall) -> None:
    made = desk("post", "/merchants", channel="wechat", name="总部", **DEMO["wechat"])
    assert approved(client, mall, made).status_code == 200
    where = f"/merchants/{desk('get', '/merchants').json['items'][0]['id']}"
    for kind, file, more in key_files(wechat):
        added = desk("post", f"{where}/keys", kind=kind, text=(wechat.keys / file).read_text(), **more)
        assert added.json["asked"]["text"] == "••••", added.json
        assert approved(client, mall, added).status_code == 200
    changed = desk("patch", where, name="总部一号", why="改名")
    assert (changed.json["name"], changed.json["version"]) == ("总部一号", 6)
    wrong = desk("post", f"{where}/keys", kind="own_key", text="nonsense")
    assert (wrong.status_code, wrong.json["type"]) == (422, "/problems/merchant-key-wrong")


def test_a_key_that_ends_soon_is_listed_until_it_has_a_successor(wechat_till, desk) -> None:
    with db.unit_of_work(wechat_till.mall):
        (key,) = [key for key in service.keys(wechat_till.account_id).items if key.kind == "notice_key"]
        session.get_one(MerchantKey, key.id).ends_at = clock.now() + timedelta(days=10)
    listed = desk("get", "/merchants/expiring-keys", role="finance").json["items"]
    assert [row["kind"] for row in listed] == ["notice_key"]
    with db.unit_of_work(wechat_till.mall):
        assert service.warn_of_expiring() == 1
    with db.unit_of_work(wechat_till.mall):
        assert session.get_one(MerchantKey, key.id).warned_at is not None
        service.add_key(wechat_till.account_id, kind="notice_key", text="a" * 32, by="test")
    assert desk("get", "/merchants/expiring-keys", role="finance").json["items"] == []


def test_a_stuck_refund_is_dropped_by_another_person_than_who_asked(wechat_till, told, desk) -> None:
    payment = wechat_till.paid()
    where = DEMO["wechat"]["merchant_no"]
    wechat_till.simulator.sim("merchants", mchid=where, can_refund=False)
    refund = wechat_till.give_back(payment, 500)
    wechat_till.due()
    wechat_till.simulator.sim("merchants", mchid=where, can_refund=True)
    dropped = desk("put", f"/payment-refunds/{refund.id}/drop", role="finance", why="现金退还")
    assert (dropped.status_code, dropped.json["state"]) == (200, "dropped")
    assert (wechat_till.read(payment).refunding_fen, told.refunds) == (0, [f"{refund.number} dropped"])


def test_a_refused_notice_is_run_again_by_staff(till, told, desk) -> None:
    payment = till.placed()
    till.simulator.sim("troubles", kind="wrong", what="amount")
    till.simulator.pay(payment)
    until(lambda: till.simulator.letters(payment.number) and till.due(), 10)
    (refused,) = desk("get", "/payment-notices?state=refused").json["items"]
    assert refused["trouble"] == "wrong-amount"
    assert desk("post", f"/payment-notices/{refused['id']}/runs").status_code == 202
    till.due()
    assert desk("get", f"/payment-notices/{refused['id']}").json["state"] == "refused"
    assert till.read(payment).state == "placed"


def test_what_has_no_answer_and_no_job_is_found_by_the_sweep(till, told, settings) -> None:
    payment = till.placed()
    till.simulator.pay(payment, notify=False)
    owner_rows(settings, "DELETE FROM procrastinate_jobs RETURNING id")
    till.set(payment, next_ask_at=clock.now() - timedelta(minutes=2))
    db.in_mall(till.mall, jobs.sweep.run)
    assert db.in_mall(till.mall, service.sweep) == 0
    assert (till.due(), till.read(payment).state) == (1, "paid")


def test_old_lines_of_refusals_go(mall, app) -> None:
    with db.unit_of_work(mall):
        for days in (1, 200):
            at = clock.now() - timedelta(days=days)
            session.add(NoticeRefusal(channel="wechat", reason="x", body_bytes=1, digest="x", at=at))
        session.flush()
        assert service.forget_refusals() == 1


def test_an_operator_asks_lists_and_adds_from_the_command_line(app, wechat_till, told) -> None:
    runner, code = app.test_cli_runner(), wechat_till.path().split("/")[3]
    payment = wechat_till.placed()
    listed = runner.invoke(args=["payments", "unanswered"])
    assert (listed.exit_code, payment.number in listed.output) == (1, True)
    wechat_till.simulator.pay(payment, notify=False)
    asked = runner.invoke(args=["payments", "ask", code, payment.number])
    assert asked.output.strip() == f"{payment.number}: paid"
    assert runner.invoke(args=["payments", "unanswered"]).exit_code == 0
    keys = wechat_till.simulator.keys
    added = runner.invoke(
        args=[
            "payments", "add-merchant", code, "wechat", "--name", "二号", "--merchant-no", "1900000301", "--app-id", "wx1",
            "--own-key", str(keys / "merchant_key.pem"), "--own-certificate", str(keys / "merchant_cert.pem"),
            "--trusted-key", str(keys / "wechatpay_public_key.pem"), "--trusted-key-id", "PUB_KEY_ID_1",
            "--notice-key", str(keys / "api_v3_key.txt"),
        ]
    )  # fmt: skip
    assert added.exit_code == 0 and "with 3 keys" in added.output, added.output
    refused = runner.invoke(
        args=["payments", "add-merchant", code, "wechat", "--name", "x", "--merchant-no", "2", "--app-id", "wx1", "--own-key", __file__]
    )
    assert refused.exit_code == 1 and "own_key" not in refused.output
