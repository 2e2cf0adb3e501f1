"""Notices: believed only with proof, acknowledged only when kept, done once however often they come."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests
from sqlalchemy import func, select, text

from api.kit import db
from api.kit.db import session
from api.payments import service
from api.payments.models import Notice, NoticeRefusal
from tests.conftest import owner_rows
from tests.processes import until

FORGED = {
    "wechat": {"bad_signature": 401, "probe": 401, "stale": 401, "serial": 401, "key": 401, "amount": 204, "mchid": 204, "appid": 204},
    "alipay": {"bad_signature": 401, "sign_type": 401, "amount": 200, "app_id": 200, "seller_id": 200},
}
WRONG = [(channel, what) for channel, kinds in FORGED.items() for what in kinds]


def count(mall: int, table: type) -> int:
    with db.unit_of_work(mall):
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


def delivered(till, payment) -> list[int]:
    """The statuses of every delivery of the payment's first notice, once there is one."""
    return until(lambda: [attempt["status"] for letter in till.simulator.letters(payment.number)[:1] for attempt in letter["attempts"]], 10)


def test_fifty_copies_at_once_move_it_once(till, told, mailbox) -> None:
    payment = till.placed()
    till.simulator.pay(payment)
    delivered(till, payment)
    letter = till.simulator.letters(payment.number)[0]
    till.simulator.sim(f"notices/{letter['id']}/again", copies=50)
    good = 204 if till.simulator.channel == "wechat" else 200
    until(lambda: mailbox.answers.count(good) >= 51, 30)
    assert set(mailbox.answers) <= {good, 404}  # a letter of the test before, for a mall that is gone, may still be on its way
    till.due()
    assert (told.paid, till.moves(payment)) == ([payment.number], ["placed", "paid"])
    with db.unit_of_work(till.mall):
        assert [notice.copies for notice in service.notices().items] == [51]


@pytest.mark.parametrize(("channel", "what"), WRONG)
def test_a_forged_notice_changes_nothing_and_leaves_a_line(request, channel, what, told) -> None:
    till = request.getfixturevalue(f"{channel}_till")
    payment = till.placed()
    till.simulator.sim("troubles", kind="wrong", what=what)
    till.simulator.pay(payment)
    assert delivered(till, payment)[0] == FORGED[channel][what]
    if FORGED[channel][what] >= 400:
        assert (count(till.mall, NoticeRefusal), till.read(payment).state) == (1, "placed")
        return
    # What is well signed but untrue is kept, and refused by whoever handles it.
    till.due()
    with db.unit_of_work(till.mall):
        (kept,) = service.notices().items
    assert (kept.state, kept.trouble.split("-")[0]) == ("refused", "wrong")
    assert (till.read(payment).state, told.paid) == ("placed", [])


def test_the_right_one_after_a_forged_one_is_believed(till, told) -> None:
    payment = till.placed()
    till.simulator.sim("troubles", kind="wrong", what="bad_signature")
    till.simulator.pay(payment)
    until(lambda: till.due() or till.read(payment).state == "paid", 20)
    assert told.paid == [payment.number]


def test_an_old_notice_played_again_is_done_once(wechat_till, told, mailbox) -> None:
    payment = wechat_till.placed()
    wechat_till.simulator.pay(payment)
    delivered(wechat_till, payment)
    wechat_till.due()
    letter = wechat_till.simulator.letters(payment.number)[0]
    wechat_till.simulator.sim(f"notices/{letter['id']}/again", copies=3)
    until(lambda: len(mailbox.answers) >= 4, 10)
    wechat_till.due()
    assert told.paid == [payment.number]


def test_what_is_larger_than_any_notice_is_refused(till, mailbox, figure) -> None:
    began = time.monotonic()
    answer = mailbox.post(till.path(), b"x" * 10 * 2**20)
    figure(f"10 MB refused with {answer.status_code} in {time.monotonic() - began:.2f} s")
    assert answer.status_code == 413
    assert mailbox.post(till.path(), b"x" * 100_000).status_code == 413
    with db.unit_of_work(till.mall):
        (line,) = service.refusals().items
    assert (line.body_bytes, line.reason) == (100_000, "larger than any notice")
    assert count(till.mall, Notice) == 0


