"""The SQL of the ledger. Posting is one statement, so that the locks on running balances (members', cards') live as short as they can."""

from __future__ import annotations

#: Lock the accounts of members and cards in id order, refuse below the floor before anything is written, then write all of it.
#: A missing account is created by the upsert that adds to it (an upsert alone would check the floor on the change, not on
#: the sum). The others' accounts are never locked.
POST = """
WITH wanted AS (
  SELECT * FROM unnest(%(kinds)s::text[], %(ids)s::bigint[], %(assets)s::text[], %(amounts)s::bigint[], %(overdrafts)s::boolean[])
    AS w(owner_kind, owner_id, asset, amount, overdraft)
), held AS (
  SELECT a.id, a.owner_kind, a.owner_id, a.asset, a.balance FROM ledger_accounts a JOIN wanted w USING (owner_kind, owner_id, asset)
  WHERE owner_kind IN ('member', 'card') ORDER BY a.id FOR UPDATE OF a
), fits AS (
  SELECT coalesce(bool_and(w.overdraft OR w.amount > 0 OR coalesce(h.balance, 0) + w.amount >= 0), true) AS yes
  FROM wanted w LEFT JOIN held h USING (owner_kind, owner_id, asset) WHERE w.owner_kind IN ('member', 'card')
), transfer AS (
  INSERT INTO ledger_transfers (cause_type, cause_id, undoes, note, digest, posted_at)
  SELECT %(cause_type)s, %(cause_id)s, %(undoes)s::bigint, %(note)s, %(digest)s, %(at)s::timestamptz FROM fits WHERE yes
  ON CONFLICT DO NOTHING RETURNING id
), moved AS (
  UPDATE ledger_accounts a SET balance = a.balance + w.amount
  FROM held h JOIN wanted w USING (owner_kind, owner_id, asset) CROSS JOIN transfer
  WHERE a.id = h.id
  RETURNING a.id, a.owner_kind, a.owner_id, a.asset, a.balance
), begun AS (
  INSERT INTO ledger_accounts AS a (owner_kind, owner_id, asset, balance)
  SELECT owner_kind, owner_id, asset, amount FROM wanted CROSS JOIN transfer
  WHERE owner_kind IN ('member', 'card') AND (owner_kind, owner_id, asset) NOT IN (SELECT owner_kind, owner_id, asset FROM held)
  ORDER BY owner_kind, owner_id, asset
  ON CONFLICT (mall_id, owner_kind, owner_id, asset) DO UPDATE SET balance = a.balance + excluded.balance
  RETURNING a.id, a.owner_kind, a.owner_id, a.asset, a.balance
), running AS (
  TABLE moved UNION ALL TABLE begun
), standing AS (
  SELECT a.id, a.owner_kind, a.owner_id, a.asset, a.balance
  FROM ledger_accounts a JOIN wanted w USING (owner_kind, owner_id, asset) WHERE owner_kind NOT IN ('member', 'card')
), opened AS (
  INSERT INTO ledger_accounts AS a (owner_kind, owner_id, asset)
  SELECT owner_kind, owner_id, asset FROM wanted w CROSS JOIN transfer
  WHERE owner_kind NOT IN ('member', 'card') AND NOT EXISTS (
    SELECT FROM standing s WHERE (s.owner_kind, s.owner_id, s.asset) = (w.owner_kind, w.owner_id, w.asset))
  ORDER BY owner_kind, owner_id, asset
  ON CONFLICT (mall_id, owner_kind, owner_id, asset) DO UPDATE SET asset = a.asset
  RETURNING a.id, a.owner_kind, a.owner_id, a.asset, a.balance
), lines AS (
  INSERT INTO ledger_entries (transfer_id, account_id, amount, balance_after, posted_at)
  SELECT transfer.id, a.id, w.amount, a.balance, %(at)s::timestamptz
  FROM transfer CROSS JOIN wanted w
  JOIN (TABLE running UNION ALL TABLE standing UNION ALL TABLE opened) a USING (owner_kind, owner_id, asset)
)
SELECT transfer.id, running.owner_id, running.asset, running.balance, running.owner_kind FROM transfer LEFT JOIN running ON true
"""

