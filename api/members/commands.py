"""`flask --app wsgi members …`"""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup

from api.kit import db
from api.malls import service as malls
from api.members import phones
from api.members.service import phone_codes

members = AppGroup("members", help="Members.")


@members.command("last-code")
@click.argument("phone")
@click.option("--mall", "mall_code", default="demo", show_default=True)
def last_code(phone: str, mall_code: str) -> None:
    """The newest text message waiting for PHONE: how a developer without an SMS gateway signs in by phone."""
    if current_app.extensions["settings"].production:
        raise click.ClickException("Text messages are not shown in production.")
    mall_id = db.in_mall(None, lambda: malls.id_of(mall_code))
    text = db.in_mall(mall_id, lambda: phone_codes.newest_text(phones.normalise(phone)))
    if text is None:
        raise click.ClickException("No text message is waiting for this phone.")
    click.echo(text)
