"""`flask --app wsgi staff …`: what must work before, or when nobody can sign in; `flask --app wsgi audit …`: the log of what staff did."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click
from flask.cli import AppGroup

from api.kit import audit_seals, db, jobs
from api.kit.errors import Problem
from api.malls import service as malls
from api.staff import service
from api.staff.service import links
from api.staff.service.links import ShownLink

group = AppGroup("staff", help="The mall's staff.")
log = AppGroup("audit", help="The audit log.")

T = TypeVar("T")


def _inside(mall_code: str, act: Callable[[], T]) -> T:
    try:
        with db.unit_of_work():
            db.enter(malls.id_of(mall_code))
            return act()
    except Problem as refusal:
        raise click.ClickException(refusal.title()) from refusal


def _print(link: ShownLink) -> None:
    click.echo(f"{link.account.login}: {link.address}")
    click.echo("It works once, for 72 hours, and is not shown again.")


@group.command("second-administrator")
@click.argument("mall_code")
@click.argument("login")
def second_administrator(mall_code: str, login: str) -> None:
    """Invite another administrator of a mall that has fewer than two; the other one is told."""
    _print(_inside(mall_code, lambda: service.second_administrator(login)))


@group.command("recover")
@click.argument("mall_code")
@click.argument("login")
def recover(mall_code: str, login: str) -> None:
    """Make a link for somebody who lost password, phone and recovery codes; it is logged, and every other administrator is told."""
    _print(_inside(mall_code, lambda: links.recover(login)))


@group.command("unlock")
@click.argument("mall_code")
@click.argument("login")
def unlock(mall_code: str, login: str) -> None:
    """Forget the wrong tries at a login."""
    account = _inside(mall_code, lambda: links.unlock(login))
    click.echo(f"{account.login} may sign in again.")


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
