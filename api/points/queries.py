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
TAKE_CAPS = """
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

#: The awards of sales paid in a range, in slices of so many: (last id, how many).
REHEARSAL_SLICES = """
SELECT max(id), count(*) FROM (
  SELECT id, (row_number() OVER (ORDER BY id) - 1) / %(size)s::bigint AS slice FROM points_awards
  WHERE paid_at >= %(begins)s::timestamptz AND paid_at < %(ends)s::timestamptz
) s GROUP BY slice ORDER BY 1
"""

#: One slice of them, in the order in which they were awarded.
REHEARSAL_AWARDS = """
SELECT id, sale_id, member_id, shop_id, points, taken_back, paid_at >= %(counts_from)s::timestamptz AS counts, earned_at, facts,
  CASE WHEN jsonb_array_length(parts) = 1 AND parts @> '[{"shop_points": 0}]' THEN 0 ELSE (
    SELECT coalesce(sum((p ->> 'shop_points')::bigint - coalesce((p ->> 'shop_taken')::bigint, 0)), 0)::bigint
    FROM jsonb_array_elements(parts) p) END AS shop_points
FROM points_awards
WHERE paid_at >= %(begins)s::timestamptz AND paid_at < %(ends)s::timestamptz AND id > %(after)s::bigint AND id <= %(last)s::bigint
ORDER BY id
"""

#: How much of the caps that count for ever was used by sales paid before an instant, less what refunds returned.
CAPS_USED_BEFORE = """
SELECT u.code, u.member_id, sum((c ->> 1)::bigint * (a.points - a.taken_back) / greatest(a.points, 1))::bigint
FROM points_awards a CROSS JOIN LATERAL jsonb_array_elements(a.caps) c JOIN points_cap_uses u ON u.id = (c ->> 0)::bigint
WHERE a.paid_at < %(before)s::timestamptz AND u.code = ANY(%(codes)s::text[]) AND u.begins_on = %(begins_on)s::date GROUP BY 1, 2
"""

#: A member's points by the instant they expire; what is past it already comes first.
#: A member's spendable points: what the account holds, less what is past its time although the nightly expiry has not run yet.
SPENDABLE = """
SELECT greatest(0, a.balance - coalesce((
  SELECT sum(b.left_points) FROM points_batches b
  WHERE b.member_id = a.owner_id AND b.left_points > 0 AND b.expires_at <= %(now)s::timestamptz), 0))::bigint
FROM ledger_accounts a WHERE a.owner_kind = 'member' AND a.owner_id = %(member_id)s AND a.asset = 'points'
"""

FORECAST = """
SELECT expires_at, sum(left_points)::bigint FROM points_batches
WHERE member_id = %(member_id)s AND left_points > 0 GROUP BY expires_at ORDER BY expires_at NULLS LAST LIMIT 400
"""

#: What members hold, and how old it is; (figure, key, points). What is expected to expire goes by the share of the points of batches
#: due in the last twelve months that did expire: of a batch that share, but no more than is left of it; all of it while nothing was due.
LIABILITY = """
WITH gone AS (
  SELECT (sum(expired_points) * 10000 / nullif(sum(points), 0))::bigint AS share_bp FROM points_batches
  WHERE expires_at <= %(now)s::timestamptz AND expires_at > %(now)s::timestamptz - interval '12 months'
)
SELECT 'outstanding', '', coalesce(sum(balance) FILTER (WHERE balance > 0), 0)::bigint FROM ledger_accounts
  WHERE owner_kind = 'member' AND asset = 'points'
UNION ALL SELECT 'debt', '', coalesce(-sum(balance) FILTER (WHERE balance < 0), 0)::bigint FROM ledger_accounts
  WHERE owner_kind = 'member' AND asset = 'points'
UNION ALL SELECT 'pending', '', coalesce(sum(balance), 0)::bigint FROM ledger_accounts
  WHERE owner_kind = 'member' AND asset = 'points_pending'
UNION ALL SELECT 'members', '', count(*) FROM ledger_accounts WHERE owner_kind = 'member' AND asset = 'points' AND balance > 0
UNION ALL SELECT 'age', CASE WHEN age < interval '31 days' THEN '0-30' WHEN age < interval '91 days' THEN '31-90'
    WHEN age < interval '181 days' THEN '91-180' WHEN age < interval '366 days' THEN '181-365' ELSE '366+' END, sum(left_points)::bigint
  FROM (SELECT %(now)s::timestamptz - earned_at AS age, left_points FROM points_batches WHERE left_points > 0) b GROUP BY 2
UNION ALL SELECT 'expiring', coalesce(to_char((expires_at - interval '1 second') AT TIME ZONE %(timezone)s, 'YYYY-MM'), 'never'),
    sum(left_points)::bigint FROM points_batches WHERE left_points > 0 GROUP BY 2
