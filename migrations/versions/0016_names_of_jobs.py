"""a job is stored as <room>.<function>, so that it may wait while the file it stands in is moved"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

#: Where the room or the function changed as well. The last is older than the one before it, and nothing returns to it.
RENAMED = {
    "jobs.forget_old_keys": "kit.forget_old_keys",
    "jobs.forget_old_keys.tick": "kit.forget_old_keys.tick",
    "points.service.growth.credit": "points.credit_growth",
    "points.service.rehearsals.play": "points.rehearse",
    "points.service.rehearsing.play": "points.rehearse",
}

#: The worker put this scheduled job in twice, once under the name of its own file.
TWICE = "__main__.%"


def _rename(exact: dict[str, str], pattern: str, instead: str) -> None:
    cases = " ".join(f"WHEN '{before}' THEN '{after}'" for before, after in exact.items())
    columns = {"procrastinate_jobs": ("task_name", "queueing_lock"), "procrastinate_periodic_defers": ("task_name",)}
    for table, names in columns.items():
        new = ", ".join(f"{name} = CASE {name} {cases} ELSE regexp_replace({name}, '{pattern}', '{instead}') END" for name in names)
        op.execute(f"UPDATE {table} SET {new}")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute(f"DELETE FROM procrastinate_periodic_defers WHERE task_name LIKE '{TWICE}'")
    op.execute(f"DELETE FROM procrastinate_jobs WHERE task_name LIKE '{TWICE}' AND status = 'todo'")
    _rename(RENAMED, r"^(\w+)\.(jobs|service\.\w+)\.", r"\1.")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    _rename({after: before for before, after in reversed(RENAMED.items())}, r"^(\w+)\.", r"\1.jobs.")
