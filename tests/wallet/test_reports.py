"""卡余额平衡报表: opening + in − out = closing; what does not agree is named, and the command exits 1."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from api.kit import clock, db, jobs
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.models import Account
from api.ledger.service import Asset, Entry, Owner
from api.wallet import jobs as wallet_jobs
from api.wallet import service as wallet
from api.wallet.models import BonusGrant
from api.wallet.service import balance_report
from tests.factories import make_member, make_shop
from tests.points.conftest import travel
from tests.wallet.conftest import Holder

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


def at(day: date, hours: float) -> None:
    travel(clock.midnight(day, "Asia/Shanghai") + timedelta(hours=hours))


def two_days(holder: Holder) -> None:
    """¥100 + ¥10 on Monday, ¥30 of it used, ¥5 given back on Tuesday, when the wallet is recharged again."""
    at(MONDAY, 10)
    holder.recharges(10_000, 1_000)
    order_id = holder.pays(3_000)
    at(TUESDAY, 23.99)
    wallet.put_back([wallet.Drawn(holder.card_id, 500, 0)], cause_type="order_refund", cause_id=1, of_id=order_id)
    holder.recharges(2_000)


def test_a_day_opens_with_what_the_day_before_closed_with(holder: Holder) -> None:
    two_days(holder)
    monday, tuesday = balance_report.record_report(MONDAY), balance_report.record_report(TUESDAY)
    assert monday.agrees and tuesday.agrees
    assert monday.totals["card principal_fen"] == {"opening_fen": 0, "in_fen": 10_000, "out_fen": 3_000, "closing_fen": 7_000}
    assert tuesday.totals["card principal_fen"] == {"opening_fen": 7_000, "in_fen": 2_500, "out_fen": 0, "closing_fen": 9_500}
    assert tuesday.totals["mall principal_fen"]["closing_fen"] == -9_500


def test_it_tells_each_card_each_shop_and_each_cause(holder: Holder) -> None:
    two_days(holder)
    found = balance_report.record_report(MONDAY)
    report = balance_report.reports().items[0]
    (line,) = balance_report.lines(report.id).items
    assert (line.card_id, line.principal_in_fen, line.principal_out_fen, line.bonus_closing_fen) == (holder.card_id, 10_000, 3_000, 1_000)
    assert [(row["shop_id"], row["principal_out_fen"]) for row in found.by_shop] == [(holder.shop_id, 3_000)]
    assert {row["cause"] for row in found.by_cause} == {"recharge", "order_hold"}


def test_made_again_it_replaces_itself(holder: Holder) -> None:
    two_days(holder)
    for _ in range(2):
        balance_report.record_report(MONDAY)
    assert len(balance_report.reports().items) == 1 and len(balance_report.lines(balance_report.reports().items[0].id).items) == 1


def spoil_balance(holder: Holder) -> str:
    session.execute(
        update(Account)
        .where(Account.owner_kind == "card", Account.owner_id == holder.card_id, Account.asset == "principal_fen")
        .values(balance=Account.balance + 1)
    )
    return f"card {holder.card_id} principal_fen"


def spoil_grants(holder: Holder) -> str:
    session.execute(update(BonusGrant).values(left_fen=BonusGrant.left_fen - 1))
    return f"card {holder.card_id} bonus_fen"


def spoil_owner(holder: Holder) -> str:
    ledger.post("bad", 1, [Entry(Owner("shop", 7), Asset.PRINCIPAL_FEN, 5), Entry(Owner("mall", db.mall()), Asset.PRINCIPAL_FEN, -5)])
    return "all shops principal_fen"


@pytest.mark.parametrize("spoil", [spoil_balance, spoil_grants, spoil_owner])
def test_what_does_not_agree_is_named(app: Flask, mall: int, spoil: Any) -> None:
    with db.unit_of_work(mall):
        holder = Holder(make_member().id, make_shop().id)
        two_days(holder)
        subject = spoil(holder)
    ran = app.test_cli_runner().invoke(args=["wallet", "balance-report", TUESDAY.isoformat()])
    assert ran.exit_code == 1 and subject in ran.stderr
    with db.unit_of_work(mall):
        at(TUESDAY + timedelta(days=1), 3)
        wallet_jobs.report_balances.run()
    with pytest.raises(wallet_jobs.CardsDoNotBalance):
        wallet_jobs.raise_alarm.run("2026-03-02", 1)


def test_the_command_tells_a_day_that_agrees(app: Flask, mall: int) -> None:
    with db.unit_of_work(mall):
        two_days(Holder(make_member().id, make_shop().id))
    ran = app.test_cli_runner().invoke(args=["wallet", "balance-report", TUESDAY.isoformat()])
    told = json.loads(ran.stdout.splitlines()[-1])
    assert (ran.exit_code, told["agrees"], told["totals"]["card principal_fen"]["closing_fen"]) == (0, True, 9_500)


def test_a_day_is_told_in_a_few_statements(holder: Holder, statements: Any) -> None:
    two_days(holder)
    with statements() as seen:
        balance_report.record_report(MONDAY)
    assert len(seen) <= 20, seen
    assert jobs.JOBS["wallet.report_balances"].cron