EARLIER = "SELECT id, digest FROM ledger_transfers WHERE cause_type = %(cause_type)s AND cause_id = %(cause_id)s"

#: Lines of the proof: (what, subject, expected, found).
PROOF = """
WITH summed AS (SELECT account_id, sum(amount) AS total, min(transfer_id) AS transfer_id FROM ledger_entries GROUP BY account_id)
SELECT 'balance', a.owner_kind || ':' || a.owner_id || ' ' || a.asset, coalesce(s.total, 0)::bigint, a.balance
  FROM ledger_accounts a LEFT JOIN summed s ON s.account_id = a.id
  WHERE a.balance IS NOT NULL AND a.balance <> coalesce(s.total, 0)
UNION ALL
SELECT 'account', 'account ' || s.account_id || ' of transfer ' || s.transfer_id, 1, 0
  FROM summed s WHERE NOT EXISTS (SELECT FROM ledger_accounts a WHERE a.id = s.account_id)
UNION ALL
SELECT 'transfer', 'transfer ' || e.transfer_id || ' ' || coalesce(a.asset, '?'), 0, sum(e.amount)::bigint
  FROM ledger_entries e LEFT JOIN ledger_accounts a ON a.id = e.account_id
  GROUP BY e.transfer_id, a.asset HAVING sum(e.amount) <> 0
UNION ALL
SELECT 'empty', 'transfer ' || t.id, 2, 0 FROM ledger_transfers t
  WHERE NOT EXISTS (SELECT FROM ledger_entries e WHERE e.transfer_id = t.id)
UNION ALL
SELECT 'rollup', a.owner_kind || ':' || a.owner_id || ' ' || a.asset, coalesce(sum(e.amount), 0)::bigint, r.balance
  FROM ledger_rollups r JOIN ledger_accounts a ON a.id = r.account_id
  LEFT JOIN ledger_entries e ON e.account_id = r.account_id AND e.id <= r.through_entry_id
  GROUP BY r.id, a.owner_kind, a.owner_id, a.asset, r.balance HAVING coalesce(sum(e.amount), 0) <> r.balance
ORDER BY 1, 2
"""

#: Add the entries since the last roll-up, up to one that no open transaction can still precede.
ROLL_UP = """
INSERT INTO ledger_rollups AS r (account_id, through_entry_id, balance, rolled_at)
SELECT a.id, bound.id, coalesce(old.balance, 0) + coalesce(fresh.total, 0), %(at)s::timestamptz
FROM ledger_accounts a
CROSS JOIN (SELECT max(id) AS id FROM ledger_entries WHERE posted_at < %(settled)s::timestamptz) bound
LEFT JOIN ledger_rollups old ON old.account_id = a.id
CROSS JOIN LATERAL (
  SELECT sum(e.amount) AS total FROM ledger_entries e
  WHERE e.account_id = a.id AND e.id > coalesce(old.through_entry_id, 0) AND e.id <= bound.id
) fresh
WHERE a.balance IS NULL AND bound.id IS NOT NULL AND bound.id >= coalesce(old.through_entry_id, 0)
ON CONFLICT (account_id) DO UPDATE
  SET through_entry_id = excluded.through_entry_id, balance = excluded.balance, rolled_at = excluded.rolled_at
"""

BALANCES = """
SELECT a.asset, coalesce(a.balance, coalesce(r.balance, 0) + (
  SELECT coalesce(sum(e.amount), 0) FROM ledger_entries e WHERE e.account_id = a.id AND e.id > coalesce(r.through_entry_id, 0)))::bigint
FROM ledger_accounts a LEFT JOIN ledger_rollups r ON r.account_id = a.id
WHERE a.owner_kind = %(kind)s AND a.owner_id = %(id)s AND a.asset = ANY(%(assets)s::text[])
"""

