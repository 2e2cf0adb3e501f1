"""What only grows, read from the real database: the app's own role can neither rewrite nor remove a row of it."""

from __future__ import annotations

import psycopg
import pytest

from api.kit import states
from api.kit.db import ONLY_GROWS, Model, libpq_url
from tests.conftest import owner_rows

pytestmark = pytest.mark.attack

#: Written out once more, so that taking a table off the list is a change of this file too.
GROWS = {
    "account_ties", "audit_entries", "audit_seals", "card_draw_parts", "card_draws", "card_events", "card_returns",
    "card_sale_lines", "growth_entries", "ledger_entries", "ledger_proofs", "ledger_transfers", "level_changes", "order_lines",
    "plate_checks", "points_spend_parts", "points_spends", "points_take_backs", "sale_refund_tellings", "sale_refunds",
    "sale_sightings", "value_uses",
}  # fmt: skip

#: May say whose a row is, from which batch it came, and how much of it came back; never an amount, an instant or a name.
MAY_CHANGE = {"member_id", "batch_id", "back_bonus_fen", "back_fen", "back_principal_fen", "given_back", "returned"}


def _grows() -> dict[str, frozenset[str]]:
    moves = {f"{noun}_moves": frozenset() for noun in states.LIFECYCLES}
    return moves | dict(ONLY_GROWS)


def test_what_only_grows_is_listed_twice_and_every_table_of_moves_is_among_it(settings, app) -> None:
    assert set(ONLY_GROWS) == GROWS
    assert set().union(*ONLY_GROWS.values()) <= MAY_CHANGE
    in_database = {row[0] for row in owner_rows(settings, "SELECT tablename FROM pg_tables WHERE right(tablename, 6) = '_moves'")}
    assert in_database == {f"{noun}_moves" for noun in states.LIFECYCLES}
    assert set(_grows()) <= set(Model.metadata.tables)


def test_kind_9_the_apps_role_cannot_rewrite_or_remove_what_only_grows(settings, app, mall: int) -> None:
    allowed: list[str] = []
    with psycopg.connect(libpq_url(settings.database_url), autocommit=True) as connection:
        connection.execute("SELECT set_config('mallbridge.mall_id', %s, false)", [str(mall)])
        for table, free in sorted(_grows().items()):
            columns = [column.name for column in Model.metadata.tables[table].columns if column.name not in free]
            statements = [f"UPDATE {table} SET {name} = {name}" for name in columns]
            for statement in (*statements, f"DELETE FROM {table}", f"TRUNCATE {table}", f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"):
                try:
                    connection.execute(statement)
                    allowed.append(statement)
                except psycopg.errors.InsufficientPrivilege:
                    continue
            connection.execute(f"SELECT * FROM {table} LIMIT 1")
    assert allowed == []


@pytest.mark.parametrize("table", sorted(name for name, free in ONLY_GROWS.items() if free))
def test_what_may_change_of_it_still_may(settings, app, mall: int, table: str) -> None:
    with psycopg.connect(libpq_url(settings.database_url), autocommit=True) as connection:
        connection.execute("SELECT set_config('mallbridge.mall_id', %s, false)", [str(mall)])
        for name in sorted(ONLY_GROWS[table]):
            assert connection.execute(f"UPDATE {table} SET {name} = {name}").rowcount == 0
