"""Notices of Alipay: a form posted to notify_url. Answer exactly `success` (7 bytes) once it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl

from alipay.errors import UnreadableAnswer, Untrusted
from alipay.money import fen
from alipay.records import FINISHED, PAID
from alipay.signing import SIGN_TYPE, instant, notice_content
from alipay.trust import Trust

ACKNOWLEDGED = "success"
FAILED = "failure"
MOST_FIELDS = 200


@dataclass(frozen=True)
class TradeNotice:
    """A genuine notice of a trade. `id` stays the same over all deliveries.

    TRADE_SUCCESS with `refund_fen` is a refund, not another payment. Compare app_id, seller_id, out_trade_no and
    total_fen with our own before booking; only TRADE_SUCCESS and TRADE_FINISHED mean paid.
    """

    id: str
    app_id: str
    seller_id: str
    out_trade_no: str
    trade_no: str
    trade_status: str
    total_fen: int
    refund_fen: int | None
    out_request_no: str | None
    buyer: str | None
    paid_at: datetime | None
    refunded_at: datetime | None
    closed_at: datetime | None
    sent_at: datetime
    form: Mapping[str, str] = field(repr=False)

    @property
    def is_payment(self) -> bool:
        """Whether this says that the buyer paid: a state that means paid, and nothing given back.

        A refund's message proves it as well (`paid_at`), where it overtook the payment's.
        """
        return self.trade_status in (PAID, FINISHED) and not self.is_refund

    @property
    def is_refund(self) -> bool:
        """Whether this message was caused by a refund; `refund_fen` is then the trade's sum of refunds."""
        return bool(self.refund_fen)


def form_of(body: bytes) -> dict[str, str]:
    """The fields of a posted body, each exactly as it was sent. Raises UnreadableAnswer.

    The JSON inside some of them (fund_bill_list) is signed as text: never read it and write it anew.
    """
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise UnreadableAnswer("the body is not a form in UTF-8") from None
    form = dict(pairs)
    if not form or len(form) != len(pairs):
        raise UnreadableAnswer("nothing is there, or a field twice")
    return form


def read_trade(form: Mapping[str, str], *, trust: Trust) -> TradeNotice:
    """The trade notice in this decoded form. Raises Untrusted or UnreadableAnswer."""
    if form.get("sign_type") != SIGN_TYPE:
        raise Untrusted("signed in a way that we do not accept")
    trust.check(notice_content(form), form.get("sign"))
    if form.get("notify_type") != "trade_status_sync":
        raise UnreadableAnswer(f"{form.get('notify_type')} is no trade notice")
    try:
        return _trade(form)
    except (KeyError, ValueError) as trouble:
        raise UnreadableAnswer(f"the notice has not the documented form: {trouble}") from trouble


def _trade(form: Mapping[str, str]) -> TradeNotice:
    return TradeNotice(
        id=form["notify_id"],
        app_id=form["app_id"],
        seller_id=form.get("seller_id", ""),
        out_trade_no=form["out_trade_no"],
        trade_no=form["trade_no"],
        trade_status=form["trade_status"],
        total_fen=fen(form["total_amount"]),
        refund_fen=fen(form["refund_fee"]) if form.get("refund_fee") else None,
        out_request_no=form.get("out_biz_no") or None,
        buyer=form.get("buyer_open_id") or form.get("buyer_id") or None,
        paid_at=_instant(form, "gmt_payment"),
        refunded_at=_instant(form, "gmt_refund"),
        closed_at=_instant(form, "gmt_close"),
        sent_at=instant(form["notify_time"]),
        form=form,
    )


def _instant(form: Mapping[str, str], name: str) -> datetime | None:
    return instant(form[name]) if form.get(name) else None
