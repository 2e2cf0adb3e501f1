"""Alembic's environment: runs as the owner of the tables; the app's own role gets rights to rows, never to tables."""

from __future__ import annotations

import os
from typing import Any

from alembic import context
from sqlalchemy import MetaData, create_engine, pool, text
from sqlalchemy.engine import make_url

from api.kit.db import ONLY_GROWS, Model, sqlalchemy_url

_MOVES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname LIKE '%\\_moves'"


def _owned_by_us(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


def _grant(connection: Any, role: str) -> None:
    quoted = connection.dialect.identifier_preparer.quote(role)
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {quoted}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {quoted}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {quoted}",
    ):
        connection.execute(text(statement))
    for table, columns in (dict.fromkeys(connection.scalars(text(_MOVES)), frozenset()) | ONLY_GROWS).items():
        if connection.scalar(text("SELECT to_regclass(:table)"), {"table": table}) is not None:
            connection.execute(text(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {quoted}"))
            if columns:
                connection.execute(text(f"GRANT UPDATE ({', '.join(sorted(columns))}) ON {table} TO {quoted}"))


def _tables() -> MetaData:
    """Every table of every room, to compare with. An upgrade alone compares nothing, and need not load them."""
    if not context.config.attributes.get("upgrades_only"):
        from api.kit import rooms

        rooms.load()
    return Model.metadata


def run() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
    app_url = context.config.get_main_option("app_url") or os.environ.get("DATABASE_URL", url)
    engine = create_engine(sqlalchemy_url(url), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=_tables(), include_object=_owned_by_us, compare_server_default=False)
        with context.begin_transaction():
            context.run_migrations()
            role = make_url(app_url).username
            if role and role != make_url(url).username:
                _grant(connection, role)


run()
