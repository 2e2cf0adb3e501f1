"""A year of sales, awards, batches and ledger entries of the demo mall, written by the database itself in a few statements."""

from __future__ import annotations

from api.kit import clock
from api.kit.db import session
from api.malls import service as malls
from api.points.policy import PointsRules

STAGED_MEMBERS = """
CREATE TEMPORARY TABLE staged_members (
  number bigint, nickname text, phone_sealed bytea, phone_key text, joined_at timestamptz, source text, openid text
) ON COMMIT DROP
"""

MEMBERS = """
WITH made AS (
  INSERT INTO members (state, moves, moved_at, nickname, phone_sealed, phone_key, joined_at, source)
  SELECT 'active', 0, joined_at, nickname, phone_sealed, phone_key, joined_at, source FROM staged_members ORDER BY number
  RETURNING id, phone_key, joined_at, nickname
), named AS (
  INSERT INTO member_name_keys (member_id, key) SELECT id, lower(replace(nickname, ' ', '')) FROM made WHERE nickname <> ''
)
INSERT INTO member_identities (member_id, channel, app_id, subject, first_seen_at)
SELECT made.id, 'phone', '', made.phone_key, made.joined_at FROM made
UNION ALL
SELECT made.id, 'wechat', %(app_id)s, s.openid, made.joined_at FROM made JOIN staged_members s USING (phone_key) WHERE s.source = 'wechat'
"""

#: Purchases over a year: more at weekends, at noon and in the evening, many small and few large, some members far more than others.
SALES = """
WITH shop AS (
  SELECT id, row_number() OVER (ORDER BY id) - 1 AS number, count(*) OVER () AS shops,
    CASE category WHEN '珠宝' THEN 180000 WHEN '数码' THEN 260000 WHEN '服饰' THEN 42000 WHEN '超市' THEN 9000 WHEN '便利店' THEN 2500
      WHEN '茶饮' THEN 2400 WHEN '咖啡' THEN 3800 WHEN '影院' THEN 9000 WHEN '餐饮' THEN 16000 ELSE 12000 END AS typical_fen
  FROM shops
), person AS (
  SELECT id, joined_at, row_number() OVER (ORDER BY id) - 1 AS number, count(*) OVER () AS people FROM members
), drawn AS MATERIALIZED (
  SELECT n, floor(power(random(), 1.5) * (SELECT count(*) FROM members))::bigint AS who,
    floor(random() * (SELECT count(*) FROM shops))::bigint AS shop_number,
    floor(power(random(), 1.1) * 365)::int AS days_ago,
    (CASE WHEN random() < 0.45 THEN 11.5 + random() * 2.5 WHEN random() < 0.8 THEN 17.5 + random() * 4 ELSE 10 + random() * 12 END) AS hour,
    exp(0.9 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS spread, random() AS weekend, random() AS how, random() AS till
  FROM generate_series(1, %(sales)s) AS n
), placed AS (
  SELECT d.n, p.id AS member_id, s.id AS shop_id, greatest(100, round(s.typical_fen * d.spread / 10) * 10)::bigint AS paid_fen,
    least(date_trunc('day', %(now)s::timestamptz AT TIME ZONE %(zone)s) - make_interval(days => d.days_ago)
      - make_interval(days => CASE WHEN d.weekend < 0.3 THEN extract(isodow FROM %(now)s::timestamptz)::int %% 7 ELSE 0 END)
      + make_interval(secs => d.hour * 3600), (%(now)s::timestamptz - interval '10 minutes') AT TIME ZONE %(zone)s) AS local_at,
    CASE WHEN d.how < 0.55 THEN 'wechat' WHEN d.how < 0.85 THEN 'alipay' WHEN d.how < 0.95 THEN 'card' ELSE 'cash' END AS tender, d.till
  FROM drawn d JOIN person p ON p.number = d.who JOIN shop s ON s.number = d.shop_number
)
INSERT INTO sales (shop_id, member_id, channel, paid_at, paid_on, minute_known, paid_fen, receipt_no, tenders, recorded_at,
  scored_by, scored_at)
SELECT shop_id, member_id, 'receipt', date_trunc('second', local_at) AT TIME ZONE %(zone)s, local_at::date, true, paid_fen,
  to_char(local_at, 'YYMMDD') || lpad((floor(till * 9) + 1)::text, 2, '0') || lpad(n::text, 7, '0'),
  jsonb_build_array(jsonb_build_array(tender, paid_fen)),
  told_at, nextval(pg_get_serial_sequence('sale_sightings', 'id')), told_at
FROM (SELECT *, least(date_trunc('second', local_at) AT TIME ZONE %(zone)s + interval '40 minutes', %(now)s::timestamptz) AS told_at
  FROM placed ORDER BY local_at) told
"""

