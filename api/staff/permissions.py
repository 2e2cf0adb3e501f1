"""Who of the staff may do what: one table, put together of what each room says in its `room.py`. Routes name a permission, never a role."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from api.kit import rooms
from api.kit.roles import Role


@functools.cache
def holders() -> Mapping[str, AbstractSet[Role]]:
    """Every permission there is, and the roles that hold it."""
    return {permission: roles for room in rooms.every() for permission, roles in room.permissions.items()}


#: Rights over value that alone ask for no codes: the payments of the own counter, each bounded by the payment itself and by limits of the
#: shop, the person and the day. Who has them only (a clerk) would type a code at each shift, and soon a whole shop would share one phone.
OF_THE_COUNTER = frozenset({"own_payments.charge", "own_payments.refund"})


@functools.cache
def over_value() -> frozenset[str]:
    """Every permission that makes, moves, prices or opens value, as the rooms say."""
    return frozenset(permission for room in rooms.every() for permission in room.value)


@functools.cache
def holds_value(role: str) -> bool:
    """Whether people of this role have rights over value: they sign in with codes, and it takes two people to make one of them."""
    return role != Role.TABLET and not of(role).isdisjoint(over_value() - OF_THE_COUNTER)


@functools.cache
def of(role: str) -> frozenset[str]:
    """What a role may do."""
    return frozenset(permission for permission, roles in holders().items() if role in roles)
