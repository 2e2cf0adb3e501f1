"""What must be true of every world when nothing moves any more."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.kit import db
from api.ledger import service as ledger
from api.payments import service as payments
from tests.simulation.world import BEGINS, World


def check(world: World) -> None:
    """Every book against every other; what does not agree is a violation."""
    with db.unit_of_work(world.mall):
        for line in ledger.prove():
            world.wrong("the ledger does not prove:", line)
    for one in (_orders, _shares, _holds, _sales, _points, _cards, _refunds, _gateways, _cash, _acknowledged, _notices, _bills, _insider):
        one(world)


def _none(world: World, says: str, sql: str) -> None:
    for row in world.rows(sql):
        world.wrong(says, row)


def _orders(world: World) -> None:
    _none(
        world, "an order was paid more or less than once:",
        """SELECT o.id, o.state, o.gateway_fen, kept.fen FROM orders o CROSS JOIN LATERAL (
             SELECT coalesce(sum(p.amount_fen), 0) - coalesce(sum(r.amount_fen), 0) AS fen FROM payments p
             LEFT JOIN payment_refunds r ON r.payment_id = p.id AND r.cause_type = 'late_money' AND r.state = 'done'
             WHERE p.order_id = o.id AND p.state = 'paid') kept
           WHERE o.mall_id = %s AND kept.fen <> CASE WHEN o.state IN ('paid', 'refunded') THEN o.gateway_fen ELSE 0 END""",
    )  # fmt: skip
    _none(
        world,
        "an order was refunded but not whole:",
        "SELECT id FROM orders WHERE mall_id = %s AND (state = 'refunded') <> (refunded_fen = total_fen)",
    )
    _none(
        world, "an order is paid by a payment that is not:",
        """SELECT o.id, p.state FROM orders o LEFT JOIN payments p ON p.id = o.payment_id
           WHERE o.mall_id = %s AND o.state IN ('paid', 'refunded') AND o.gateway_fen > 0 AND (p.id IS NULL OR p.state <> 'paid')""",
    )  # fmt: skip


def _shares(world: World) -> None:
    _none(
        world, "Σ tenders is not the total:",
        """SELECT o.id, o.total_fen, s.fen, o.gateway_fen, s.gateway, o.refunded_fen, s.back, l.fen FROM orders o
           JOIN LATERAL (SELECT sum(amount_fen) AS fen, sum(refunded_fen) AS back,
             coalesce(sum(amount_fen) FILTER (WHERE tender = 'gateway'), 0) AS gateway FROM order_shares WHERE order_id = o.id) s ON true
           JOIN LATERAL (SELECT sum(net_fen) AS fen FROM order_lines WHERE order_id = o.id) l ON true
           WHERE o.mall_id = %s AND (o.total_fen, o.total_fen, o.gateway_fen, o.refunded_fen) IS DISTINCT FROM (s.fen, l.fen, s.gateway, s.back)""",  # noqa: E501
    )  # fmt: skip
    _none(
        world, "a line is paid more or less than it costs:",
        """SELECT l.order_id, l.line FROM order_lines l LEFT JOIN order_shares s ON (s.order_id, s.line) = (l.order_id, l.line)
           WHERE l.mall_id = %s GROUP BY l.id HAVING sum(s.amount_fen) <> l.net_fen""",
    )  # fmt: skip
    _none(
        world, "the bearers of a share do not add up:",
        """SELECT s.id, s.bearers FROM order_shares s JOIN orders o ON o.id = s.order_id
           CROSS JOIN LATERAL (SELECT sum((b->>'fen')::bigint) AS fen, sum((b->>'returned_fen')::bigint) AS back
                               FROM jsonb_array_elements(s.bearers) b) b
           WHERE s.mall_id = %s AND o.state IN ('paid', 'refunded') AND s.tender IN ('points', 'stored_bonus')
             AND (b.fen, b.back) IS DISTINCT FROM (s.amount_fen, s.refunded_fen)""",
    )  # fmt: skip
    _none(
        world, "Σ given refunds is not what an order says came back:",
        """SELECT o.id, o.refunded_fen FROM orders o WHERE o.mall_id = %s AND o.refunded_fen <> (
             SELECT coalesce(sum(amount_fen), 0) FROM order_refunds r WHERE r.order_id = o.id AND r.state IN ('given', 'done', 'stuck'))""",
    )  # fmt: skip


def _holds(world: World) -> None:
    """What an order took is taken while it is paid, and back when it is closed; each earlier hold is back."""
    for order_id, state, holds, member_id in world.rows(
        "SELECT id, state, hold_count, member_id FROM orders WHERE mall_id = %s AND member_id IS NOT NULL"
    ):
        for number in range(1, holds + 1):
            kept = number == holds and state in ("paid", "refunded")
            cause = f"{order_id}:{number}"
            for took, gave in (("order", "order_release"), ("order_hold", "order_release_card")):
                taken = world.rows("SELECT id FROM ledger_transfers WHERE mall_id = %s AND cause_type = %s AND cause_id = %s", took, cause)
                given = world.rows("SELECT id FROM ledger_transfers WHERE mall_id = %s AND cause_type = %s AND cause_id = %s", gave, cause)
                if taken and bool(given) == kept:
                    world.wrong("a hold is", "back although paid" if kept else "kept although closed", cause, took, state, member_id)


def _sales(world: World) -> None:
    _none(
        world, "a paid order has not one sale for each shop:",
        """SELECT o.id, o.state FROM orders o WHERE o.mall_id = %s AND o.kind <> 'recharge' AND (
             SELECT coalesce(array_agg(DISTINCT shop_id ORDER BY shop_id) FILTER (WHERE shop_id IS NOT NULL), '{}')
               FROM order_lines l WHERE l.order_id = o.id
               AND o.state IN ('paid', 'refunded'))
           <> (SELECT coalesce(array_agg(s.shop_id ORDER BY s.shop_id), '{}') FROM order_parts p JOIN sales s ON s.id = p.sale_id
               WHERE p.order_id = o.id)""",
    )  # fmt: skip
    _none(world, "two orders share a sale:", "SELECT sale_id FROM order_parts WHERE mall_id = %s GROUP BY sale_id HAVING count(*) > 1")
    _none(
        world, "a sale is not what was paid and given back:",
        """SELECT p.order_id, s.paid_fen, p.paid_fen, s.refunded_fen, b.back FROM order_parts p JOIN sales s ON s.id = p.sale_id
           CROSS JOIN LATERAL (SELECT sum(h.refunded_fen) AS back FROM order_shares h
             JOIN order_lines l ON (l.order_id, l.line) = (h.order_id, h.line) WHERE h.order_id = p.order_id AND l.shop_id = p.shop_id) b
           WHERE p.mall_id = %s AND (s.paid_fen <> p.paid_fen OR s.refunded_fen <> b.back)""",
    )  # fmt: skip
    _none(
        world, "a purchase of a member has not one award:",
        """SELECT o.id, count(a.id) FROM orders o JOIN order_parts p ON p.order_id = o.id LEFT JOIN points_awards a ON a.sale_id = p.sale_id
           WHERE o.mall_id = %s GROUP BY o.id, p.id HAVING count(a.id) <> CASE WHEN o.member_id IS NULL THEN 0 ELSE 1 END""",
    )  # fmt: skip
    _none(
        world, "an award kept more than what was kept earns:",
        """SELECT o.id, a.points, a.taken_back FROM orders o JOIN order_parts p ON p.order_id = o.id JOIN points_awards a ON a.sale_id = p.sale_id
           WHERE o.mall_id = %s AND o.state = 'refunded' AND a.points <> a.taken_back""",  # noqa: E501
    )  # fmt: skip


def _points(world: World) -> None:
    _none(
        world, "batches hold other points than the account:",
        """SELECT a.owner_id, a.balance, b.left FROM ledger_accounts a
           CROSS JOIN LATERAL (SELECT coalesce(sum(left_points), 0) AS left FROM points_batches WHERE member_id = a.owner_id) b
           WHERE a.mall_id = %s AND a.owner_kind = 'member' AND a.asset = 'points' AND greatest(a.balance, 0) <> b.left""",
    )  # fmt: skip
    _none(
        world, "points of a refunded order did not all come back:",
        """SELECT o.id, o.points_spent, s.given_back FROM orders o
           JOIN points_spends s ON s.cause_type = 'order' AND s.cause_id = o.id || ':' || o.hold_count
           WHERE o.mall_id = %s AND o.state = 'refunded' AND s.given_back <> s.points""",
    )  # fmt: skip


def _insider(world: World) -> None:
    pair = f"('staff:{world.insider.number}', 'staff:{world.puppet.number}')"
    _none(
        world, "one person made value alone:",
        f"SELECT id, act FROM approvals WHERE mall_id = %s AND state = 'done' AND asked_by IN {pair} AND decided_by IN {pair}",
    )  # fmt: skip
    _none(world, "one person made a package alone:", "SELECT id FROM recharge_packages WHERE mall_id = %s AND pays_fen = 100")
    _none(
        world, "one person raised a limit alone:",
        "SELECT id FROM malls WHERE id = %s AND (policy->>'adjustment_limit_points')::bigint = 1000000",
    )  # fmt: skip
    _none(
        world, "one person gave one member more points in a day than one may:",
        f"""SELECT a.member_id, sum(abs(b.points)) FROM points_adjustments a
           JOIN points_adjustments b ON b.member_id = a.member_id AND b.state = 'posted'
             AND b.decided_by IN {pair} AND b.proposed_by IN {pair}
             AND b.proposed_at BETWEEN a.proposed_at AND a.proposed_at + interval '23 hours'
           WHERE a.mall_id = %s AND a.state = 'posted' AND a.decided_by IN {pair} AND a.proposed_by IN {pair}
           GROUP BY a.id HAVING sum(abs(b.points)) > 1000""",
    )  # fmt: skip


def _cards(world: World) -> None:
    _none(
        world, "grants hold another bonus than the card:",
        """SELECT a.owner_id, a.balance, g.left FROM ledger_accounts a
           CROSS JOIN LATERAL (SELECT coalesce(sum(left_fen), 0) AS left FROM bonus_grants WHERE card_id = a.owner_id) g
           WHERE a.mall_id = %s AND a.owner_kind = 'card' AND a.asset = 'bonus_fen' AND a.balance <> g.left""",
    )  # fmt: skip
    _none(
        world, "the mall owes other principal than is on cards:",
        """SELECT sum(e.amount) FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id
           WHERE e.mall_id = %s AND a.asset = 'principal_fen' HAVING sum(e.amount) <> 0""",
    )  # fmt: skip
    _none(
        world, "a recharge does not belong to a paid order once:",
        """SELECT o.id, o.state, count(r.id) FROM orders o LEFT JOIN recharges r ON r.order_id = o.id
           WHERE o.mall_id = %s AND o.kind = 'recharge' GROUP BY o.id HAVING count(r.id) <> CASE WHEN o.state IN ('paid', 'refunded') THEN 1 ELSE 0 END""",  # noqa: E501
    )  # fmt: skip


def _refunds(world: World) -> None:
    _none(
        world, "a recharge gave back other money than left its card:",
        """SELECT o.id, r.out_fen, o.refunded_fen FROM orders o JOIN recharges r ON r.order_id = o.id
           WHERE o.mall_id = %s AND r.out_fen <> o.refunded_fen""",
    )  # fmt: skip
    _none(
        world, "a payment's refunds do not add up:",
        """SELECT p.id, p.amount_fen, p.refunding_fen, p.refunded_fen, r.fen FROM payments p
           CROSS JOIN LATERAL (SELECT coalesce(sum(amount_fen) FILTER (WHERE state = 'done'), 0) AS fen FROM payment_refunds WHERE payment_id = p.id) r
           WHERE p.mall_id = %s AND (p.refunded_fen <> r.fen OR p.refunding_fen <> p.refunded_fen)""",  # noqa: E501
    )  # fmt: skip
    _none(
        world, "the gateway's part of a refund is another one:",
        """SELECT r.id, r.state, r.gateway_fen, g.amount_fen, g.state FROM order_refunds r LEFT JOIN payment_refunds g ON g.id = r.payment_refund_id
           WHERE r.mall_id = %s AND r.state IN ('given', 'done', 'stuck') AND (coalesce(g.amount_fen, 0) <> r.gateway_fen
             OR r.state <> 'done' OR coalesce(g.state, 'done') <> 'done')""",  # noqa: E501
    )  # fmt: skip


def sim_books(world: World) -> dict[str, tuple[bool, int, int, str]]:
    """As the gateways see it: our number → (whether its money is here, how much, how much came back, state)."""
    books: dict[str, tuple[bool, int, int, str]] = {}
    wechat, alipay = world.sides["wechat"].store, world.sides["alipay"].store
    back: dict[str, int] = defaultdict(int)
    for refund in wechat.refunds.values():
        if refund.status == "SUCCESS":
            back[refund.order.out_trade_no] += refund.amount
    for order in wechat.orders.values():
        paid = order.paid_at is not None and order.state != "REVOKED"
        books[order.out_trade_no] = (paid, order.total, back[order.out_trade_no], order.state)
    for trade in alipay.trades.values():
        cancelled = any(refund.out_request_no == trade.out_trade_no for refund in trade.refunds)
        paid = trade.paid_at is not None and not cancelled
        books[trade.out_trade_no] = (paid, trade.total, 0 if cancelled else trade.refunded, trade.status)
    return books


def _gateways(world: World) -> None:
    """The gateway's own books agree with ours, to the fen, payment by payment and refund by refund."""
    theirs = sim_books(world)
    ours = {row[0]: row[1:] for row in world.rows("SELECT number, state, amount_fen, refunded_fen FROM payments WHERE mall_id = %s")}
    for number, (paid, total, back, state) in theirs.items():
        if number not in ours:
            world.wrong("the gateway has a payment that we never made:", number)
            continue
        our_state, amount, refunded = ours[number]
        if (our_state == "paid") != paid:
            world.wrong("the gateway says", state, f"({'its money is here' if paid else 'no money'}), we say", our_state, number)
        elif paid and (amount, refunded) != (total, back):
            world.wrong("the gateway says", (total, back), "we say", (amount, refunded), number)
    for number, (our_state, *_) in ours.items():
        if our_state == "paid" and number not in theirs:
            world.wrong("we say paid, the gateway knows nothing:", number)


