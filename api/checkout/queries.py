"""Statements of checkout that write or read several tables at once."""

from __future__ import annotations

WRITE_LINES = """
WITH lines AS (
  INSERT INTO order_lines (order_id, line, shop_id, name, category, amount_fen, discountable, earns)
  SELECT %(order_id)s, l.* FROM jsonb_to_recordset(%(lines)s::jsonb)
    AS l(line bigint, shop_id bigint, name text, category text, amount_fen bigint, discountable boolean, earns boolean)
)
INSERT INTO order_shares (order_id, line, tender, card_id, amount_fen, bearers)
SELECT %(order_id)s, s.*, '[]' FROM jsonb_to_recordset(%(shares)s::jsonb) AS s(line bigint, tender text, card_id bigint, amount_fen bigint)
"""
