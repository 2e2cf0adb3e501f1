"""`flask --app wsgi payments …`: what an operator does with payments at night."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from api.kit import db, jobs, money
from api.kit.errors import Problem
from api.malls import service as malls
from api.payments import service

group = AppGroup("payments", help="What gateways collect and give back.")
BY = "command"


@group.command("ask")
@click.argument("mall_code")
@click.argument("number")
def ask(mall_code: str, number: str) -> None:
    """Ask the gateway what became of a payment, by our number or its own."""
    try:
        with db.unit_of_work():
            db.enter(malls.id_of(mall_code))
            payments = service.payments(number=number, limit=1).items
            if not payments:
                raise click.ClickException("There is no such payment.")
            payment = service.ask(payments[0].id)
            click.echo(f"{payment.number}: {payment.state}" + (f" ({payment.trouble})" if payment.trouble else ""))
    except Problem as refusal:
        raise click.ClickException(refusal.title()) from refusal


@group.command("unanswered")
def unanswered() -> None:
    """List payments and refunds of every mall that have no final answer. Exit 1 when there is one."""
    count = 0
    for mall_id in jobs.mall_ids():
        with db.unit_of_work(mall_id):
            for line in service.unanswered():
                count += 1
                click.echo(
                    f"mall {mall_id}: {line.kind} {line.number}: {line.state} since {line.since.isoformat()} {line.trouble or ''}".rstrip()
                )
    if count:
        raise SystemExit(1)
    click.echo("Every gateway has answered.")


@group.command("match")
@click.argument("mall_code")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
def match(mall_code: str, day: datetime) -> None:
    """Compare every gateway's bill of a Beijing day with the books. Exit 1 when something differs or a bill is not to be had."""
    wrong = 0
    try:
        with db.unit_of_work():
            db.enter(malls.id_of(mall_code))
            for account_id in service.billed_accounts():
                bill = service.reconcile(account_id, day.date())
                wrong += bill.outcome in ("differs", "waiting")
                moved = f"{bill.paid_count} payments {money.yuan(bill.paid_fen)}, {bill.refund_count} refunds {money.yuan(bill.refund_fen)}"
                click.echo(f"{bill.channel} account {account_id}: {bill.outcome}: {moved} {bill.trouble or ''}".rstrip())
                for line in service.differences(bill_id=bill.id, state="open", limit=100).items:
                    click.echo(f"  {line.kind} {line.about} {line.number}: bill {line.bill_fen} ours {line.ours_fen}")
    except Problem as refusal:
        raise click.ClickException(refusal.title()) from refusal
    raise SystemExit(1 if wrong else 0)


@group.command("hear-complaints")
@click.argument("mall_code")
@click.argument("account_id", type=int)
def hear_complaints(mall_code: str, account_id: int) -> None:
    """Let WeChat Pay send the notices of complaints against a merchant account to us, instead of anywhere else."""
    try:
        with db.unit_of_work():
            db.enter(malls.id_of(mall_code))
            if (failure := service.direct_notices_here(account_id, by=BY)) is not None:
                raise click.ClickException(f"WeChat Pay did not take it: {failure.name}.")
            click.echo(f"WeChat Pay sends complaints against merchant account {account_id} here from now on.")
    except Problem as refusal:
        raise click.ClickException(refusal.title()) from refusal


@group.command("add-merchant")
@click.argument("mall_code")
@click.argument("channel", type=click.Choice(["wechat", "alipay"]))
@click.option("--name", required=True, help="as staff call it")
@click.option("--merchant-no", required=True, help="WeChat: mchid; Alipay: seller_id (2088…)")
@click.option("--app-id", required=True)
@click.option("--shop-id", type=int, help="a shop's own account; the mall's without")
@click.option("--collects", type=click.Choice(["mall", "shop"]), default="mall", show_default=True)
@click.option("--own-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="our private key, PEM")
@click.option("--own-certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="the certificate of our key, PEM")
@click.option("--trusted-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="the gateway's public key")
@click.option("--trusted-key-id", default="", help="WeChat: PUB_KEY_ID_…")
@click.option("--trusted-certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="the gateway's certificate, PEM")
@click.option("--notice-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="WeChat: a file with the API v3 key")
def add_merchant(
    mall_code: str,
    channel: str,
    name: str,
    merchant_no: str,
    app_id: str,
    shop_id: int | None,
    collects: str,
    own_key: Path,
    own_certificate: Path | None,
    trusted_key: Path | None,
    trusted_key_id: str,
    trusted_certificate: Path | None,
    notice_key: Path | None,
) -> None:
    """Add a merchant account from its key files. The keys are sealed in the database; the files are no longer needed."""
    certificate = own_certificate.read_text() if own_certificate else ""
    given = [
        ("own_key", own_key, certificate, ""),
        ("trusted_key", trusted_key, "", trusted_key_id),
        ("trusted_certificate", trusted_certificate, "", ""),
        ("notice_key", notice_key, "", ""),
    ]
    keys = [(kind, file.read_text(), beside, serial) for kind, file, beside, serial in given if file]
    try:
        with db.unit_of_work():
            db.enter(malls.id_of(mall_code))
            account = service.open_account(
                by=BY, channel=channel, name=name, merchant_no=merchant_no, app_id=app_id, shop_id=shop_id, collects=collects
            )
            for kind, text, beside, serial in keys:
                service.add_key(account.id, kind=kind, text=text, certificate=beside, serial=serial, by=BY)
            click.echo(f"Merchant account {account.id} of {mall_code} collects through {channel} with {len(keys)} keys.")
    except Problem as refusal:
        wrong = "; ".join(f"{name}: {says}" for name, says in refusal.facts.get("errors", {}).items())
        raise click.ClickException(f"{refusal.title()} {wrong}".strip()) from refusal
