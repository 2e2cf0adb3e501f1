"""Wrong tries to sign in slow down who makes them, and never the owner.

A try is counted before the password is looked at, durably, so that parallel guesses cannot outrun the count:

- from a device in which the owner has signed in before, under this device alone: nobody else can use it up;
- from anywhere else, under the pair of address and login (five, then a quarter of an hour, doubling to a day), and under the login (ten,
  then half a minute, doubling to five minutes): whoever comes from many addresses gets at most one try in five minutes at a login, 105,000
  a year, for passwords of at least twelve characters; and outsiders make a new device of the owner wait for minutes, never for longer.

Codes of an authenticator app are counted apart (five, doubling to a day): only who knows the password gets there, and three of a million
codes are right at a time, so that a year of tries finds one with a chance of one in 900.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, sealed
from api.kit.db import session
from api.staff.models import KnownDevice, SignInTries, StaffAccount

DEVICE_KEPT = timedelta(days=180)  # without a sign-in


@dataclass(frozen=True)
class Pace:
    """So many wrong tries until a rest, which doubles with each wrong try after, up to the longest."""

    tries: int
    rest: timedelta
    longest: timedelta


OF_A_PAIR = Pace(5, timedelta(minutes=15), timedelta(hours=24))
OF_A_LOGIN = Pace(10, timedelta(seconds=30), timedelta(minutes=5))
OF_A_DEVICE = Pace(5, timedelta(minutes=1), timedelta(minutes=15))
OF_CODES = Pace(5, timedelta(minutes=15), timedelta(hours=24))


@dataclass(frozen=True)
class Lane:
    """One count of wrong tries."""

    key: str
    login_key: str
    pace: Pace


def lanes(login: str, address: str, device_id: int | None) -> list[Lane]:
    """Where a try of a password counts."""
    if device_id is not None:
        return [_lane(login, f"device:{device_id}", OF_A_DEVICE)]
    return [_lane(login, f"address:{_network(address)}", OF_A_PAIR), _lane(login, "anywhere", OF_A_LOGIN)]


def code_lane(login: str, device_id: int | None) -> Lane:
    """Where a try of a code counts."""
    return _lane(login, f"codes:{device_id or 'elsewhere'}", OF_CODES)


def _lane(login: str, way: str, pace: Pace) -> Lane:
    return Lane(sealed.find_key(f"staff-lane:{way}:{login}"), key_of(login), pace)


def key_of(login: str) -> str:
    """The keyed hash under which the tries of a login are kept."""
    return sealed.find_key(f"staff-login:{login}")


def _network(address: str) -> str:
    # A household has 2^64 addresses of IPv6: they are one.
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((known, 64), strict=False)) if known.version == 6 else str(known)


def count(ways: Sequence[Lane]) -> bool:
    """Count a try in each lane; False when one of them rests. To be made durable before the try is looked at."""
    return all(_count(lane) for lane in ways)


def _count(lane: Lane) -> bool:
    now, failed, pace = clock.now(), SignInTries.tries + 1, lane.pace
    rest = func.least(pace.rest.total_seconds() * func.power(2, func.least(failed - pace.tries, 16)), pace.longest.total_seconds())
    until = case((failed >= pace.tries, now + func.make_interval(0, 0, 0, 0, 0, 0, rest)))
    counted = (
        insert(SignInTries)
        .values(lane_key=lane.key, login_key=lane.login_key, tries=1, tried_at=now)
        .on_conflict_do_update(
            index_elements=["mall_id", "lane_key"],
            set_={"tries": failed, "tried_at": now, "unlocks_at": until},
            where=or_(SignInTries.unlocks_at.is_(None), SignInTries.unlocks_at <= now),
        )
        .returning(SignInTries.tries)
    )
    return session.scalar(counted) is not None


def clear(ways: Sequence[Lane]) -> None:
    """Forget the wrong tries of these lanes."""
    session.execute(delete(SignInTries).where(SignInTries.lane_key.in_([lane.key for lane in ways])))


def clear_all(login: str) -> None:
    """Forget every wrong try at a login."""
    session.execute(delete(SignInTries).where(SignInTries.login_key == key_of(login)))


def knows(login: str, token: str | None) -> bool:
    """Whether somebody has signed in under this login in the device of this token."""
    return token is not None and known_device(login.strip().lower(), token) is not None


def known_device(login: str, token: str) -> int | None:
    """The device of this token, when somebody has signed in under this login (in small letters) in it."""
    query = select(KnownDevice.id).join(StaffAccount, StaffAccount.id == KnownDevice.account_id)
    return session.scalar(query.where(KnownDevice.device_key == _device_key(token), StaffAccount.login == login))


def know_device(account_id: int, device_id: int | None) -> str | None:
    """Remember the device of a right sign-in; a new one gets a token to keep."""
    now = clock.now()
    if device_id is not None:
        session.execute(update(KnownDevice).where(KnownDevice.id == device_id).values(used_at=now))
        return None
    token = secrets.token_urlsafe(32)
    session.add(KnownDevice(account_id=account_id, device_key=_device_key(token), began_at=now, used_at=now))
    return token


def forget_devices(account_id: int) -> None:
    """No device of this account is known any more."""
    session.execute(delete(KnownDevice).where(KnownDevice.account_id == account_id))


def _device_key(token: str) -> str:
    return sealed.find_key(f"staff-device:{token}")
