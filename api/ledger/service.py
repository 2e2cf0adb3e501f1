"""The only writer of value: points, stored value, cash owed. Every transfer sums to zero in each asset and counts once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, cast

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from api.kit import clock, pages
from api.kit.db import session
from api.ledger import queries
from api.ledger.errors import AccountUnknown, AlreadyUndone, BalanceTooLow, CauseClash, TransferNotFound
from api.ledger.models import Account, EntryRow, Proof, Transfer

MAX_AMOUNT = 2**53  # the largest whole number that JSON readers keep exact
#: No transaction of ours stays open for as long; entries older than this have no unseen neighbour.
SETTLED_AFTER = timedelta(hours=1)


OWNER_KINDS = frozenset({"member", "card", "shop", "mall", "gateway", "bearer", "brand"})


class Owner(NamedTuple):
    """Who an account belongs to. A balance above zero is the owner's claim on the mall.

    Kinds: member, card (stored value), shop, mall (id = the mall), gateway (id = the merchant account), and who pays for a benefit:
    bearer (a shop's id, or 0 for the mall itself), brand (its id).
    """

    kind: str
    id: int


class Asset(StrEnum):
    """What an account counts. Names ending _fen are money; points and growth are whole points."""

    POINTS = "points"
    POINTS_PENDING = "points_pending"
    PRINCIPAL_FEN = "principal_fen"
    BONUS_FEN = "bonus_fen"
    CASH_FEN = "cash_fen"
    GROWTH = "growth"


#: What a member may owe.
MAY_BE_OWED = frozenset({Asset.POINTS, Asset.GROWTH})


class Entry(NamedTuple):
    """One line: an owner gets (or, below zero, gives) an amount. `overdraft` lets a member fall below zero (a debt of points)."""

    owner: Owner
    asset: Asset
    amount: int
    overdraft: bool = False


@dataclass(frozen=True)
class PostedTransfer:
    """A transfer, and the members' and cards' balances right after it (empty when it had been posted before)."""

    transfer_id: int
    balances: dict[tuple[int, str], int]
    of_cards: dict[tuple[int, str], int] = field(default_factory=dict)
    repeated: bool = False


@dataclass(frozen=True)
class Discrepancy:
    """Something that does not add up: what kind, which account or transfer, what it should be, what it is."""

    what: str
    subject: str
    expected: int
    found: int


def post(cause_type: str, cause_id: str | int, entries: Sequence[Entry], *, undoes: int | None = None, note: str | None = None) -> int:
    """Move value; returns the transfer's id. The same cause again returns the earlier transfer and moves nothing.

    BalanceTooLow when a member or a card would fall below zero, CauseClash when the cause was posted with other entries, AlreadyUndone.
    """
    return post_with_balances(cause_type, cause_id, entries, undoes=undoes, note=note).transfer_id


def post_with_balances(
    cause_type: str, cause_id: str | int, entries: Sequence[Entry], *, undoes: int | None = None, note: str | None = None
) -> PostedTransfer:
    """Like `post`, and returns the members' and cards' balances after it and whether it was a repetition."""
    lines = _merged(entries)
    arguments = _columns(lines) | {
        "cause_type": cause_type,
        "cause_id": str(cause_id),
        "undoes": undoes,
        "note": note,
        "digest": _digest(lines, undoes),
        "at": clock.now(),
    }
    rows = session.connection().exec_driver_sql(queries.POST, arguments).all()
    if not rows:
        return _earlier_transfer(arguments)
    of = {kind: {(row[1], row[2]): row[3] for row in rows if row[4] == kind} for kind in ("member", "card")}
    return PostedTransfer(rows[0][0], of["member"], of["card"])


def _merged(entries: Sequence[Entry]) -> list[Entry]:
    """One line an account, in one order; ValueError unless every asset sums to zero and something moves."""
    merged: dict[tuple[Owner, Asset], Entry] = {}
    for entry in entries:
        key = (Owner(*entry.owner), Asset(entry.asset))
        same = merged.get(key)
        merged[key] = Entry(*key, entry.amount + (same.amount if same else 0), entry.overdraft or bool(same and same.overdraft))
    for asset in {asset for _, asset in merged}:
        if sum(entry.amount for key, entry in merged.items() if key[1] == asset) != 0:
            raise ValueError(f"the entries in {asset} do not sum to zero")
    if any(entry.overdraft and key[1] not in MAY_BE_OWED for key, entry in merged.items()):
        raise ValueError("only points and growth may be owed")
    lines = sorted(entry for entry in merged.values() if entry.amount)
    if not lines or any(abs(entry.amount) > MAX_AMOUNT for entry in lines):
        raise ValueError("a transfer moves something, and nothing absurd")
    return lines


def _columns(lines: list[Entry]) -> dict[str, Any]:
    return {
        "kinds": [line.owner.kind for line in lines],
        "ids": [line.owner.id for line in lines],
        "assets": [str(line.asset) for line in lines],
        "amounts": [line.amount for line in lines],
        "overdrafts": [line.overdraft for line in lines],
    }


def _digest(lines: Iterable[Entry], undoes: int | None) -> str:
    text = ";".join(f"{line.owner.kind}:{line.owner.id}:{line.asset}:{line.amount}" for line in lines)
    return hashlib.sha256(f"{undoes or ''}|{text}".encode()).hexdigest()[:32]


def _earlier_transfer(arguments: dict[str, Any]) -> PostedTransfer:
    """What the same cause posted before; or the refusal that kept this transfer from being written."""
    earlier = session.connection().exec_driver_sql(queries.EARLIER, arguments).first()
    if earlier is not None:
        if earlier.digest != arguments["digest"]:
            raise CauseClash(cause=f"{arguments['cause_type']}:{arguments['cause_id']}")
        return PostedTransfer(earlier.id, {}, repeated=True)
    undoes = arguments["undoes"]
    if undoes is not None and session.scalar(select(Transfer.id).where(Transfer.undoes == undoes)) is not None:
        raise AlreadyUndone()
    raise BalanceTooLow()


def posted(cause_type: str, cause_id: str | int) -> int | None:
    """The transfer that a cause has made already, if it has."""
    return session.scalar(select(Transfer.id).where(Transfer.cause_type == cause_type, Transfer.cause_id == str(cause_id)))


def undo(transfer_id: int, cause_type: str, cause_id: str | int, *, overdraft: bool = False, note: str | None = None) -> int:
    """Post the opposite of a transfer, once. TransferNotFound, AlreadyUndone, BalanceTooLow (unless overdraft)."""
    rows = session.execute(
        select(Account.owner_kind, Account.owner_id, Account.asset, EntryRow.amount)
        .join(Account, Account.id == EntryRow.account_id)
        .where(EntryRow.transfer_id == transfer_id)
    ).all()
    if not rows:
        raise TransferNotFound()
    entries = [Entry(Owner(row.owner_kind, row.owner_id), Asset(row.asset), -row.amount, overdraft) for row in rows]
    return post(cause_type, cause_id, entries, undoes=transfer_id, note=note)


def balance(owner: Owner, asset: Asset) -> int:
    """The sum of an account's entries. Read from the running balance (members), else roll-up and the entries since."""
    return balances(owner, [asset])[asset]


def balances(owner: Owner, assets: Sequence[Asset]) -> dict[Asset, int]:
    """Several balances of one owner, in one statement; zero for an account that was never used."""
    arguments = {"kind": owner.kind, "id": owner.id, "assets": [str(asset) for asset in assets]}
    sums: dict[str, int] = {row[0]: row[1] for row in session.connection().exec_driver_sql(queries.BALANCES, arguments)}
    return {asset: sums.get(str(asset), 0) for asset in assets}


def running_balances(owner_kind: str, owner_ids: Sequence[int], assets: Sequence[Asset]) -> dict[tuple[int, Asset], int]:
    """Balances of several members or cards, in one statement; an account that was never used is not there."""
    arguments = {"kind": owner_kind, "ids": list(owner_ids), "assets": [str(asset) for asset in assets]}
    return {(row[0], Asset(row[1])): row[2] for row in session.connection().exec_driver_sql(queries.RUNNING, arguments)}


def running(owner_kind: str, owner_id: InstrumentedAttribute[int], asset: Asset) -> ScalarSelect[int | None]:
    """The balance of the member or card that a row of another table names, as a column of that row; None when it was never used."""
    return (
        select(Account.balance)
        .where(Account.owner_kind == owner_kind, Account.owner_id == owner_id, Account.asset == asset)
        .scalar_subquery()
    )


def lock(owner: Owner, asset: Asset) -> int:
    """Hold a member's account until the unit of work ends; returns its balance (0 when it was never used)."""
    query = select(Account.balance).where(Account.owner_kind == owner.kind, Account.owner_id == owner.id, Account.asset == asset)
    return session.scalar(query.with_for_update()) or 0


def named(owner_kind: str, owner_id: int, asset: str) -> tuple[Owner, Asset]:
    """An account as an address writes it. AccountUnknown when there is no such kind of owner or asset."""
    if owner_kind not in OWNER_KINDS or asset not in set(Asset) or owner_id >= 2**63:
        raise AccountUnknown()
    return Owner(owner_kind, owner_id), Asset(asset)


def entries_of(owner: Owner, asset: Asset, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[Any]:
    """An account's entries, newest first: id, amount, balance_after, posted_at, cause_type, cause_id, note, undoes. One statement."""
    account = (
        select(Account.id).where(Account.owner_kind == owner.kind, Account.owner_id == owner.id, Account.asset == asset).scalar_subquery()
    )
    query = (
        select(
            EntryRow.id,
            EntryRow.amount,
            EntryRow.balance_after,
            EntryRow.posted_at,
            EntryRow.transfer_id,
            Transfer.cause_type,
            Transfer.cause_id,
            Transfer.note,
            Transfer.undoes,
        )
        .join(Transfer, Transfer.id == EntryRow.transfer_id)
        .where(EntryRow.account_id == account)
    )
    return pages.page(cast(Select[Any], query), EntryRow.id, cursor=cursor, limit=limit)


def movements(
    owner_kind: str, owner_ids: Sequence[int], assets: Sequence[Asset], cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT
) -> pages.Page[Any]:
    """What moved several members' or cards' accounts, newest first: one line a transfer and owner.

    Each asset's amount is a column of its name; besides: id (the transfer's), owner_id, posted_at, cause_type, cause_id, undoes.
    """
    amounts = [func.coalesce(func.sum(EntryRow.amount).filter(Account.asset == asset), 0).label(str(asset)) for asset in assets]
    query = (
        select(Transfer.id, Account.owner_id, Transfer.posted_at, Transfer.cause_type, Transfer.cause_id, Transfer.undoes, *amounts)
        .join(EntryRow, EntryRow.transfer_id == Transfer.id)
        .join(Account, Account.id == EntryRow.account_id)
        .where(Account.owner_kind == owner_kind, Account.owner_id.in_(list(owner_ids)), Account.asset.in_(list(assets)))
        .group_by(Transfer.id, Account.owner_id)
    )
    return pages.page(cast(Select[Any], query), Transfer.id, Account.owner_id, cursor=cursor, limit=limit)


class Turnover(NamedTuple):
    """opening + came − went = closing of one account over a span of time; without `owner_id`, of all accounts of that kind of owner."""

    owner_kind: str
    owner_id: int | None
    asset: str
    opening: int
    came: int
    went: int
    closing: int

    @property
    def agrees(self) -> bool:
        """Whether the two ways to the closing meet."""
        return self.opening + self.came - self.went == self.closing


def turnover(owner_kind: str, assets: Sequence[Asset], *, since: datetime, until: datetime) -> Iterator[Turnover]:
    """The sums by kind of owner, then each account of one kind that moved (or disagrees). One statement, read piece by piece."""
    _allow_long_statements()
    arguments = {"kind": owner_kind, "assets": [str(asset) for asset in assets], "since": since, "until": until}
    streamed = {"stream_results": True, "max_row_buffer": 1000}
    for row in session.connection().exec_driver_sql(queries.TURNOVER, arguments, streamed):
        yield Turnover(*row)


def moved_by_cause(owner_kind: str, assets: Sequence[Asset], *, since: datetime, until: datetime) -> list[tuple[str, str, int, int]]:
    """Why one kind of owner's accounts moved: (asset, cause_type, came, went). One statement."""
    _allow_long_statements()
    arguments = {"kind": owner_kind, "assets": [str(asset) for asset in assets], "since": since, "until": until}
    return [(row[0], row[1], row[2], row[3]) for row in session.connection().exec_driver_sql(queries.BY_CAUSE, arguments)]


def moved_by(owner: Owner, asset: Asset, causes: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """What the transfers of these causes moved on an account; nothing for a cause that moved nothing there. One statement."""
    arguments = {"kind": owner.kind, "owner": owner.id, "asset": str(asset)}
    arguments |= {"types": [kind for kind, _ in causes], "ids": [str(number) for _, number in causes]}
    return {(row[0], int(row[1])): int(row[2]) for row in session.connection().exec_driver_sql(queries.BY_CAUSES, arguments)}


def roll_up() -> None:
    """Bring the roll-ups of accounts without a running balance up to the newest entry that nothing can precede any more."""
    now = clock.now()
    _allow_long_statements()
    session.connection().exec_driver_sql(queries.ROLL_UP, {"at": now, "settled": now - SETTLED_AFTER})


def prove() -> list[Discrepancy]:
    """Recount the entered mall's ledger: Σ entries = balance per account, Σ = 0 per transfer and asset, roll-ups true."""
    _allow_long_statements()
    rows = session.connection().exec_driver_sql(queries.PROOF).all()
    return [Discrepancy(*row) for row in rows]


def record_proof() -> Proof:
    """Prove the ledger and keep the discrepancies; at most a hundred lines of them."""
    discrepancies = prove()
    lines = [asdict(discrepancy) for discrepancy in discrepancies[:100]]
    proof = Proof(proved_at=clock.now(), differences=len(discrepancies), lines=lines)
    session.add(proof)
    session.flush()
    return proof


def proofs(cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[Proof]:
    """The nightly proofs, newest first."""
    return pages.page(select(Proof), Proof.id, cursor=cursor, limit=limit)


def _allow_long_statements() -> None:
    # Counting a year of entries takes longer than the 15 s that a shopper's statement may take.
    session.execute(select(func.set_config("statement_timeout", "30min", True)))
