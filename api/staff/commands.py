"""`flask --app wsgi staff …`: what must work before anybody can sign in."""

from __future__ import annotations

import os

import click
from flask.cli import AppGroup

from api.kit import db
from api.kit.errors import Problem
from api.malls import service as malls
from api.staff import service

group = AppGroup("staff", help="The mall's staff.")


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