def test_another_malls_account_is_not_there(till, mailbox, app) -> None:
    from tests.factories import make_mall

    with db.unit_of_work():
        other = make_mall().code
    answer = mailbox.post(till.path().replace(till.path().split("/")[3], other), b"{}")
    assert answer.status_code == 404
    assert count(till.mall, Notice) == 0


def test_a_handler_that_fails_leaves_the_notice_visible_and_it_can_be_run_again(till, told) -> None:
    from api.payments.service import hooks

    def fail(_payment: object) -> None:
        raise ZeroDivisionError("the order's own bug")

    payment = till.placed()
    till.simulator.pay(payment)
    delivered(till, payment)
    hooks.on_paid.append(fail)
    with pytest.raises(ZeroDivisionError):
        till.due()
    with db.unit_of_work(till.mall):
        (notice,) = service.notices().items
    assert (notice.state, notice.trouble, till.read(payment).state) == ("error", "ZeroDivisionError", "placed")
    hooks.on_paid.remove(fail)
    with db.unit_of_work(till.mall):
        service.rerun(notice.id, by="staff:1")
    till.due()
    assert till.read(payment).state == "paid"


def test_a_notice_is_kept_within_fifteen_statements(till, statements, mailbox, figure) -> None:
    payment = till.placed()
    till.simulator.pay(payment)
    delivered(till, payment)
    second = till.placed()
    with statements() as seen:
        till.simulator.pay(second)
        delivered(till, second)

    figure(f"{len(seen)} statements from notice to commit, at most 15")
    assert 0 < len(seen) <= 15, seen


def test_the_payment_of_a_notice_is_found_by_its_index_however_many_there_are(till, settings, mailbox) -> None:
    payment = till.placed()
    same = (
        "mall_id, channel, account_id, order_id, kind, amount_fen, description, payer_subject, made_at, expires_at, state, moves, moved_at"
    )
    numbered = f"SELECT 'P' || lpad(n::text, 25, '0'), {same} FROM payments, generate_series(1, 5000) n"
    copies = f"INSERT INTO payments (number, {same}) {numbered} RETURNING 1"
    assert len(owner_rows(settings, copies)) == 5_000
    with psycopg.connect(settings.owner_url, autocommit=True) as owner:
        owner.execute("ANALYZE payments")
    till.simulator.pay(payment)
    delivered(till, payment)
    with db.unit_of_work(till.mall):
        notice = service.handle(service.notices().items[0].id)
        read = session.execute(text("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'payments'")).scalar_one()
    assert (notice.state, till.read(payment).state, read) == ("handled", "paid", 0)


def test_many_forged_ones_are_counted_not_kept(till, mailbox) -> None:
    path = till.path()
    with requests.Session() as http, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: http.post(f"{mailbox.url}{path}", data=b"{}", timeout=20).status_code, range(80)))
    assert set(answers) == {401}
    assert 60 <= count(till.mall, NoticeRefusal) < 80 or count(till.mall, NoticeRefusal) == 80  # two minutes may share them


def test_no_line_of_the_log_carries_a_payer_a_key_or_a_body(till, told, mailbox, capfd) -> None:
    from api.kit import logs

    logs.configure("INFO")
    try:
        payment = till.placed()
        till.simulator.sim("troubles", kind="wrong", what="amount")
        till.simulator.pay(payment)
        delivered(till, payment)
        till.due()
        mailbox.post(till.path(), b"appsecret=planted-secret-0001&openid=planted-openid", {"Wechatpay-Serial": "13912345678"})
        said = capfd.readouterr().err
    finally:
        logs.configure("WARNING")
    assert "security: a notice was refused" in said and "security: a gateway describes another payment than ours" in said
    for planted in (till.simulator.payer("li-lei"), "planted-secret", "planted-openid", "13912345678", "PRIVATE KEY"):
        assert planted not in said
