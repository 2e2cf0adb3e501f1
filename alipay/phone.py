"""my.getPhoneNumber: what the phone posts to us, proved and opened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from alipay import aes
from alipay.errors import Undecryptable, UnreadableAnswer, Untrusted, refusal
from alipay.signing import SIGN_TYPE
from alipay.trust import Trust


@dataclass(frozen=True)
class PhoneNumber:
    """A mainland phone number that Alipay has verified."""

    mobile: str = field(repr=False)


def phone_number(payload: Mapping[str, str], *, trust: Trust, content_key: str) -> PhoneNumber:
    """Open {response, sign, sign_type, encrypt_type, charset}. Raises Untrusted, Undecryptable, UnreadableAnswer, Refused.

    The payload carries no time and no user: the caller must tie it to the login that it comes with.
    """
    response = payload.get("response", "")
    if response.startswith("{"):
        raise _plain_refusal(response)
    if payload.get("sign_type", SIGN_TYPE) != SIGN_TYPE or payload.get("encrypt_type", "AES") != "AES":
        raise Untrusted("signed or encrypted in a way that we do not accept")
    # Alipay signs the JSON string: the double quotes belong to the signed text.
    trust.check(f'"{response}"', payload.get("sign"))
    return _read(aes.decrypt(content_key, response))


def _read(plain: str) -> PhoneNumber:
    try:
        answer = json.loads(plain)
    except ValueError:
        raise Undecryptable("the opened content is not JSON") from None
    if not isinstance(answer, dict):
        raise UnreadableAnswer("the opened content is not an object")
    if answer.get("code") != "10000":
        raise _refused(answer)
    mobile = answer.get("mobile")
    if not isinstance(mobile, str) or not mobile:
        raise UnreadableAnswer("mobile is missing")
    return PhoneNumber(mobile)


def _plain_refusal(response: str) -> Exception:
    try:
        answer = json.loads(response)
    except ValueError:
        return UnreadableAnswer("neither ciphertext nor an error")
    return _refused(answer) if isinstance(answer, dict) else UnreadableAnswer("not an object")


def _refused(answer: Mapping[str, object]) -> Exception:
    # Here, and only here, Alipay writes subCode in camel case.
    sub_code = answer.get("subCode") or answer.get("sub_code") or ""
    sub_msg = answer.get("subMsg") or answer.get("sub_msg") or ""
    return refusal(str(answer.get("code", "")), str(sub_code), str(sub_msg))
