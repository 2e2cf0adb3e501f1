"""The database, read by itself: the wall, the types, the migrations."""

from __future__ import annotations

import re
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import BigInteger, Date, DateTime, Float, Integer, Numeric

from api.kit import rooms, states
from api.kit.db import ABOVE_MALLS, Model
from tests.conftest import owner_rows

ROOT = Path(__file__).resolve().parents[2]


def _columns():
    for table in Model.metadata.tables.values():
        yield from table.columns


def test_every_table_is_behind_the_wall_or_on_the_short_list(settings, app) -> None:
    rows = owner_rows(
        settings,
        "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
    open_tables = {name for name, walled in rows if not walled and not name.startswith("procrastinate_")}
    assert open_tables == set(ABOVE_MALLS)


def test_the_app_owns_no_table_and_cannot_pass_the_wall(settings, app) -> None:
    owned = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND pg_get_userbyid(relowner) = 'mallbridge_app'"
    assert owner_rows(settings, owned) == [(0,)]
    assert owner_rows(settings, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = 'mallbridge_app'") == [(False,)]


def test_money_is_whole_and_nothing_is_a_float() -> None:
    money = [column for column in _columns() if column.name.endswith("_fen") or column.name == "points"]
    assert money
    assert [str(column) for column in money if not isinstance(column.type, BigInteger)] == []
    assert [str(column) for column in _columns() if isinstance(column.type, Float | Numeric) and not isinstance(column.type, Integer)] == []


def test_instants_are_aware_and_named_at_and_days_are_named_on() -> None:
    wrong = [
        str(column)
        for column in _columns()
        if (isinstance(column.type, DateTime) and (not column.type.timezone or not (column.name.endswith("_at") or column.name == "at")))
        or (isinstance(column.type, Date) and not isinstance(column.type, DateTime) and not column.name.endswith("_on"))
    ]
    assert wrong == []


def test_migrations_are_numbered_with_one_head() -> None:
    names = sorted(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))
    assert all(re.fullmatch(r"\d{4}_\w+\.py", name) for name in names)
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_models_are_what_the_migrations_make(settings, app) -> None:
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("sqlalchemy.url", settings.owner_url.replace("%", "%%"))
    config.set_main_option("app_url", settings.database_url.replace("%", "%%"))
    assert command.check(config) is None


def test_every_state_can_be_reached_and_the_drawing_is_fresh() -> None:
    rooms.load()
    for noun, (lifecycle, allowed) in states.LIFECYCLES.items():
        first = next(iter(lifecycle))
        reached, todo = {first}, [first]
        while todo:
            for target in allowed.get(todo.pop(), ()):
                if target not in reached:
                    reached.add(target)
                    todo.append(target)
        assert reached == set(lifecycle), noun
    assert (ROOT / "docs" / "lifecycles.md").read_text() == states.draw()
