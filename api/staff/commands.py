"""`flask --app wsgi staff …`: what must work before anybody can sign in, or when nobody can any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click
from flask.cli import AppGroup

from api.kit import db
from api.kit.errors import Problem
from api.malls import service as malls
from api.staff import service
from api.staff.service import links
from api.staff.service.links import ShownLink

group = AppGroup("staff", help="The mall's staff.")

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
