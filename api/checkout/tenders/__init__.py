"""What can pay for a purchase (支付方式), a file each: a module here with a `TENDER` is a tender, and nothing else names it."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterable
from typing import TypeVar

from api.checkout.mix import Tender
from api.checkout.models import OrderShare
from api.checkout.shares import Share
from api.checkout.tenders.base import TenderRules

S = TypeVar("S", Share, OrderShare)


@functools.cache
def tenders() -> tuple[TenderRules, ...]:
    """Every tender, in the order in which they are used to pay."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(sorted((module.TENDER for module in modules if hasattr(module, "TENDER")), key=lambda rules: rules.rank))


@functools.cache
def tender_of(code: str) -> TenderRules:
    """The tender that a share's code belongs to."""
    return next(rules for rules in tenders() if Tender(code) in rules.codes)


def by_tender(shares: Iterable[S]) -> list[tuple[TenderRules, list[S]]]:
    """Shares by the tender they belong to, in the order of tenders; those without a share are left out."""
    sorted_out: dict[TenderRules, list[S]] = {rules: [] for rules in tenders()}
    for share in shares:
        sorted_out[tender_of(share.tender)].append(share)
    return [(rules, own) for rules, own in sorted_out.items() if own]
