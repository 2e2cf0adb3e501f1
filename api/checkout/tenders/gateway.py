"""New money: what a wallet (WeChat Pay, Alipay) collects. It pays what nothing else does, and gives back the way it came."""

from __future__ import annotations

from collections.abc import Sequence

from api.checkout.mix import Mix, Source, Tender
from api.checkout.models import Order, OrderRefund, OrderShare
from api.checkout.shares import Bearer, Share
from api.checkout.tenders.base import Asked, Cell, Choice, GivenBack, Offer, Sentence, ShownOrder, TenderRules, two
from api.kit.money import yuan
from api.ledger.service import Owner
from api.payments import service as payments
from api.payments.models import MerchantAccount
from api.sales import service as sales
from api.sales.policy import SalesRules

WALLETS = {"wechat": ("微信支付", "WeChat Pay"), "alipay": ("支付宝", "Alipay")}


class GatewayOffer(Offer):
    """A wallet pays whatever is left of every line."""

    def sources(self, choice: Choice) -> list[Source]:
        """None: it is not spread over lines, it pays what is left."""
        return []

    def shares(self, mix: Mix) -> list[Share]:
        """What is left of each line."""
        return [Share(line, Tender.GATEWAY, None, fen) for line, fen in enumerate(mix.rest) if fen]

    def sentence(self, tender: Tender, source_id: int | None, fen: int) -> Sentence:
        """What is left to pay."""
        return two(f"还需支付 ¥{yuan(fen)}", f"¥{yuan(fen)} left to pay")


class Gateway(TenderRules):
    """New money through a wallet."""

    name = "gateway"
    codes = (Tender.GATEWAY,)
    rank = 100
    title = ("微信或支付宝", "WeChat Pay or Alipay")
    is_new_money = True

    def offer(self, asked: Asked) -> GatewayOffer:
        """It could always pay."""
        return GatewayOffer()

    def give_back(self, order: Order, refund: OrderRefund, cells: Sequence[Cell], shares: Sequence[OrderShare]) -> GivenBack:
        """Ask the gateway for its part, in the background."""
        fen = sum(cell.fen for cell in cells)
        assert order.payment_id is not None
        asked = payments.intend_refund(
            order.payment_id, amount_fen=fen, reason=refund.reason, cause_type="order_refund", cause_id=refund.id, by=refund.asked_by
        )
        values = {"gateway_fen": fen, "payment_refund_id": asked.id}
        return GivenBack(values, ((f"¥{yuan(fen)} 原路退回", f"¥{yuan(fen)} to the wallet"),))

    def debtors(self, fen: int, borne: Sequence[tuple[Bearer, int]], account: MerchantAccount | None) -> list[tuple[Owner, int]]:
        """The gateway owes what it collected for the mall."""
        assert account is not None
        return [(Owner("gateway", account.id), fen)] if account.collects == "mall" else []

    def share_title(self, code: Tender, order: ShownOrder) -> Sentence:
        """The wallet that paid, once it is known."""
        return two(*WALLETS.get(order.channel or "", self.title))

    def back_sentence(self, code: Tender, order: ShownOrder, refund: OrderRefund, fen: int) -> Sentence:
        """To the wallet, the way it came."""
        title = self.share_title(code, order)
        return two(f"¥{yuan(fen)} 原路退回{title['zh']}", f"¥{yuan(fen)} back to {title['en']}")

    def sale_kind(self, code: Tender, channel: str | None) -> sales.TenderKind:
        """The wallet that paid."""
        return sales.TenderKind(channel) if channel else sales.TenderKind.OTHER

    def earns(self, code: Tender, rules: SalesRules) -> bool:
        """New money always earns."""
        return True


TENDER = Gateway()