#: Each of them was recorded once, by an import of paper receipts, and scored by that sighting.
SIGHTINGS = """
INSERT INTO sale_sightings (id, sale_id, shop_id, channel, source_type, source_id, member_id, paid_at, minute_known, paid_fen, receipt_no,
  number_key, differs, seen_at)
SELECT scored_by, id, shop_id, channel, 'history', id, member_id, paid_at, true, paid_fen, receipt_no, receipt_no, '[]'::jsonb, recorded_at
FROM sales
"""

AWARDS = """
INSERT INTO points_awards (state, moves, moved_at, sale_id, member_id, shop_id, points, growth, base_fen, paid_fen, parts, caps, reason,
  explanation, facts, paid_at, earned_at, active_from_at, expires_at, transfer_id)
SELECT CASE WHEN r.points = 0 THEN 'nothing' WHEN s.scored_at + r.wait <= %(now)s::timestamptz THEN 'active' ELSE 'pending' END,
  0, s.scored_at, s.id, s.member_id, s.shop_id, r.points, s.paid_fen / 100, s.paid_fen, s.paid_fen,
  CASE WHEN r.points = 0 THEN '[]'::jsonb ELSE jsonb_build_array(jsonb_build_object('code', rule.code, 'version', rule.version,
    'rule_id', rule.id, 'kind', 'base', 'title', jsonb_build_object('zh', rule.title_zh, 'en', rule.title_en),
    'rate', '1 分/元', 'points', r.points, 'shop_points', 0)) END, '[]'::jsonb,
  CASE WHEN r.points = 0 THEN 'too_small' END,
  jsonb_build_object('zh', format('%%s 分 = ¥%%s × 1 分/元', r.points, to_char(s.paid_fen / 100.0, 'FM999999990.00')),
    'en', format('%%s points = ¥%%s × 1 point per yuan', r.points, to_char(s.paid_fen / 100.0, 'FM999999990.00'))),
  jsonb_build_object('base_fen', s.paid_fen, 'paid_fen', s.paid_fen, 'minute_known', true, 'channel', s.channel, 'shop_id', s.shop_id,
    'site_id', shops.site_id, 'category', shops.category, 'shop_rate_bp', shops.points_rate_bp, 'shop_excluded', false, 'level', 0,
    'level_bp', 10000, 'paid_at', to_char(s.paid_at AT TIME ZONE %(zone)s, 'YYYY-MM-DD"T"HH24:MI:SS')
      || CASE WHEN o.ahead < interval '0' THEN '-' ELSE '+' END || to_char(greatest(o.ahead, -o.ahead), 'HH24:MI'),
    'refunded_fen', 0, 'by', 'history', 'capped', false), s.paid_at, s.scored_at, s.scored_at + r.wait,
  (date_trunc('year', s.scored_at AT TIME ZONE %(zone)s) + interval '2 years') AT TIME ZONE %(zone)s,
  CASE WHEN r.points > 0 THEN nextval(pg_get_serial_sequence('ledger_transfers', 'id')) END
FROM sales s JOIN shops ON shops.id = s.shop_id JOIN points_rules rule ON rule.code = 'standard' AND rule.version = 1
CROSS JOIN LATERAL (SELECT (s.paid_fen * shops.points_rate_bp / 1000000) AS points, make_interval(days => %(wait)s) AS wait) r
CROSS JOIN LATERAL (SELECT (s.paid_at AT TIME ZONE %(zone)s) - (s.paid_at AT TIME ZONE 'UTC') AS ahead) o
"""

