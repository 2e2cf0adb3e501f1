"""lines of any seller with list and net price, shares by source, bearers as objects, brands as bearers; clearer names of columns"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KINDS = "ck_ledger_accounts_owner_kind_known"
OWNERS = "'member', 'card', 'shop', 'mall', 'gateway', 'bearer'"
RENAMED = (
    ("orders", "told", "agreed_terms"), ("orders", "holds", "hold_count"), ("order_refunds", "cells", "allocations"),
    ("order_lines", "amount_fen", "net_fen"), ("order_lines", "discountable", "takes_benefits"), ("order_shares", "card_id", "source_id"),
)  # fmt: skip
OBJECTS = """UPDATE order_shares SET bearers = (
  SELECT jsonb_agg(jsonb_build_object('kind', b -> 0, 'owner_id', b -> 1, 'fen', b -> 2, 'returned_fen', b -> 3) ORDER BY place)
  FROM jsonb_array_elements(bearers) WITH ORDINALITY AS listed(b, place)) WHERE bearers <> '[]'"""
LISTS = """UPDATE order_shares SET bearers = (
  SELECT jsonb_agg(jsonb_build_array(b -> 'kind', b -> 'owner_id', b -> 'fen', b -> 'returned_fen') ORDER BY place)
  FROM jsonb_array_elements(bearers) WITH ORDINALITY AS listed(b, place)) WHERE bearers <> '[]'"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for table, old, new in RENAMED:
        op.alter_column(table, old, new_column_name=new)
    op.add_column("order_lines", sa.Column("quantity", sa.BigInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column("order_lines", sa.Column("item_ref", sa.Text(), nullable=True))
    op.add_column("order_lines", sa.Column("list_fen", sa.BigInteger(), nullable=True))
    _as_owner("order_lines", "UPDATE order_lines SET list_fen = net_fen")
    op.alter_column("order_lines", "list_fen", nullable=False)
    op.drop_constraint(op.f("ck_order_lines_costs_something"), "order_lines")
    op.create_check_constraint(op.f("ck_order_lines_costs_something"), "order_lines", "net_fen > 0 AND list_fen >= net_fen")
    op.create_check_constraint(op.f("ck_order_lines_is_some"), "order_lines", "quantity > 0")
    op.drop_constraint(op.f("ck_order_shares_stored_value_names_its_card"), "order_shares")
    op.create_check_constraint(
        op.f("ck_order_shares_names_its_source"),
        "order_shares",
        "(tender IN ('stored_principal', 'stored_bonus')) = (source_id IS NOT NULL)",
    )
    _as_owner("order_shares", OBJECTS)
    op.drop_constraint(op.f(KINDS), "ledger_accounts")
    op.create_check_constraint(op.f(KINDS), "ledger_accounts", f"owner_kind IN ({OWNERS}, 'brand')")


def downgrade() -> None:
    op.drop_constraint(op.f(KINDS), "ledger_accounts")
    op.create_check_constraint(op.f(KINDS), "ledger_accounts", f"owner_kind IN ({OWNERS})")
    _as_owner("order_shares", LISTS)
    op.drop_constraint(op.f("ck_order_shares_names_its_source"), "order_shares")
    op.drop_constraint(op.f("ck_order_lines_is_some"), "order_lines")
    op.drop_constraint(op.f("ck_order_lines_costs_something"), "order_lines")
    for name in ("list_fen", "item_ref", "quantity"):
        op.drop_column("order_lines", name)
    for table, old, new in RENAMED:
        op.alter_column(table, new, new_column_name=old)
    op.create_check_constraint(op.f("ck_order_lines_costs_something"), "order_lines", "amount_fen > 0")
    op.create_check_constraint(
        op.f("ck_order_shares_stored_value_names_its_card"),
        "order_shares",
        "(tender IN ('stored_principal', 'stored_bonus')) = (card_id IS NOT NULL)",
    )


def _as_owner(table: str, statement: str) -> None:
    """The owner changes the rows of every mall."""
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
