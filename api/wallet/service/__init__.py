"""What can be done with stored value. Other rooms use the names below; the verbs of one group stand in one file each."""

from __future__ import annotations

from api.wallet.models import Card, CardProduct, Recharge, RechargePackage
from api.wallet.service.balances import Drawn, Funds, funds, invoiced_at_sale, masked_numbers, split_draw, spread, usable
from api.wallet.service.draws import Borne, bonus_bearers, draw, draws_of, put_back, release
from api.wallet.service.hooks import held
from api.wallet.service.membership import bring_back, export, forget, hand_over, holdings, holds, lock_cards, refuse_closing
from api.wallet.service.package_offers import free_package, offer, package, packages, reserve_package
from api.wallet.service.pay_codes import PayCode, is_pay_code, new_pay_code, use_pay_code
from api.wallet.service.pins import demand_pin
from api.wallet.service.pins import needed as pin_needed
from api.wallet.service.recharges import RechargeRefund, preview_recharge_refund, recharge, recharge_of, refund_recharge, refuse_recharge
from api.wallet.service.resting import rest_after

__all__ = [
    "Borne",
    "Card",
    "CardProduct",
    "Drawn",
    "Funds",
    "PayCode",
    "Recharge",
    "RechargePackage",
    "RechargeRefund",
    "bonus_bearers",
    "bring_back",
    "demand_pin",
    "draw",
    "draws_of",
    "export",
    "forget",
    "free_package",
    "funds",
    "hand_over",
    "held",
    "holdings",
    "holds",
    "invoiced_at_sale",
    "is_pay_code",
    "lock_cards",
    "masked_numbers",
    "new_pay_code",
    "offer",
    "package",
    "packages",
    "pin_needed",
    "preview_recharge_refund",
    "put_back",
    "recharge",
    "recharge_of",
    "refund_recharge",
    "refuse_closing",
    "refuse_recharge",
    "release",
    "reserve_package",
    "rest_after",
    "split_draw",
    "spread",
    "usable",
    "use_pay_code",
]
