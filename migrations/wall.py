"""The wall between malls: forced row-level security on a table, for the owner too."""

from __future__ import annotations

from alembic import op


def wall(table: str) -> None:
    """Nobody reads or writes a row of another mall; who entered no mall gets an error from the setting itself."""
    inside = "mall_id = current_setting('mallbridge.mall_id')::bigint"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_mall ON {table} USING ({inside}) WITH CHECK ({inside})")
