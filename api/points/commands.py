"""`flask --app wsgi points …`: what each mall owes its members in points, and the first rule of a new mall."""

from __future__ import annotations

import json

import click
from flask.cli import AppGroup

from api.kit import clock, db, jobs
from api.points import service
from api.points.service import rules

cli = AppGroup("points", help="Points of members.")


@cli.command("lay-rules")
def lay_rules() -> None:
    """Give every mall that has no rule of points its first: one point a yuan, from now on."""
    for mall_id in jobs.mall_ids():
        with db.unit_of_work(mall_id):
            laid = rules.add_first_rule(starts_at=clock.now())
        click.echo(f"mall {mall_id}: " + ("one point a yuan from now on" if laid else "has rules already"))


@cli.command("liability")
def liability() -> None:
    """One JSON line a mall. Exit 1 when the batches and the ledger disagree somewhere."""
    wrong = False
    for mall_id in jobs.mall_ids():
        with db.unit_of_work(mall_id):
            report = service.liability_report()
        wrong |= not report.agrees
        click.echo(json.dumps({"mall": mall_id} | report.figures(), ensure_ascii=False))
    if wrong:
        raise SystemExit(1)
