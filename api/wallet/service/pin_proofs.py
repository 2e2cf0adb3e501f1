"""Who sets a PIN proves anew who they are: a session alone, which may be in other hands, sets none."""

from __future__ import annotations

from datetime import timedelta

from api.kit import sealed
from api.malls import service as malls
from api.members import service as members
from api.members.service import fresh_proofs, phone_codes
from api.wallet.errors import PinProofNeeded, PinProofTooNew
from api.wallet.policy import WalletRules
from api.wallet.service import pins, resting


def ways(member_id: int) -> list[str]:
    """What proves now who sets the member's PIN: old_pin, code, wechat, alipay; empty when only time or the desk helps."""
    is_set, channels = pins.is_set(member_id), fresh_proofs.channels(member_id, _rest())
    by_phone = members.of_any_state(member_id).phone_sealed is not None and fresh_proofs.phone_proves_from(member_id, _rest()) is None
    by_wallet = [] if is_set else [channel for channel in channels if channel in fresh_proofs.WALLETS]
    return ["old_pin"] * is_set + ["code"] * by_phone + by_wallet


def set_with_old(member_id: int, pin: str, old_pin: str) -> None:
    """Set another PIN with the old one. PinTooSimple, PinNeeded without one, PinWrong, PinLocked."""
    pins.refuse_simple(pin)
    pins.verify(member_id, old_pin)
    pins.set_pin(member_id, pin)


def phone(member_id: int) -> str:
    """The phone whose code proves who sets a PIN. PinProofNeeded without one, PinProofTooNew says from when."""
    held = members.get(member_id).phone_sealed
    if held is None:
        raise PinProofNeeded(ways=ways(member_id))
    if (proves_from := fresh_proofs.phone_proves_from(member_id, _rest())) is not None:
        raise PinProofTooNew(until=proves_from.isoformat(), ways=ways(member_id))
    return sealed.unseal(held)


def set_with_code(member_id: int, pin: str, code: str) -> None:
    """Set a PIN, the first or another, with a code that was sent to the phone a few minutes ago; this ends a rest of the PIN too.

    PinTooSimple, WalletResting, PinProofNeeded, PinProofTooNew, PhoneCodeWrong, PhoneCodeEnded.
    """
    pins.refuse_simple(pin)
    resting.refuse_resting(member_id)
    phone_codes.use(phone(member_id), code)
    pins.set_pin(member_id, pin)


def set_first_with_wallet(member_id: int, pin: str, *, js_code: str | None, auth_code: str | None) -> None:
    """Set the first PIN with a login code that the member's own WeChat or Alipay gave a moment ago.

    PinTooSimple, WalletResting, PinProofNeeded when there is a PIN, and what the wallet refuses: ProofOfAnother, LoginCodeRefused, …
    """
    pins.refuse_simple(pin)
    resting.refuse_resting(member_id)
    if pins.is_set(member_id):
        raise PinProofNeeded(ways=ways(member_id))
    if js_code is not None:
        proves_from = fresh_proofs.by_wechat(member_id, js_code, _rest())
    elif auth_code is not None:
        proves_from = fresh_proofs.by_alipay(member_id, auth_code, _rest())
    else:
        raise PinProofNeeded(ways=ways(member_id))
    if proves_from is not None:
        raise PinProofTooNew(until=proves_from.isoformat(), ways=ways(member_id))
    resting.refuse_resting(member_id)  # again: asking the wallet took a while
    if not pins.set_first(member_id, pin):
        raise PinProofNeeded(ways=ways(member_id))


def _rest() -> timedelta:
    return timedelta(hours=malls.policy(WalletRules).rest_hours)
