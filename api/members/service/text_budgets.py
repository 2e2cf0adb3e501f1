"""Budgets of text messages: what an address and the whole mall may have sent, with an alarm at four fifths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from api.kit import limits, logs, sealed, value_limits
from api.kit.value_limits import Bound, Limit
from api.malls import service as malls
from api.members import sms
from api.members.errors import TextsSpent
from api.members.policy import TextRules

HOUR = timedelta(hours=1)
MALL_HOUR, MALL_DAY = Limit("texts-mall-hour", HOUR), Limit("texts-mall-day")
ADDRESS_HOUR, ADDRESS_DAY = Limit("texts-address-hour", HOUR), Limit("texts-address-day")
MALL = "mall"
ALARM_BP = 8_000
WAYS = ["wechat", "alipay"]
SITE_TIMES = 4  # so many times the budget of one address for a whole line of IPv6, which changes its address at will

log = logs.get(__name__)


@dataclass(frozen=True)
class Budget:
    """How much of one budget is used now. Of addresses: how many of them are at the alarm or beyond."""

    name: str
    used: int
    most: int
    alarm_at: int
    addresses: int | None = None

    @property
    def state(self) -> str:
        """fine, alarm or spent."""
        if self.addresses is not None:
            return "alarm" if self.addresses else "fine"
        return "spent" if self.used >= self.most else "alarm" if self.used >= self.alarm_at else "fine"


def spend(code_id: int, network: str | None) -> None:
    """Count a text with a code, for the mall and for the network that it was asked from. TextsSpent."""
    bounds = _mall() + (_addresses(_key(network)) if network else [])
    if network and (site := limits.site(network)):
        bounds += [replace(bound, most=SITE_TIMES * bound.most) for bound in _addresses(_key(site))]
    passed = value_limits.use(1, bounds, cause=("phone_code", code_id))
    if passed is not None:
        sms.count("refused", passed.name)
        log.warning("a budget of text messages is spent", budget=passed.name)
        raise TextsSpent(retry_after=int(passed.window.total_seconds() // 4), budget=_budget_name(passed), ways=WAYS)
    sms.count("sent", MALL)
    for bound in bounds:
        # Exactly once on the way up: the counting holds the lock of each budget.
        if value_limits.used(bound.limit, bound.subject) == alarm_at(bound.most):
            sms.count("alarm", bound.limit.name)
            log.warning("four fifths of a budget of text messages are used", budget=bound.limit.name, most=bound.most)


def _key(network: str) -> str:
    return sealed.find_key(f"network:{network}")


def count_notice(message_id: int) -> None:
    """Count a text that must go whatever the budget says: it warns an owner."""
    value_limits.count(1, _mall(), cause=("text_message", message_id))


def alarm_at(most: int) -> int:
    """From how many texts on a budget gives the alarm."""
    return max(1, -(-most * ALARM_BP // 10_000))


def budgets() -> list[Budget]:
    """What is used of every budget now."""
    of_mall = [
        Budget(_budget_name(bound.limit), value_limits.used(bound.limit, MALL), bound.most, alarm_at(bound.most)) for bound in _mall()
    ]
    of_addresses = []
    for bound in _addresses(""):
        busy = value_limits.subjects_at(bound.limit, alarm_at(bound.most))
        of_addresses.append(Budget(_budget_name(bound.limit), 0, bound.most, alarm_at(bound.most), addresses=busy))
    return of_mall + of_addresses


def _mall() -> list[Bound]:
    rules = malls.policy(TextRules)
    return [Bound(MALL_HOUR, MALL, rules.texts_mall_hour), Bound(MALL_DAY, MALL, rules.texts_mall_day)]


def _addresses(subject: str) -> list[Bound]:
    rules = malls.policy(TextRules)
    return [Bound(ADDRESS_HOUR, subject, rules.texts_address_hour), Bound(ADDRESS_DAY, subject, rules.texts_address_day)]


def _budget_name(limit: Limit) -> str:
    return limit.name.removeprefix("texts-").replace("-", "_")
