"""`flask --app wsgi receipts …`: what the reader can learn from a mall's own receipts."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from api.kit import db, jobs
from api.receipts import training_lines

cli = AppGroup("receipts", help="Photographed receipts.")


@cli.command("training-lines")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def write_training_lines(folder: Path) -> None:
    """Write the reviewed receipts of every mall as lines, a file a mall, for `make train LINES=FOLDER`."""
    folder.mkdir(parents=True, exist_ok=True)
    for mall_id in jobs.mall_ids():
        count = 0
        with db.unit_of_work(mall_id), (folder / f"mall_{mall_id}.jsonl").open("w", encoding="utf-8") as out:
            for line in training_lines.lines_of_reviewed():
                out.write(line + "\n")
                count += 1
        click.echo(f"mall {mall_id}: {count} receipts")
