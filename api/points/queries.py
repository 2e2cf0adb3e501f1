"""The SQL of batches and caps: each asks and changes at once. Batches of a member are only touched while its account is held."""

from __future__ import annotations

#: Take points out of a member's batches: first of one batch (the award's own), then those that expire first, then the oldest.
_TAKEN = """
WITH open AS (
  SELECT id, left_points, sum(left_points) OVER (
    ORDER BY (id = %(first)s::bigint) IS NOT TRUE, expires_at NULLS LAST, id) - left_points AS before
  FROM points_batches
  WHERE member_id = %(member_id)s AND left_points > 0 AND (expires_at > %(now)s::timestamptz OR expires_at IS NULL OR %(stale)s::boolean)
), taken AS (
  SELECT id, least(left_points, %(points)s::bigint - before)::bigint AS points FROM open WHERE before < %(points)s::bigint
), changed AS (
  UPDATE points_batches b SET left_points = b.left_points - taken.points FROM taken WHERE b.id = taken.id
)
"""

TAKE = f"{_TAKEN} SELECT coalesce(sum(points), 0)::bigint FROM taken"  # noqa: S608 - both are ours

#: The same for a spend, which remembers the batches.
SPEND = f"""{_TAKEN}, spend AS (
  INSERT INTO points_spends (member_id, points, cause_type, cause_id, transfer_id, spent_at)
  VALUES (%(member_id)s, %(points)s, %(cause_type)s, %(cause_id)s, %(transfer_id)s, %(now)s::timestamptz) RETURNING id
), parts AS (
  INSERT INTO points_spend_parts (spend_id, batch_id, points) SELECT spend.id, taken.id, taken.points FROM spend CROSS JOIN taken
)
SELECT spend.id, (SELECT coalesce(sum(points), 0)::bigint FROM taken) FROM spend
"""  # noqa: S608 - both are ours

#: Put points back where a spend took them from, last taken first; of `points`, at most `room` become spendable (the rest repaid a debt).
GIVE_BACK = """
WITH parts AS (
  SELECT p.id, p.batch_id, p.points - p.returned AS open,
    sum(p.points - p.returned) OVER (ORDER BY b.expires_at DESC NULLS FIRST, p.id DESC) - (p.points - p.returned) AS before
  FROM points_spend_parts p JOIN points_batches b ON b.id = p.batch_id WHERE p.spend_id = %(spend_id)s AND p.points > p.returned
), returned AS (
  SELECT id, batch_id, least(open, %(points)s::bigint - before)::bigint AS points,
    greatest(least(open, %(points)s::bigint - before, %(room)s::bigint - before), 0)::bigint AS spendable
  FROM parts WHERE before < %(points)s::bigint
), noted AS (
  UPDATE points_spend_parts p SET returned = p.returned + r.points FROM returned r WHERE p.id = r.id
), spent AS (
  UPDATE points_spends SET given_back = given_back + %(points)s::bigint WHERE id = %(spend_id)s
)
UPDATE points_batches b SET left_points = b.left_points + r.spendable FROM returned r WHERE b.id = r.batch_id
"""

#: Ask each cap for points and take what it still has, in one statement; `granted` is this asking's answer.
ASK_CAPS = """
INSERT INTO points_cap_uses AS u (code, member_id, begins_on, most, used, granted)
SELECT c.code, c.member_id, c.begins_on, c.most, least(c.wanted, c.most), least(c.wanted, c.most)
FROM unnest(%(codes)s::text[], %(members)s::bigint[], %(begins)s::date[], %(wanted)s::bigint[], %(most)s::bigint[])
  AS c(code, member_id, begins_on, wanted, most)
ORDER BY c.code, c.member_id, c.begins_on
ON CONFLICT (mall_id, code, member_id, begins_on) DO UPDATE
SET most = excluded.most,
    granted = greatest(least(excluded.granted, excluded.most - u.used), 0),
    used = u.used + greatest(least(excluded.granted, excluded.most - u.used), 0)
RETURNING u.id, u.code, u.granted
"""

#: Give points back to caps: (id, points) pairs.
RETURN_TO_CAPS = """
UPDATE points_cap_uses u SET used = greatest(u.used - r.points, 0)
FROM unnest(%(ids)s::bigint[], %(points)s::bigint[]) AS r(id, points) WHERE u.id = r.id
"""

#: A member's points by the instant they expire; what is past it already comes first.
FORECAST = """
SELECT expires_at, sum(left_points)::bigint FROM points_batches
WHERE member_id = %(member_id)s AND left_points > 0 GROUP BY expires_at ORDER BY expires_at NULLS LAST LIMIT 400
"""
