"""`flask --app wsgi points liability`: what each mall owes its members in points."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask.cli import AppGroup

from api.kit import db, jobs
from api.points import service

cli = AppGroup("points", help="Points of members.")


@cli.command("liability")
def liability() -> None:
    """One JSON line a mall. Exit 1 when the batches and the ledger disagree somewhere."""
    wrong = False
    for mall_id in jobs.mall_ids():
        with db.unit_of_work(mall_id):
            found = service.liability_report()
        wrong |= not found.agrees
        click.echo(json.dumps({"mall": mall_id} | asdict(found) | {"breakage_bp": found.breakage_bp}, ensure_ascii=False))
    if wrong:
        raise SystemExit(1)
