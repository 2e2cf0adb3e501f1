"""The SQL of the paths that run at every payment: bonus out of grants and back into them, each asking and changing at once."""

from __future__ import annotations

#: Take bonus from the cards' oldest grants. Rows: (card_id, bearer_id, fen).
TAKE_BONUS = """
WITH wanted AS (
  SELECT * FROM unnest(%(draw_ids)s::bigint[], %(card_ids)s::bigint[], %(bonus)s::bigint[]) AS w(draw_id, card_id, bonus)
), held AS (
  SELECT g.id, g.card_id, g.bearer_id, g.left_fen FROM bonus_grants g
  WHERE g.card_id IN (SELECT card_id FROM wanted) AND g.left_fen > 0 ORDER BY g.id FOR UPDATE
), run AS (
  SELECT h.*, w.draw_id, w.bonus, sum(h.left_fen) OVER (PARTITION BY h.card_id ORDER BY h.id) - h.left_fen AS before
  FROM held h JOIN wanted w USING (card_id)
), taken AS (
  SELECT id, draw_id, card_id, bearer_id, least(left_fen, bonus - before) AS fen FROM run WHERE before < bonus
), moved AS (
  UPDATE bonus_grants g SET left_fen = g.left_fen - t.fen FROM taken t WHERE g.id = t.id
), parts AS (
  INSERT INTO card_draw_parts (draw_id, grant_id, fen) SELECT draw_id, id, fen FROM taken
)
SELECT card_id, bearer_id, sum(fen)::bigint FROM taken GROUP BY card_id, bearer_id
"""

#: Give bonus of one draw back to the grants it came from, the newest first; they are on the card where it goes. Rows: (bearer_id, fen).
RETURN_BONUS = """
WITH held AS (
  SELECT p.id, p.grant_id, p.fen - p.back_fen AS room FROM card_draw_parts p
  WHERE p.draw_id = %(draw_id)s AND p.fen > p.back_fen ORDER BY p.id FOR UPDATE
), run AS (
  SELECT held.*, sum(room) OVER (ORDER BY grant_id DESC) - room AS before FROM held
), back AS (
  SELECT id, grant_id, least(room, %(bonus)s - before) AS fen FROM run WHERE before < %(bonus)s
), parts AS (
  UPDATE card_draw_parts p SET back_fen = p.back_fen + b.fen FROM back b WHERE p.id = b.id
), grants AS (
  UPDATE bonus_grants g SET left_fen = g.left_fen + b.fen, card_id = %(card_id)s FROM back b WHERE g.id = b.grant_id
  RETURNING g.bearer_id, b.fen
)
SELECT bearer_id, sum(fen)::bigint FROM grants GROUP BY bearer_id
"""

#: Bonus of a cause that has not come back. Rows: (card_id, bearer_id, fen).
BEARERS = """
SELECT d.card_id, g.bearer_id, sum(p.fen - p.back_fen)::bigint
FROM card_draws d JOIN card_draw_parts p ON p.draw_id = d.id JOIN bonus_grants g ON g.id = p.grant_id
WHERE d.cause_type = %(cause_type)s AND d.cause_id = %(cause_id)s
GROUP BY d.card_id, g.bearer_id HAVING sum(p.fen - p.back_fen) > 0 ORDER BY d.card_id, g.bearer_id
"""

#: From a card along what replaced it to the last one.
LAST_SUCCESSOR = """
WITH RECURSIVE line AS (
  SELECT id, successor_id, state, 0 AS depth FROM cards WHERE id = %(card_id)s
  UNION ALL
  SELECT c.id, c.successor_id, c.state, line.depth + 1 FROM cards c JOIN line ON c.id = line.successor_id
)
SELECT id FROM line ORDER BY depth DESC LIMIT 1
"""

#: Many cards of a report at once: a list for each column.
KEEP_LINES = """
INSERT INTO card_balance_lines (report_id, card_id, principal_opening_fen, principal_in_fen, principal_out_fen, principal_closing_fen,
  bonus_opening_fen, bonus_in_fen, bonus_out_fen, bonus_closing_fen)
SELECT %(report_id)s::bigint, * FROM unnest(%(card_id)s::bigint[],
  %(principal_opening_fen)s::bigint[], %(principal_in_fen)s::bigint[], %(principal_out_fen)s::bigint[], %(principal_closing_fen)s::bigint[],
  %(bonus_opening_fen)s::bigint[], %(bonus_in_fen)s::bigint[], %(bonus_out_fen)s::bigint[], %(bonus_closing_fen)s::bigint[])
"""

#: What each shop was paid by card on a day, and gave back. Rows: (shop_id, principal_out, bonus_out, principal_back, bonus_back).
BY_SHOP = """
WITH used AS (
  SELECT shop_id, sum(principal_fen) AS principal, sum(bonus_fen) AS bonus FROM card_draws
  WHERE drawn_at >= %(since)s::timestamptz AND drawn_at < %(until)s::timestamptz GROUP BY shop_id
), back AS (
  SELECT d.shop_id, sum(r.principal_fen) AS principal, sum(r.bonus_fen) AS bonus FROM card_returns r JOIN card_draws d ON d.id = r.draw_id
  WHERE r.returned_at >= %(since)s::timestamptz AND r.returned_at < %(until)s::timestamptz GROUP BY d.shop_id
)
SELECT s.shop_id, coalesce(u.principal, 0)::bigint, coalesce(u.bonus, 0)::bigint,
  coalesce(b.principal, 0)::bigint, coalesce(b.bonus, 0)::bigint
FROM (SELECT shop_id FROM used UNION SELECT shop_id FROM back) s
LEFT JOIN used u ON u.shop_id IS NOT DISTINCT FROM s.shop_id LEFT JOIN back b ON b.shop_id IS NOT DISTINCT FROM s.shop_id
ORDER BY s.shop_id NULLS LAST
"""
