"""Stored value of the demo mall: two recharge packages, gift cards of plastic, and members who recharged and paid."""

from __future__ import annotations

import random

from sqlalchemy import select

from api.kit import clock, db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry, Owner
from api.malls import service as malls
from api.members.models import Member
from api.wallet import service as wallet
from api.wallet.service import card_lifecycle, card_opening, card_stock, package_offers, products
from api.wallet.service.card_stock import Buyer, SaleLine

HOLDERS = 60
CARDS, SOLD = 20, 6
BY = "command"
#: (paid, on top, in Chinese, in English)
PACKAGES = ((50_000, 3_000, "充 500 送 30", "¥500 and ¥30 on top"), (100_000, 10_000, "充 1000 送 100", "¥1,000 and ¥100 on top"))


def write() -> None:
    """Fill the entered mall. Orders of the demo are numbered below zero, so that none of a real order's is taken."""
    kind = card_opening.standard_product()
    made = [
        package_offers.make_package(
            by=BY, product_id=kind.id, title_zh=zh, title_en=en, pays_fen=pays, bonus_fen=bonus, starts_at=clock.now(),
            ends_at=None, member_limit=None, bonus_bearer=0,
        )
        for pays, bonus, zh, en in PACKAGES
    ]  # fmt: skip
    chance = random.Random(7)
    member_ids = list(session.scalars(select(Member.id).order_by(Member.id).limit(HOLDERS)))
    shop_ids = sorted(malls.shop_names())
    order = 0
    for member_id in member_ids:
        package = chance.choice(made)
        order -= 1
        wallet.recharge(order, member_id, principal_fen=package.pays_fen, bonus_fen=package.bonus_fen, package_id=package.id)
        till, mall = Owner("gateway", 0), Owner("mall", db.mall())
        ledger.post("order_settle", order, [Entry(till, Asset.CASH_FEN, -package.pays_fen), Entry(mall, Asset.CASH_FEN, package.pays_fen)])
        for _ in range(chance.randrange(4)):
            order -= 1
            _pay(order, member_id, chance.choice(shop_ids), chance.randrange(18, 160) * 100)
    _gift_cards(member_ids)


def _pay(order: int, member_id: int, shop_id: int, amount_fen: int) -> None:
    """Use stored value in a shop, and owe it to the shop."""
    drawn = wallet.spread(wallet.funds(member_id), amount_fen)
    wallet.draw(member_id, drawn, cause_type="order_hold", cause_id=order, shop_id=shop_id)
    principal = sum(part.principal_fen for part in drawn)
    borne = wallet.bonus_bearers("order_hold", order)
    shop, mall = Owner("shop", shop_id), Owner("mall", db.mall())
    entries = [Entry(mall, Asset.CASH_FEN, -principal), Entry(shop, Asset.CASH_FEN, principal)]
    for bearer in borne:
        entries += [
            Entry(Owner("bearer", bearer.bearer_id), Asset.CASH_FEN, -bearer.bonus_fen),
            Entry(shop, Asset.CASH_FEN, bearer.bonus_fen),
        ]
    ledger.post("order_settle", order, entries)


def _gift_cards(member_ids: list[int]) -> None:
    """Gift cards: some sold, two bound, one of these lost."""
    kind = products.make_product(
        by=BY, code="gift", title_zh="礼品卡", title_en="Gift card", form="physical", named=False, limit_fen=100_000, valid_years=3,
        bonus_most_bp=10_000, shop_ids=None, invoice="at_sale",
    )  # fmt: skip
    batch = card_stock.issue(kind.id, CARDS, note="demo", by=BY)
    lines = card_stock.print_part(batch.id, by=BY).lines
    buyer = Buyer("演示买家", "330100199001011234", "13900000000")
    sold = [SaleLine(line.number, 50_000) for line in lines[:SOLD]]
    card_stock.sell(sold, paid_by="bank_card", reference="DEMO-000001", buyer_kind="person", buyer=buyer, by=BY)
    for member_id, line in zip(member_ids[:2], lines, strict=False):
        card = card_lifecycle.bind(member_id, line.number, line.activation_code)
    if len(member_ids) > 1:
        card_lifecycle.freeze(card.id, by=f"member:{card.member_id}", why="demo", member_id=card.member_id)
