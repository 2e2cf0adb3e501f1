"""Accounts are (owner, asset). A transfer is a set of entries that sums to zero in each asset; entries only grow.

Only the accounts of members and of stored-value cards carry a running balance: a balance row that every sale touches (the
mall's, a gateway's) would queue all of them behind one lock. The others have entries and a nightly roll-up.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model


class Account(MallOwned, Model):
    """One owner's account (账户) of one asset. `balance` is a cache of the sum of its entries, and NULL where there is none."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        UniqueConstraint("mall_id", "owner_kind", "owner_id", "asset"),
        CheckConstraint("owner_kind IN ('member', 'card', 'shop', 'mall', 'gateway', 'bearer', 'brand')", name="owner_kind_known"),
        CheckConstraint("asset IN ('points', 'points_pending', 'principal_fen', 'bonus_fen', 'cash_fen', 'growth')", name="asset_known"),
        CheckConstraint("(owner_kind IN ('member', 'card')) = (balance IS NOT NULL)", name="who_runs_a_balance"),
        CheckConstraint("balance >= 0 OR asset IN ('points', 'growth')", name="debt_only_where_allowed"),
    )

    owner_kind: Mapped[str]
    owner_id: Mapped[int]
    asset: Mapped[str]
    balance: Mapped[int | None]


class Transfer(MallOwned, Model):
    """Why value moved: a cause counts once, an undo names what it undoes, once."""

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        UniqueConstraint("mall_id", "cause_type", "cause_id"),
        UniqueConstraint("undoes"),
        CheckConstraint("undoes < id", name="undoes_something_older"),
    )

    cause_type: Mapped[str]
    cause_id: Mapped[str]
    undoes: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("ledger_transfers.id"))
    note: Mapped[str | None]
    digest: Mapped[str]
    posted_at: Mapped[datetime]


class EntryRow(MallOwned, Model):
    """One line of a transfer on one account (分录)."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        Index("ix_ledger_entries_account", "account_id", "id"),
        Index("ix_ledger_entries_transfer", "transfer_id"),
        CheckConstraint("amount <> 0", name="moves_something"),
    )

    transfer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_transfers.id"))
    # No foreign key to the account: its check would lock the mall's one account row in every sale. The nightly proof checks it instead.
    account_id: Mapped[int]
    amount: Mapped[int]
    balance_after: Mapped[int | None]
    posted_at: Mapped[datetime]


class RollUp(MallOwned, Model):
    """The sum of an account's entries up to and including one of them, for accounts without a running balance."""

    __tablename__ = "ledger_rollups"
    __table_args__ = (UniqueConstraint("account_id"),)

    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_accounts.id"))
    through_entry_id: Mapped[int]
    balance: Mapped[int]
    rolled_at: Mapped[datetime]


class Proof(MallOwned, Model):
    """The result of a nightly recount of the ledger: no differences, or which accounts and transfers are wrong."""

    __tablename__ = "ledger_proofs"
    __table_args__ = (Index("ix_ledger_proofs_time", "mall_id", "id"),)

    proved_at: Mapped[datetime]
    differences: Mapped[int]
    lines: Mapped[list[Any]]
