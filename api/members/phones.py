"""Phone numbers in one form (E.164), and what may be shown of them."""

from __future__ import annotations

import re
import unicodedata

from api.kit import sealed
from api.members.errors import PhoneInvalid

_NOISE = re.compile(r"[\s\-().·]+")
_MAINLAND = re.compile(r"(?:\+?86|0086)?(1[3-9]\d{9})")
_ABROAD = re.compile(r"(?:\+|00)([1-9]\d{6,14})")


def normalise(given: str) -> str:
    """138 0013 8000, +86 138-0013-8000, １３８… → +8613800138000. PhoneInvalid for what is no mobile phone."""
    plain = _NOISE.sub("", unicodedata.normalize("NFKC", given))
    if not plain.isascii():
        raise PhoneInvalid()
    if mainland := _MAINLAND.fullmatch(plain):
        return "+86" + mainland[1]
    abroad = _ABROAD.fullmatch(plain)
    if abroad is None or abroad[1].startswith("86"):
        raise PhoneInvalid()
    return "+" + abroad[1]


def is_mainland(phone: str) -> bool:
    """Whether a normalised phone is of mainland China."""
    return phone.startswith("+86")


def key(phone: str) -> str:
    """The keyed hash under which a normalised phone is found."""
    return sealed.find_key(f"phone:{phone}")


def masked(phone_sealed: bytes | None) -> str | None:
    """138****8000, or None where there is no phone."""
    return sealed.mask_phone(sealed.unseal(phone_sealed)) if phone_sealed else None
