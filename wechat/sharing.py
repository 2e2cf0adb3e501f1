"""Profit sharing (分账): parts of a payment go to other accounts before the rest is set free."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlencode

from wechat import records
from wechat.client import PayClient
from wechat.records import ShareReturn, Sharing

BASE = "/v3/profitsharing"

AccountType = Literal["MERCHANT_ID", "PERSONAL_OPENID", "PERSONAL_SUB_OPENID"]


@dataclass(frozen=True)
class Receiver:
    """An account that may receive parts. `name` goes out sealed; `relation` is STORE, HEADQUARTER, SUPPLIER, …"""

    account: str
    relation: str
    type: AccountType = "MERCHANT_ID"
    name: str = field(default="", repr=False)
    custom_relation: str = ""


@dataclass(frozen=True)
class Part:
    """How much of a payment goes to which account, and why."""

    account: str
    amount_fen: int
    description: str
    type: AccountType = "MERCHANT_ID"


class ProfitSharing:
    """The sharing of what a client's merchant collects. Errors as the client's; BalanceShort where too little is left."""

    def __init__(self, client: PayClient, appid: str) -> None:
        self._client = client
        self._appid = appid

    def add_receiver(self, receiver: Receiver) -> None:
        """Let an account receive parts; once more is harmless."""
        asked = {**self._names(), "type": receiver.type, "account": receiver.account, "relation_type": receiver.relation}
        if receiver.custom_relation:
            asked["custom_relation"] = receiver.custom_relation
        serial = ""
        if receiver.name:
            serial, asked["name"] = self._client.seal(receiver.name)
        self._client.call("POST", f"{BASE}/receivers/add", asked, serial)

    def remove_receiver(self, account: str, type: AccountType = "MERCHANT_ID") -> None:
        """Let an account receive no parts any more."""
        self._client.post(f"{BASE}/receivers/delete", {**self._names(), "type": type, "account": account})

    def share(self, transaction_id: str, out_order_no: str, parts: list[Part], *, unfreeze_rest: bool) -> Sharing:
        """Share a payment, from a minute to 30 days after it. FINISHED is not success: read each part's result."""
        asked: dict[str, Any] = {
            **self._names(),
            "transaction_id": transaction_id,
            "out_order_no": out_order_no,
            "receivers": [
                {"type": part.type, "account": part.account, "amount": part.amount_fen, "description": part.description} for part in parts
            ],
            "unfreeze_unsplit": unfreeze_rest,
        }
        return self._client.read(self._client.post(f"{BASE}/orders", asked), records.sharing)

    def query(self, transaction_id: str, out_order_no: str) -> Sharing:
        """The sharing of our number. Raises OrderMissing."""
        query = urlencode({"transaction_id": transaction_id, **self._client.sub_name()})
        return self._client.read(self._client.get(f"{BASE}/orders/{quote(out_order_no, safe='')}?{query}"), records.sharing)

    def unfreeze(self, transaction_id: str, out_order_no: str, description: str) -> Sharing:
        """Set free what is left: nothing of this payment can be shared after it."""
        asked = {**self._client.sub_name(), "transaction_id": transaction_id, "out_order_no": out_order_no, "description": description}
        return self._client.read(self._client.post(f"{BASE}/orders/unfreeze", asked), records.sharing)

    def unshared(self, transaction_id: str) -> int:
        """How many fen of a payment can still be shared."""
        path = f"{BASE}/transactions/{quote(transaction_id, safe='')}/amounts"
        return self._client.read(self._client.get(path), lambda answer: records.whole(answer, "unsplit_amount"))

    def take_back(self, out_order_no: str, out_return_no: str, mchid: str, amount_fen: int, description: str) -> ShareReturn:
        """Take a part back from a merchant, before the payment is refunded. Repeat only with the same number."""
        asked = {
            **self._client.sub_name(),
            "out_order_no": out_order_no,
            "out_return_no": out_return_no,
            "return_mchid": mchid,
            "amount": amount_fen,
            "description": description,
        }
        return self._client.read(self._client.post(f"{BASE}/return-orders", asked), records.share_return)

    def query_return(self, out_order_no: str, out_return_no: str) -> ShareReturn:
        """The return of our number. Raises OrderMissing."""
        query = urlencode({"out_order_no": out_order_no, **self._client.sub_name()})
        path = f"{BASE}/return-orders/{quote(out_return_no, safe='')}?{query}"
        return self._client.read(self._client.get(path), records.share_return)

    def _names(self) -> dict[str, str]:
        sub = self._client.sub
        own_app = {"sub_appid": sub.appid} if sub and sub.appid else {}
        return {**self._client.sub_name(), "appid": self._appid, **own_app}