#: One transfer an award, from the mall as bearer to the member: pending points still wait in an account of their own.
TRANSFERS = """
INSERT INTO ledger_transfers (id, cause_type, cause_id, digest, posted_at)
SELECT transfer_id, 'sale', sale_id::text, '', earned_at FROM points_awards WHERE points > 0
"""

ACCOUNTS = """
INSERT INTO ledger_accounts (owner_kind, owner_id, asset, balance)
SELECT 'member', member_id, asset, sum(points) FROM (
  SELECT member_id, CASE state WHEN 'active' THEN 'points' ELSE 'points_pending' END AS asset, points FROM points_awards WHERE points > 0
  UNION ALL SELECT member_id, 'growth', growth FROM points_awards WHERE points > 0 AND growth > 0) a GROUP BY member_id, asset
UNION ALL SELECT 'bearer', 0, asset, NULL::bigint FROM (VALUES ('points'), ('points_pending'), ('growth')) v (asset)
"""

ENTRIES = """
WITH moved AS (
  SELECT a.transfer_id, a.member_id, a.earned_at, v.asset, v.amount FROM points_awards a
  CROSS JOIN LATERAL (VALUES
    (CASE a.state WHEN 'active' THEN 'points' ELSE 'points_pending' END, a.points), ('growth', a.growth)) v (asset, amount)
  WHERE v.amount > 0 AND a.transfer_id IS NOT NULL
)
INSERT INTO ledger_entries (transfer_id, account_id, amount, balance_after, posted_at)
SELECT m.transfer_id, acc.id, m.amount, sum(m.amount) OVER (PARTITION BY acc.id ORDER BY m.transfer_id), m.earned_at
  FROM moved m JOIN ledger_accounts acc ON acc.owner_kind = 'member' AND acc.owner_id = m.member_id AND acc.asset = m.asset
UNION ALL
SELECT m.transfer_id, acc.id, -m.amount, NULL, m.earned_at
  FROM moved m JOIN ledger_accounts acc ON acc.owner_kind = 'bearer' AND acc.owner_id = 0 AND acc.asset = m.asset
ORDER BY 1
"""

BATCHES = """
INSERT INTO points_batches (member_id, origin_type, origin_id, points, left_points, earned_at, expires_at)
SELECT member_id, 'award', id, points, points, earned_at, expires_at FROM points_awards WHERE state = 'active' ORDER BY earned_at
"""


GROWTH = """
INSERT INTO growth_entries (member_id, growth, cause, earned_at)
SELECT member_id, growth, 'points_award:' || id, earned_at FROM points_awards WHERE growth > 0 AND points > 0
"""

#: Each member has the level that the growth of the last twelve months reaches.
LEVELS = """
WITH grown AS (
  SELECT member_id, sum(growth) AS growth FROM growth_entries GROUP BY member_id
)
UPDATE members m SET growth = grown.growth, level_rank = l.rank,
  level_until_on = CASE WHEN l.rank > 0 THEN (%(now)s::timestamptz + interval '1 year')::date END
FROM grown CROSS JOIN LATERAL (SELECT max(rank) AS rank FROM levels WHERE reach_growth <= grown.growth) l WHERE m.id = grown.member_id
"""


def write(sales: int) -> None:
    """Write it all in the open transaction, for the entered mall."""
    info = malls.mall_info()
    arguments = {"sales": sales, "now": clock.now(), "zone": info.timezone, "wait": info.policy.of(PointsRules).return_window_days}
    connection = session.connection()
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    # Nothing has been analysed yet: without this the planner takes the new tables for small and loops over them.
    connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
    connection.exec_driver_sql("SET LOCAL work_mem = '128MB'")
    connection.exec_driver_sql("SELECT setseed(0.42)")
    for statement in (SALES, SIGHTINGS, AWARDS, TRANSFERS, ACCOUNTS, ENTRIES, BATCHES, GROWTH, LEVELS):
        connection.exec_driver_sql(statement, arguments)