UNION ALL SELECT 'expected', coalesce(to_char((expires_at - interval '1 second') AT TIME ZONE %(timezone)s, 'YYYY-MM'), 'never'),
    sum(least(left_points, points * share_bp / 10000))::bigint FROM points_batches CROSS JOIN gone
    WHERE left_points > 0 AND expires_at IS NOT NULL GROUP BY 2
UNION ALL SELECT 'expired_share_bp', '', share_bp FROM gone
UNION ALL SELECT 'activating', to_char(active_from_at AT TIME ZONE %(timezone)s, 'YYYY-MM'), sum(points - taken_back)::bigint
    FROM points_awards WHERE state = 'pending' GROUP BY 2
UNION ALL SELECT 'issued', '', coalesce(sum(points), 0)::bigint FROM points_batches
UNION ALL SELECT 'expired', '', coalesce(sum(expired_points), 0)::bigint FROM points_batches
UNION ALL SELECT 'batches', '', coalesce(sum(left_points), 0)::bigint FROM points_batches
UNION ALL SELECT 'borne', a.owner_id::text, -coalesce(sum(e.amount), 0)::bigint FROM ledger_accounts a
  LEFT JOIN ledger_entries e ON e.account_id = a.id
  WHERE a.owner_kind = 'bearer' AND a.asset IN ('points', 'points_pending') GROUP BY 2
UNION ALL SELECT 'entries', '', coalesce(sum(e.amount), 0)::bigint FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id
  WHERE a.owner_kind = 'member' AND a.asset = 'points'
ORDER BY 1, 2
"""

#: Members who earned or spent oddly much or often on one day: (kind, member, facts).
ODD = """
WITH earned AS (
  SELECT member_id, sum(points)::bigint AS points, count(*) AS awards FROM points_awards
  WHERE earned_at >= %(begins)s::timestamptz AND earned_at < %(ends)s::timestamptz AND points > 0 GROUP BY member_id
), spent AS (
  SELECT member_id, sum(points)::bigint AS points, count(*) AS spends FROM points_spends
  WHERE spent_at >= %(begins)s::timestamptz AND spent_at < %(ends)s::timestamptz GROUP BY member_id
), usual AS (
  SELECT e.member_id, coalesce(sum(a.points), 0)::bigint AS points, count(a.id) AS awards FROM earned e
  LEFT JOIN points_awards a ON a.member_id = e.member_id AND a.earned_at < %(begins)s::timestamptz
    AND a.earned_at >= %(begins)s::timestamptz - interval '30 days' GROUP BY e.member_id
), odd AS (
  SELECT 'much_earned' AS kind, member_id, jsonb_build_object('points', points, 'awards', awards) AS facts
    FROM earned WHERE points >= %(earned)s
  UNION ALL SELECT 'many_awards', member_id, jsonb_build_object('points', points, 'awards', awards)
    FROM earned WHERE awards >= %(awards)s
  UNION ALL SELECT 'sudden_growth', e.member_id, jsonb_build_object('points', e.points, 'usual_30_days', u.points)
    FROM earned e JOIN usual u USING (member_id)
    WHERE u.awards >= 3 AND e.points * 2 >= %(earned)s AND e.points >= 3 * u.points
  UNION ALL SELECT 'much_spent', member_id, jsonb_build_object('points', points, 'spends', spends)
    FROM spent WHERE points >= %(spent)s
  UNION ALL SELECT 'earned_and_spent', member_id, jsonb_build_object('earned', e.points, 'spent', s.points)
    FROM earned e JOIN spent s USING (member_id) WHERE s.points * 2 >= %(spent)s AND s.points * 10 >= e.points * 8 AND e.awards >= 3
)
INSERT INTO points_alerts AS held (kind, member_id, happened_on, facts, raised_at)
SELECT kind, member_id, %(day)s::date, facts, %(now)s::timestamptz FROM odd
ON CONFLICT (mall_id, kind, member_id, happened_on) DO UPDATE SET facts = excluded.facts WHERE held.seen_by IS NULL
RETURNING held.id
"""

#: What a member earned and spent from one instant to another, newest first: (kind, id, points, at, shop, what).
EVIDENCE = """
SELECT 'award' AS kind, id, points, earned_at AS at, shop_id, sale_id::text AS subject, paid_fen, paid_at FROM points_awards
  WHERE member_id = %(member_id)s AND earned_at >= %(begins)s::timestamptz AND earned_at < %(ends)s::timestamptz AND points > 0
UNION ALL SELECT 'spend', id, -points, spent_at, NULL, cause_type || ' ' || cause_id, NULL, NULL FROM points_spends
  WHERE member_id = %(member_id)s AND spent_at >= %(begins)s::timestamptz AND spent_at < %(ends)s::timestamptz
ORDER BY at DESC, id DESC LIMIT %(most)s
"""