#: Balances of many owners that run one.
RUNNING = """
SELECT owner_id, asset, balance FROM ledger_accounts
WHERE owner_kind = %(kind)s AND owner_id = ANY(%(ids)s::bigint[]) AND asset = ANY(%(assets)s::text[])
"""

#: opening + in - out = closing of every account of some assets, over a span of time, in one pass over the entries. A running balance
#: gives the closing of its account from the other end, so the two can disagree. Rows: first the sums by kind of owner (owner_id NULL),
#: then each account of the asked kind that moved or disagrees: (owner_kind, owner_id, asset, opening, came, went, closing).
TURNOVER = """
WITH summed AS (
  SELECT e.account_id,
    coalesce(sum(e.amount) FILTER (WHERE e.posted_at < %(since)s::timestamptz), 0)::bigint AS opening,
    coalesce(sum(e.amount) FILTER (WHERE e.amount > 0 AND s.inside), 0)::bigint AS came,
    coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0 AND s.inside), 0)::bigint AS went,
    coalesce(sum(e.amount) FILTER (WHERE e.posted_at >= %(until)s::timestamptz), 0)::bigint AS later
  FROM ledger_entries e
  CROSS JOIN LATERAL (SELECT e.posted_at >= %(since)s::timestamptz AND e.posted_at < %(until)s::timestamptz AS inside) s
  WHERE e.account_id IN (SELECT id FROM ledger_accounts WHERE asset = ANY(%(assets)s::text[]))
  GROUP BY e.account_id
), lines AS MATERIALIZED (
  SELECT a.owner_kind, a.owner_id, a.asset, coalesce(s.opening, 0) AS opening, coalesce(s.came, 0) AS came, coalesce(s.went, 0) AS went,
    coalesce(a.balance - coalesce(s.later, 0), coalesce(s.opening + s.came - s.went, 0)) AS closing
  FROM ledger_accounts a LEFT JOIN summed s ON s.account_id = a.id WHERE a.asset = ANY(%(assets)s::text[])
)
SELECT owner_kind, NULL::bigint AS owner_id, asset, sum(opening)::bigint, sum(came)::bigint, sum(went)::bigint, sum(closing)::bigint
FROM lines GROUP BY owner_kind, asset
UNION ALL
(SELECT * FROM lines WHERE owner_kind = %(kind)s AND (came > 0 OR went > 0 OR opening <> closing) ORDER BY owner_id, asset)
"""

#: What moved one kind of owner's accounts, by cause. Rows: (asset, cause_type, came, went).
BY_CAUSE = """
SELECT a.asset, t.cause_type, coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0)::bigint,
  coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0)::bigint
FROM ledger_transfers t JOIN ledger_entries e ON e.transfer_id = t.id JOIN ledger_accounts a ON a.id = e.account_id
WHERE t.posted_at >= %(since)s::timestamptz AND t.posted_at < %(until)s::timestamptz
  AND a.owner_kind = %(kind)s AND a.asset = ANY(%(assets)s::text[])
GROUP BY a.asset, t.cause_type ORDER BY a.asset, t.cause_type
"""

#: What the transfers of some causes moved on one account.
BY_CAUSES = """
SELECT t.cause_type, t.cause_id, sum(e.amount)
FROM unnest(%(types)s::text[], %(ids)s::text[]) AS w(cause_type, cause_id)
JOIN ledger_transfers t USING (cause_type, cause_id)
JOIN ledger_entries e ON e.transfer_id = t.id
JOIN ledger_accounts a ON a.id = e.account_id
WHERE (a.owner_kind, a.owner_id, a.asset) = (%(kind)s, %(owner)s, %(asset)s)
GROUP BY 1, 2
"""
