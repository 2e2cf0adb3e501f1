"""`flask --app wsgi staff …`: what must work before anybody can sign in; `flask --app wsgi audit …`: the log of what staff did."""

from __future__ import annotations

import os

import click
from flask.cli import AppGroup

from api.kit import audit_seals, db, jobs
from api.kit.errors import Problem
from api.malls import service as malls
from api.staff import service

group = AppGroup("staff", help="The mall's staff.")
log = AppGroup("audit", help="The audit log.")


@group.command("first-administrator")
@click.argument("mall_code")
@click.argument("login")
def first_administrator(mall_code: str, login: str) -> None:
    """Open the first administrator's account of a mall; the password is asked, or read from FIRST_ADMINISTRATOR_PASSWORD."""
    password = os.environ.get("FIRST_ADMINISTRATOR_PASSWORD") or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        with db.unit_of_work():
            db.enter(malls.id_of(mall_code))
            made = service.first_administrator(login, password)
            click.echo(f"{made.login} is the first administrator of {mall_code}.")
    except Problem as refusal:
        raise click.ClickException(refusal.title()) from refusal


@log.command("verify")
@click.argument("mall_code", required=False)
@click.option("--kept", help="a seal that was kept outside, as this command printed it: it must still be in the chain")
def verify(mall_code: str | None, kept: str | None) -> None:
    """Prove that no sealed entry of a mall's log (without MALL_CODE: of every mall's) was changed, removed or slipped in.

    Exit 1 and name the first that was. The last seal is printed: keep it where nobody who can write to the database can write.
    """
    if kept and not mall_code:
        raise click.UsageError("A seal that was kept is of one mall: name it.")
    wrong = False
    for mall_id in [db.in_mall(None, lambda: malls.id_of(mall_code))] if mall_code else jobs.mall_ids():
        with db.unit_of_work(mall_id):
            code = mall_code or malls.mall_info().code
            verification = audit_seals.verify(kept)
        wrong = wrong or verification.trouble is not None
        if verification.trouble:
            click.echo(f"{code}: {verification.trouble}", err=True)
        seals = f"{verification.seals} seals" + (f", the last {verification.last.stamp}" if verification.last else "")
        click.echo(f"{code}: {verification.entries} entries under {seals}; {verification.unsealed} not sealed yet")
    if wrong:
        raise SystemExit(1)
