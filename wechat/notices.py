"""Notices of WeChat Pay: prove, open, read. Answer 204 once it is stored, or a 4xx with `failure()`.

HTTP 200 with code FAIL counts as success with WeChat Pay, so a refusal must not be a 200.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from wechat import records
from wechat.aead import unseal
from wechat.errors import UnreadableNotice
from wechat.signing import Trust

ALGORITHM = "AEAD_AES_256_GCM"

T = TypeVar("T")


@dataclass(frozen=True)
class Notice:
    """A genuine notice. `id` stays the same over all deliveries; `content` is the opened resource."""

    id: str
    event_type: str
    original_type: str
    summary: str
    created_at: datetime
    content: Mapping[str, Any] = field(repr=False)

    @property
    def is_combined(self) -> bool:
        """Whether it tells of a combined order."""
        return "combine_out_trade_no" in self.content

    def transaction(self) -> records.Transaction:
        """The payment of a TRANSACTION.SUCCESS. Raises UnreadableNotice for another kind or form."""
        return self._read(records.transaction, fits=self.event_type == "TRANSACTION.SUCCESS" and not self.is_combined)

    def combined(self) -> records.CombinedTransaction:
        """The combined payment of a TRANSACTION.SUCCESS. Raises UnreadableNotice for another kind or form."""
        return self._read(records.combined, fits=self.event_type == "TRANSACTION.SUCCESS")

    def refund(self) -> records.Refund:
        """The refund of a REFUND.… notice. Raises UnreadableNotice for another kind or form."""
        return self._read(records.refund, fits=self.event_type.startswith("REFUND."))

    def mall_payment(self) -> records.MallPayment:
        """The purchase of a MALL_TRANSACTION.SUCCESS. Raises UnreadableNotice for another kind or form."""
        return self._read(records.mall_payment, fits=self.event_type == "MALL_TRANSACTION.SUCCESS")

    def mall_refund(self) -> records.MallRefund:
        """The refund of a MALL_REFUND.SUCCESS. Raises UnreadableNotice for another kind or form."""
        return self._read(records.mall_refund, fits=self.event_type == "MALL_REFUND.SUCCESS")

    def mall_card(self) -> records.MallCard:
        """The card of a MALL_AUTH.ACTIVATE_CARD. Raises UnreadableNotice for another kind or form."""
        return self._read(records.mall_card, fits=self.event_type == "MALL_AUTH.ACTIVATE_CARD")

    def complaint(self) -> records.ComplaintNotice:
        """What a COMPLAINT.… notice tells. Raises UnreadableNotice for another kind or form."""
        return self._read(records.complaint_notice, fits=self.event_type.startswith("COMPLAINT."))

    def _read(self, how: Callable[[Mapping[str, Any]], T], *, fits: bool) -> T:
        if not fits:
            raise UnreadableNotice(f"{self.event_type} is of another kind")
        try:
            return how(self.content)
        except ValueError as trouble:
            raise UnreadableNotice(str(trouble)) from trouble


def read(headers: Mapping[str, str], body: bytes, *, trust: Trust, api_v3_key: bytes, now: datetime) -> Notice:
    """The notice in this raw body. Raises Untrusted (not from WeChat Pay), Undecryptable or UnreadableNotice."""
    trust.check(headers, body, now)
    try:
        envelope = json.loads(body)
        return open_envelope(envelope, api_v3_key)
    except (ValueError, TypeError, AttributeError) as trouble:
        raise UnreadableNotice(f"the notice has not the documented form: {trouble}") from trouble


def open_envelope(envelope: Mapping[str, Any], api_v3_key: bytes) -> Notice:
    """Open an envelope whose signature has been proved. Raises Undecryptable, or ValueError for its form."""
    resource = envelope["resource"] if isinstance(envelope.get("resource"), dict) else {}
    if envelope.get("resource_type") != "encrypt-resource" or resource.get("algorithm") != ALGORITHM:
        raise ValueError("resource_type or algorithm is not the documented one")
    sealed_for = str(resource.get("associated_data") or "")
    plain = unseal(api_v3_key, records.text(resource, "nonce"), sealed_for, records.text(resource, "ciphertext"))
    content = json.loads(plain)
    if not isinstance(content, dict):
        raise ValueError("the resource is not an object")
    return Notice(
        id=records.text(envelope, "id"),
        event_type=records.text(envelope, "event_type"),
        original_type=str(resource.get("original_type", "")),
        summary=str(envelope.get("summary", "")),
        created_at=records.instant(records.text(envelope, "create_time")),
        content=content,
    )


def failure(message: str) -> dict[str, str]:
    """The body of a refusal, to be sent with a 4xx or 5xx."""
    return {"code": "FAIL", "message": message}
