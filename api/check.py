"""`python -m api.check`: everything that keeps production from starting with this environment, and what trying out left in the database.

Exit 1 when there is a finding. Nothing is changed, and nothing outside is contacted but the database.
"""

from __future__ import annotations

import sys

from sqlalchemy.exc import SQLAlchemyError

from api.app import configure
from api.kit import db, jobs, rooms
from api.settings import Settings, SettingsRefused, read


def findings() -> list[str]:
    """A sentence for each: which variable or row, what is wrong, what is right."""
    try:
        settings = read()
    except SettingsRefused as refused:
        return [str(refused)]
    environment = [] if settings.production else ["MALLBRIDGE_ENV is not production: set it to production."]
    return [*environment, *settings.findings(), *_findings_in_database(settings)]


def _findings_in_database(settings: Settings) -> list[str]:
    configure(settings)
    checks = [room.unfit_for_production for room in rooms.every()]
    lines = []
    try:
        for mall_id in jobs.mall_ids():
            with db.unit_of_work(mall_id):
                lines += [f"Mall {mall_id}: {line}" for check in checks for line in check()]
    except (db.DatabaseAway, SQLAlchemyError):
        lines.append("DATABASE_URL leads to no database that answers, or one without tables: start it, and run `make migrate`.")
    return lines


def main() -> int:
    """Print the findings; the exit code."""
    lines = findings()
    sys.stdout.write("".join(f"- {line}\n" for line in lines) or "Production starts with these settings.\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
