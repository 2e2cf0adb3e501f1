"""Merchant accounts and their keys: which one collects, opened once a process and version."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from api.kit import audit, clock, logs, pages, records, sealed
from api.kit.db import session
from api.malls import service as malls
from api.payments import gateways
from api.payments.errors import (
    MerchantAccountNotFound,
    MerchantAccountTaken,
    MerchantAccountWrong,
    MerchantKeyNotFound,
    MerchantKeyWrong,
    NoMerchantAccount,
)
from api.payments.gateways.base import Account, Gateway, Key
from api.payments.models import KeyKind, MerchantAccount, MerchantKey
from api.settings import DEMO_MERCHANT_NUMBERS

log = logs.get(__name__)

NAMES = (
    "channel",
    "name",
    "shop_id",
    "collects",
    "profit_share_bp",
    "mode",
    "merchant_no",
    "app_id",
    "sub_merchant_no",
    "sub_app_id",
    "enabled",
)
_TICK = timedelta(seconds=1)
WARN_BEFORE = timedelta(days=45)
WARN_AFTER = timedelta(days=45)  # what has ended is shown a while longer


def _all() -> dict[int, MerchantAccount]:
    """Every account of the mall, newest first, by number: copies to read, not to change. No statement until one changes, then one."""
    return malls.cached("merchant accounts", _read_all)


def _read_all() -> dict[int, MerchantAccount]:
    rows = session.scalars(select(MerchantAccount).order_by(MerchantAccount.id.desc()).execution_options(populate_existing=True))
    return {row.id: records.copy(row) for row in rows}


def accounts_of_simulators() -> list[str]:
    """Accounts of this mall that collect at a simulator, a sentence each."""
    simulated = MerchantAccount.merchant_no.in_(DEMO_MERCHANT_NUMBERS), MerchantAccount.enabled
    names = session.scalars(select(MerchantAccount.name).where(*simulated).order_by(MerchantAccount.id))
    return [f"the merchant account {name} is a simulator's: stop it, and open the mall's own." for name in names]


def account_for(only_shop_id: int | None, channel: str) -> MerchantAccount:
    """Who collects for an order: the own account of the only shop that sells (None: several sell, or the mall), else the mall's.

    NoMerchantAccount.
    """
    able = [account for account in _able(only_shop_id) if account.channel == channel]
    if not able:
        raise NoMerchantAccount()
    return min(able, key=lambda account: account.shop_id is None)


def channels_for(only_shop_id: int | None) -> list[str]:
    """The wallets that can pay an order whose only seller is this shop; None: several sell, or the mall."""
    return sorted({account.channel for account in _able(only_shop_id)})


def _able(only_shop_id: int | None) -> list[MerchantAccount]:
    """The accounts that may collect for such an order, newest first."""
    return [account for account in _all().values() if account.enabled and account.shop_id in (None, only_shop_id)]


def account(account_id: int) -> MerchantAccount:
    """One account, as `find_account`. MerchantAccountNotFound."""
    row = find_account(account_id)
    if row is None:
        raise MerchantAccountNotFound()
    return row


def find_account(account_id: int) -> MerchantAccount | None:
    """One account, to read and not to change; None when the mall has no such account. No statement until an account changes."""
    return _all().get(account_id)


def gateway_of(account: MerchantAccount) -> Gateway:
    """The gateway of an account: no statement when this process opened it in this version before, else two."""
    return gateways.opened_before(account.id, account.version) or gateways.open_gateway(_with_keys(account))


def _with_keys(account: MerchantAccount) -> Account:
    keys = session.scalars(select(MerchantKey).where(MerchantKey.account_id == account.id)).all()
    return Account(
        id=account.id,
        version=account.version,
        channel=account.channel,
        mode=account.mode,
        merchant_no=account.merchant_no,
        app_id=account.app_id,
        sub_merchant_no=account.sub_merchant_no,
        sub_app_id=account.sub_app_id,
        notify_url=gateways.notify_url(malls.mall_info().code, account.channel, account.id),
        keys=tuple(Key(key.kind, key.serial, sealed.unseal(key.sealed), key.starts_at, key.ends_at) for key in keys),
    )


def accounts(
    *, channel: str | None = None, shop_id: int | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT
) -> pages.Page[MerchantAccount]:
    """Merchant accounts, newest first."""
    query = select(MerchantAccount)
    if channel is not None:
        query = query.where(MerchantAccount.channel == channel)
    if shop_id is not None:
        query = query.where(MerchantAccount.shop_id == shop_id)
    return pages.page(query, MerchantAccount.id, cursor=cursor, limit=limit)


def open_account(*, by: str, **values: Any) -> MerchantAccount:
    """Add a merchant account; it collects from now on. MerchantAccountWrong, MerchantAccountTaken, ShopNotFound."""
    _refuse_senseless(values)
    if values.get("shop_id") is not None:
        malls.shop(values["shop_id"])
    account = MerchantAccount(**values, made_at=clock.now())
    _keep(account)
    malls.invalidate_settings()
    audit.record(by, "merchant account added", "merchant_account", account.id, after=_account_values(account))
    return account


def change_account(account_id: int, changes: dict[str, Any], *, by: str, why: str) -> MerchantAccount:
    """Change what may change of an account, never its numbers: payments hang on them. MerchantAccountNotFound, MerchantAccountWrong."""
    account = _hold(account_id)
    before = _account_values(account)
    _refuse_senseless(before | changes)
    for name, value in changes.items():
        setattr(account, name, value)
    _changed(account)
    audit.record(by, "merchant account changed", "merchant_account", account.id, before=before, after=_account_values(account), why=why)
    return account


def _refuse_senseless(values: dict[str, Any]) -> None:
    wrong: dict[str, str] = {}
    if values.get("collects") == "shop" and values.get("shop_id") is None:
        wrong["shop_id"] = "an account that collects for a shop names it"
    if values.get("profit_share_bp") and values.get("collects") != "shop":
        wrong["profit_share_bp"] = "only an account that collects for a shop passes a share on"
    if values.get("profit_share_bp") and values.get("channel") != "wechat":
        wrong["profit_share_bp"] = "only WeChat Pay passes a share on"
    if values.get("profit_share_bp") and not values.get("share_receiver_no"):
        wrong["share_receiver_no"] = "a share names the merchant number that gets it"
    if values.get("mode") == "partner" and not values.get("sub_merchant_no"):
        wrong["sub_merchant_no"] = "a service provider names the merchant it collects for"
    if wrong:
        raise MerchantAccountWrong(errors=wrong)


def _keep(account: MerchantAccount) -> None:
    try:
        with session.begin_nested():
            session.add(account)
            session.flush()
    except IntegrityError as error:
        if "uq_merchant_accounts_number" in str(error.orig):
            raise MerchantAccountTaken() from None
        raise


def _account_values(account: MerchantAccount) -> dict[str, Any]:
    return {name: getattr(account, name) for name in NAMES}


def _changed(account: MerchantAccount) -> None:
    account.version += 1
    session.flush()
    malls.invalidate_settings()


def _hold(account_id: int) -> MerchantAccount:
    query = select(MerchantAccount).where(MerchantAccount.id == account_id).with_for_update().execution_options(populate_existing=True)
    account = session.scalars(query).one_or_none()
    if account is None:
        raise MerchantAccountNotFound()
    return account


def keys(account_id: int, *, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[MerchantKey]:
    """The keys of an account, without the keys themselves, newest first. MerchantAccountNotFound."""
    query = select(MerchantKey).where(MerchantKey.account_id == account(account_id).id)
    return pages.page(query, MerchantKey.id, cursor=cursor, limit=limit)


def add_key(
    account_id: int,
    *,
    kind: str,
    text: str,
    certificate: str = "",
    serial: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    by: str,
) -> MerchantKey:
    """Add a key, sealed; those of its kind that are valid go on being believed until they end. MerchantKeyWrong, MerchantAccountNotFound.

    `certificate` goes with our own key and gives its serial number and end; `serial` is what the gateway calls a public key.
    """
    account = _hold(account_id)
    text = text.strip() + "\n" if "BEGIN" in text else text.strip()
    try:
        read = gateways.read_key(account.channel, KeyKind(kind), text, certificate=certificate, serial=serial.strip())
    except ValueError as trouble:
        raise MerchantKeyWrong(errors={"text": str(trouble)}) from None
    begins, ends = starts_at or clock.now(), ends_at or read.ends_at
    if ends is not None and ends <= begins:
        raise MerchantKeyWrong(errors={"ends_at": "the key ends before it begins"})
    key = MerchantKey(
        account_id=account.id, kind=kind, serial=read.serial, fingerprint=fingerprint(text), sealed=sealed.seal(text),
        starts_at=begins, ends_at=ends, made_by=by,
    )  # fmt: skip
    _refuse_second(key)
    session.add(key)
    _changed(account)
    audit.record(by, "merchant key added", "merchant_account", account.id, after=_key_values(key))
    return key


def _refuse_second(key: MerchantKey) -> None:
    query = select(MerchantKey.id).where(
        MerchantKey.account_id == key.account_id, MerchantKey.kind == key.kind, MerchantKey.fingerprint == key.fingerprint
    )
    if session.scalar(query) is not None:
        raise MerchantKeyWrong(errors={"text": "the account has this key already"})


def end_key(account_id: int, key_id: int, *, ends_at: datetime | None = None, by: str, why: str) -> MerchantKey:
    """Let a key be believed no longer, now or from an instant on. MerchantKeyNotFound, MerchantAccountNotFound."""
    account = _hold(account_id)
    key = session.get(MerchantKey, key_id)
    if key is None or key.account_id != account.id:
        raise MerchantKeyNotFound()
    before = _key_values(key)
    key.ends_at = max(ends_at or clock.now(), key.starts_at + _TICK)
    _changed(account)
    audit.record(by, "merchant key ended", "merchant_account", account.id, before=before, after=_key_values(key), why=why)
    return key


def expiring(*, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[MerchantKey]:
    """Keys of collecting accounts that end within WARN_BEFORE (or have ended lately) and have no successor yet, the first to end first."""
    now, after = clock.now(), aliased(MerchantKey)
    outlasts = after.ends_at.is_(None) | (after.ends_at > MerchantKey.ends_at)
    succeeded = exists().where(
        after.account_id == MerchantKey.account_id, after.kind == MerchantKey.kind, after.id != MerchantKey.id, outlasts
    )
    query = (
        select(MerchantKey)
        .join(MerchantAccount, MerchantAccount.id == MerchantKey.account_id)
        .where(MerchantAccount.enabled, MerchantKey.ends_at.between(now - WARN_AFTER, now + WARN_BEFORE), ~succeeded)
    )
    return pages.page(query, MerchantKey.ends_at, MerchantKey.id, cursor=cursor, limit=limit, descending=False)


def warn_of_expiring() -> int:
    """Log each night which keys end soon, and note when each was first logged; returns how many."""
    ending = expiring(limit=pages.MAX_LIMIT).items
    for key in ending:
        key.warned_at = key.warned_at or clock.now()
        ends = key.ends_at.isoformat() if key.ends_at else None
        log.error("a merchant key ends soon", account=key.account_id, kind=key.kind, fingerprint=key.fingerprint, ends_at=ends)
    session.flush()
    return len(ending)


def fingerprint(text: str) -> str:
    """By what two people compare a key without seeing it: 16 hexadecimal digits of its SHA-256."""
    return sha256("".join(text.split()).encode()).hexdigest()[:16]


def _key_values(key: MerchantKey) -> dict[str, Any]:
    ends = key.ends_at.isoformat() if key.ends_at else None
    return {"kind": key.kind, "serial": key.serial, "fingerprint": key.fingerprint, "starts_at": key.starts_at.isoformat(), "ends_at": ends}
