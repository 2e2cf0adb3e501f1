"""A mall where money moves, for the measurements of payments: the demo mall with its merchant accounts, its plates and its shoppers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import delete, select

from api.checkout.models import Order, OrderLine, OrderShare
from api.checkout.service import holds, quotes
from api.kit import clock, db, identity, states
from api.kit.db import session
from api.ledger import service as ledger
from api.malls import service as malls
from api.malls.models import Mall, Shop
from api.members.models import Member, MemberIdentity
from api.payments import service as payments
from api.payments.models import MerchantAccount, Payment
from api.payments.states import PaymentState
from api.plates.models import Plate
from api.purchases.baskets import Buyer
from bench.stage import Stage, stage
from deploy import demo, merchants
from wechat.simulator.people import People
from wechat.simulator.settings import Settings as WeChat

NUMBER = "PB{:022d}"  # of the payments that `hold` makes
#: What the orders of `hold` cost: a hundred amounts that earn the same points.
LEAST_FEN, AMOUNTS = 8_800, 100


@dataclass
class Street:
    """The place, its mall, its shops (those that earn at the mall's own rate) with their plates, its members, the mall's WeChat account."""

    place: Stage
    mall: int
    shops: list[int]
    plates: dict[int, str]
    members: list[int]
    account: MerchantAccount
    keys: Path

    def token(self, member_id: int) -> str:
        """What a signed-in member sends."""
        return identity.access_token("member", member_id, self.mall, session_id="bench")

    def more_shops(self, count: int) -> None:
        """So many further shops in a row, like the first one; from now on only these are the street's."""
        first = self._copies("shops", self.shops[0], count, code="'B' || lpad(n::text, 6, '0')", unit="'B-' || n")
        self.shops = list(range(first, first + count))

    def hold(self, count: int) -> Held:
        """So many orders of one line each that wait for their WeChat payment: one made by the app itself, the rest copies of its rows."""
        with db.unit_of_work(self.mall):
            order, payment = self._order()
            line = session.scalars(select(OrderLine.id).where(OrderLine.order_id == order.id)).one()
            share = session.scalars(select(OrderShare.id).where(OrderShare.order_id == order.id)).one()
        member = f"{self.members[0]} + n % {len(self.members)}"
        shop = f"{self.shops[0]} + n % {len(self.shops)}"
        fen = f"{LEAST_FEN} + n % {AMOUNTS}"
        first = self._first("orders"), self._first("payments")
        later = "now() + interval '1 day'"
        self._copies("orders", order.id, count, number="'B' || lpad(n::text, 17, '0')", member_id=member, shop_id=shop, total_fen=fen,
                     gateway_fen=fen, payment_id=f"{first[1]} + n", placed_by=f"'member:' || ({member})", expires_at=later)  # fmt: skip
        self._copies("order_lines", line, count, order_id=f"{first[0]} + n", shop_id=shop, net_fen=fen, list_fen=fen)
        self._copies("order_shares", share, count, order_id=f"{first[0]} + n", amount_fen=fen)
        self._copies("payments", payment.id, count, number="'PB' || lpad(n::text, 22, '0')", order_id=f"{first[0]} + n", amount_fen=fen,
                     next_ask_at="NULL", expires_at=later)  # fmt: skip
        with psycopg.connect(self.place.postgres.url("bench", "postgres"), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        return Held(self, count, *first)

    def _order(self) -> tuple[Order, Payment]:
        who = self.members[0]
        purchase = {"kind": "charge", "amount_fen": LEAST_FEN, "excluded_fen": 0}
        basket = quotes.basket_of(purchase, Buyer(shop_id=self.shops[0]))
        order, _ = holds.place(
            quotes.quote(basket, who, {"points": 0, "card_ids": []}), member_id=who, payer_id=None, placed_by=f"member:{who}"
        )
        payment = payments.intend(
            channel="wechat", account=self.account, order_id=order.id, amount_fen=order.gateway_fen, description=order.title,
            payer_subject=People(WeChat.seed).openid(f"shopper-{who}", WeChat.appid), expires_at=clock.now() + timedelta(days=1),
        )  # fmt: skip
        states.move(payment, PaymentState.PLACED, by="bench", placed_at=clock.now(), placed_with={"prepay_id": "bench"})
        order.payment_id, order.channel = payment.id, "wechat"
        session.flush()
        return order, payment

    def _first(self, table: str) -> int:
        with psycopg.connect(self.place.postgres.url("bench", "postgres")) as connection:
            row = connection.execute(sql.SQL("SELECT coalesce(max(id), 0) + 1 FROM {}").format(sql.Identifier(table))).fetchone()
        assert row is not None
        return int(row[0])

    def _copies(self, table: str, row_id: int, count: int, **differing: str) -> int:
        """Copies of a row with ids in a row, numbered n = 0, 1, …; `other` says in SQL what differs. The first id."""
        first = self._first(table)
        with psycopg.connect(self.place.postgres.url("bench", "postgres")) as connection:
            columns = [
                name
                for (name,) in connection.execute(
                    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
                    "AND attgenerated = ''",
                    [table],
                )
            ]
            values = {"id": f"{first} + n"} | differing
            connection.execute(
                sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} AS t, generate_series(0, {}) AS n WHERE t.id = {}").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, columns)),
                    sql.SQL(", ").join(sql.SQL(values[name]) if name in values else sql.Identifier("t", name) for name in columns),
                    sql.Identifier(table),
                    sql.Literal(count - 1),
                    sql.Literal(row_id),
                )
            )
            connection.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, first + count - 1])
        return first