def _cash(world: World) -> None:
    """Each shop is owed what was paid for its lines and not given back; each gateway holds what its books say."""
    balances: dict[Any, int] = {
        (kind, owner): int(total)
        for kind, owner, total in world.rows(
            """SELECT a.owner_kind, a.owner_id, sum(e.amount) FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id
               WHERE e.mall_id = %s AND a.asset = 'cash_fen' GROUP BY 1, 2"""
        )
    }
    for shop_id, owed in world.rows(
        """SELECT l.shop_id, coalesce(sum(s.amount_fen - s.refunded_fen) FILTER (
             WHERE o.state IN ('paid', 'refunded') AND NOT (s.tender = 'gateway' AND coalesce(m.collects, 'mall') = 'shop')), 0)
           FROM order_shares s JOIN orders o ON o.id = s.order_id JOIN order_lines l ON (l.order_id, l.line) = (s.order_id, s.line)
           LEFT JOIN payments p ON p.id = o.payment_id LEFT JOIN merchant_accounts m ON m.id = p.account_id
           WHERE s.mall_id = %s AND l.shop_id IS NOT NULL GROUP BY l.shop_id"""
    ):
        if balances.get(("shop", shop_id), 0) != int(owed):
            world.wrong("a shop is owed", int(owed), "and its account says", balances.get(("shop", shop_id), 0))
    [(owed_to_mall,)] = world.rows(
        """SELECT coalesce(sum(CASE WHEN l.shop_id IS NULL THEN CASE WHEN s.tender = 'stored_principal' THEN 0 ELSE left_fen END
                               WHEN s.tender = 'stored_principal' THEN -left_fen ELSE 0 END), 0)
             - (SELECT coalesce(sum(deducted_fen), 0) FROM recharges r WHERE r.mall_id = o.mall_id)
           FROM malls m0 LEFT JOIN orders o ON o.mall_id = m0.id AND o.state IN ('paid', 'refunded')
           LEFT JOIN order_shares s ON s.order_id = o.id LEFT JOIN order_lines l ON (l.order_id, l.line) = (s.order_id, s.line)
           CROSS JOIN LATERAL (SELECT s.amount_fen - s.refunded_fen AS left_fen) v WHERE m0.id = %s GROUP BY o.mall_id"""
    )
    if balances.get(("mall", world.mall), 0) != int(owed_to_mall or 0):
        world.wrong("the mall is owed", int(owed_to_mall or 0), "and its account says", balances.get(("mall", world.mall), 0))
    theirs = sim_books(world)
    held: dict[int, int] = defaultdict(int)
    for number, account_id, collects in world.rows(
        "SELECT p.number, p.account_id, m.collects FROM payments p JOIN merchant_accounts m ON m.id = p.account_id WHERE p.mall_id = %s"
    ):
        paid, total, back, _ = theirs.get(number, (False, 0, 0, ""))
        if paid and collects == "mall":
            held[account_id] += total - back
    for account_id in {*held, *(owner for kind, owner in balances if kind == "gateway" and owner)}:
        if -balances.get(("gateway", account_id), 0) != held[account_id]:
            world.wrong("a gateway holds", held[account_id], "and its account says", -balances.get(("gateway", account_id), 0))


