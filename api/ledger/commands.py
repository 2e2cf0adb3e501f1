"""`flask --app wsgi ledger prove`: recount every mall's ledger."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from api.kit import db, jobs
from api.ledger import service

cli = AppGroup("ledger", help="The ledger of value.")


@cli.command("prove")
def prove() -> None:
    """Prove that every account is the sum of its entries. Exit 1 and name each account that is not."""
    wrong = 0
    malls = jobs.mall_ids()
    for mall_id in malls:
        with db.unit_of_work(mall_id):
            for line in service.prove():
                wrong += 1
                click.echo(f"mall {mall_id}: {line.what}: {line.subject}: expected {line.expected}, found {line.found}", err=True)
    if wrong:
        raise SystemExit(1)
    click.echo(f"The ledger balances in {len(malls)} malls.")