@dataclass(frozen=True)
class Held:
    """Held orders and their payments, numbered from 0: ids in a row, members, shops and amounts in turn."""

    street: Street
    count: int
    first_order: int
    first_payment: int

    def member(self, number: int) -> int:
        """Whose order it is."""
        return self.street.members[0] + number % len(self.street.members)

    def shop(self, number: int) -> int:
        """Where."""
        return self.street.shops[0] + number % len(self.street.shops)

    def fen(self, number: int) -> int:
        """What it costs."""
        return LEAST_FEN + number % AMOUNTS


def gateway_no(number: int) -> str:
    """What WeChat Pay calls the payment of a held order."""
    return f"4200{number:024d}"


@contextmanager
def street(*, shoppers: int, sales_a_member: int = 2, options: dict[str, str] | None = None) -> Iterator[Street]:
    """A demo mall with so many members who are known to the WeChat simulator, on servers that are ended afterwards."""
    with stage(options=options) as place:
        demo.fill(people=shoppers, sales_a_member=sales_a_member, env=place.env)
        merchants.add_accounts()
        with db.unit_of_work():
            mall_id = session.scalars(select(Mall.id)).one()
            db.enter(mall_id)
            malls.change_policy({"return_window_days": 0}, by="bench", why="points at once")
            at_rate = list(session.scalars(select(Shop.id).where(Shop.points_rate_bp == 10_000).order_by(Shop.id)))
            plates = {row.shop_id: row.code for row in session.scalars(select(Plate).where(Plate.shop_id.in_(at_rate)))}
            members = list(session.scalars(select(Member.id).order_by(Member.id)))
            _know(members)
            account = payments.accounts(channel="wechat", limit=1).items[0]
        yield Street(place, mall_id, at_rate, plates, members, account, merchants.SIMULATORS / "wechat")
        db.engine().dispose()


def _know(members: list[int]) -> None:
    """Every member has the openid that the simulator gives to a person called shopper-<id>."""
    people = People(WeChat.seed)
    session.execute(delete(MemberIdentity).where(MemberIdentity.channel == "wechat"))
    session.add_all(
        MemberIdentity(
            member_id=number, channel="wechat", app_id=WeChat.appid, subject=people.openid(f"shopper-{number}", WeChat.appid),
            first_seen_at=clock.now(),
        )
        for number in members
    )  # fmt: skip


def look(street: Street, held: Held) -> dict[str, int]:
    """How many of the held orders are settled, and what is wrong with those that were touched: every figure but the first should be 0."""
    return look_at(street, held.first_order, held.first_order + held.count - 1)


def look_at(street: Street, first: int, last: int) -> dict[str, int]:
    """The same of the orders from one id to another."""
    with psycopg.connect(street.place.postgres.url("bench", "postgres")) as connection:
        row = connection.execute(_LOOK, {"first": first, "last": last}).fetchone()
    assert row is not None
    with db.unit_of_work(street.mall):
        wrong = len(ledger.prove())
    names = ("settled", "paid_by_half", "not_one_sale", "not_one_award", "differences_found_by_the_proof")
    return dict(zip(names, (*row, wrong), strict=True))


_LOOK = """
WITH touched AS (
  SELECT o.id, o.shop_id, o.state AS order_state, p.state AS payment_state FROM orders o JOIN payments p ON p.id = o.payment_id
  WHERE o.id BETWEEN %(first)s AND %(last)s AND (o.state <> 'held' OR p.state <> 'placed')
), parts AS (
  SELECT t.id, count(p.id) AS parts,
    coalesce(sum((SELECT count(*) FROM sale_sightings s WHERE s.sale_id = p.sale_id)), 0) AS sightings,
    coalesce(sum((SELECT count(*) FROM points_awards a WHERE a.sale_id = p.sale_id AND a.points = p.points)), 0) AS awards
  FROM touched t LEFT JOIN order_parts p ON p.order_id = t.id GROUP BY t.id
)
SELECT (SELECT count(*) FROM touched WHERE order_state = 'paid' AND payment_state = 'paid'),
  (SELECT count(*) FROM touched WHERE order_state <> 'paid' OR payment_state <> 'paid'),
  (SELECT count(*) FROM parts WHERE parts <> 1 OR sightings <> 1),
  (SELECT count(*) FROM parts WHERE awards <> 1)
"""