def _acknowledged(world: World) -> None:
    known = {row[0] for row in world.rows("SELECT number FROM orders WHERE mall_id = %s")}
    if lost := world.acknowledged - known:
        world.wrong("acknowledged orders are lost:", lost)


def _notices(world: World) -> None:
    _none(
        world,
        "a notice was refused:",
        "SELECT id, channel, event, trouble, facts FROM payment_notices WHERE mall_id = %s AND state <> 'handled'",
    )
    _none(world, "a genuine notice was taken for forged:", "SELECT id, channel, reason FROM notice_refusals WHERE mall_id = %s")


def _bills(world: World) -> None:
    """The bills that both gateways make of these days agree with payments, refunds and the ledger, line by line."""
    beijing = ZoneInfo("Asia/Shanghai")
    first, last = BEGINS.astimezone(beijing).date(), world.now.astimezone(beijing).date()
    world.tick(35 * 3_600)
    with db.unit_of_work(world.mall):
        accounts = payments.billed_accounts()
    for account_id in accounts:
        for day in (first + timedelta(days=number) for number in range((last - first).days + 1)):
            with db.unit_of_work(world.mall):
                bill = payments.reconcile(account_id, day)
            if bill.outcome not in ("agrees", "none"):
                world.wrong("the bill of", bill.channel, day, bill.outcome, bill.trouble or "")
    with db.unit_of_work(world.mall):
        for line in payments.differences(state="open", limit=100).items:
            told = (line.bill_fen, line.bill_says, "we", line.ours_fen, line.we_say)
            world.wrong("the bill differs:", line.kind, line.about, line.number, *told)
