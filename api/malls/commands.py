"""`flask --app wsgi malls …`: a mall is opened by whoever runs the servers, not through the web."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from flask.cli import AppGroup

from api.kit import db
from api.kit.errors import Problem
from api.malls import service

group = AppGroup("malls", help="The malls.")


@group.command("open")
@click.argument("code")
@click.argument("name")
@click.argument("administrators", nargs=2)
@click.option("--timezone", default="Asia/Shanghai", show_default=True)
def open_mall(code: str, name: str, administrators: tuple[str, str], timezone: str) -> None:
    """Open a mall; CODE is its name in addresses: 2 to 40 of a-z, 0-9 and -. ADMINISTRATORS: two logins; each gets a link, printed once."""
    if not re.fullmatch(r"[a-z0-9-]{2,40}", code):
        raise click.ClickException("A code is 2 to 40 of a-z, 0-9 and -.")
    try:
        ZoneInfo(timezone)
        with db.unit_of_work():
            lines = service.open_mall(code, name, timezone, administrators=administrators)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise click.ClickException(f"{timezone} is not a time zone.") from error
    except Problem as refusal:
        raise click.ClickException(refusal.title()) from refusal
    click.echo(f"{name} is open as {code}. Give each of these links to its own person; it works once, for 72 hours:")
    for line in lines:
        click.echo(line)
