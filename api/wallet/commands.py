"""`flask --app wsgi wallet balance-report DATE`: opening + in − out = closing of every card in every mall."""

from __future__ import annotations

import json
from datetime import datetime

import click
from flask.cli import AppGroup

from api.kit import db, jobs
from api.wallet.service import balance_report

cli = AppGroup("wallet", help="Stored value.")


@cli.command("balance-report")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
def write_balance_report(day: datetime) -> None:
    """Make and keep the report of a day, one JSON line a mall. Exit 1 and name each card that does not agree."""
    wrong = 0
    for mall_id in jobs.mall_ids():
        with db.unit_of_work(mall_id):
            findings = balance_report.record_report(day.date())
        for line in findings.differences:
            wrong += 1
            click.echo(f"mall {mall_id}: {line['what']}: {line['subject']}: expected {line['expected']}, found {line['found']}", err=True)
        click.echo(
            json.dumps({"mall": mall_id, "day": day.date().isoformat(), "agrees": findings.agrees} | findings.figures(), ensure_ascii=False)
        )
    if wrong:
        raise SystemExit(1)
