"""what a gateway's bill of a day said, and in what it differs from our books"""

import sqlalchemy as sa
from alembic import op

from migrations.wall import wall

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OUTCOMES = "outcome IN ('waiting', 'none', 'agrees', 'settled', 'differs')"
KINDS = "kind IN ('missing_here', 'missing_there', 'amount', 'status', 'twice', 'cut_off', 'ledger')"
COUNTS = "paid_count >= 0 AND refund_count >= 0 AND open_count >= 0"
NUMBERS = ("paid_count", "paid_fen", "refund_count", "refund_fen", "fee_fen", "open_count", "tries")


def _mall() -> list[sa.Column]:
    own = sa.text("current_setting('mallbridge.mall_id')::bigint")
    return [
        sa.Column("mall_id", sa.BigInteger(), server_default=own, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
    ]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("payments", sa.Column("billed_on", sa.Date(), nullable=True))
    op.add_column("payment_refunds", sa.Column("billed_on", sa.Date(), nullable=True))
    unbilled = sa.text("state = 'paid' AND billed_on IS NULL")
    op.create_index("ix_payments_unbilled", "payments", ["account_id", "paid_at"], postgresql_where=unbilled)
    given = sa.text("state = 'done' AND billed_on IS NULL")
    op.create_index("ix_payment_refunds_unbilled", "payment_refunds", ["mall_id", "done_at"], postgresql_where=given)
    op.create_table(
        "gateway_bills",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("billed_on", sa.Date(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False) for name in NUMBERS),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        *_mall(),
        sa.CheckConstraint(OUTCOMES, name=op.f("ck_gateway_bills_outcome_is_known")),
        sa.CheckConstraint(COUNTS, name=op.f("ck_gateway_bills_counts_not_negative")),
        sa.ForeignKeyConstraint(["account_id"], ["merchant_accounts.id"], name=op.f("fk_gateway_bills_account_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_gateway_bills_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_bills")),
        sa.UniqueConstraint("account_id", "billed_on", name=op.f("uq_gateway_bills_account_id_billed_on")),
    )
    op.create_index("ix_gateway_bills_newest", "gateway_bills", ["mall_id", "billed_on", "id"])
    op.create_table(
        "bill_differences",
        sa.Column("bill_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("gateway_no", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("bill_fen", sa.BigInteger(), nullable=True),
        sa.Column("ours_fen", sa.BigInteger(), nullable=True),
        sa.Column("bill_says", sa.Text(), nullable=True),
        sa.Column("we_say", sa.Text(), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        *_mall(),
        sa.CheckConstraint(KINDS, name=op.f("ck_bill_differences_kind_is_known")),
        sa.CheckConstraint("about IN ('payment', 'refund')", name=op.f("ck_bill_differences_about_is_known")),
        sa.CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name=op.f("ck_bill_differences_an_answer_has_a_person")),
        sa.ForeignKeyConstraint(["bill_id"], ["gateway_bills.id"], name=op.f("fk_bill_differences_bill_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_bill_differences_mall_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_bill_differences_payment_id")),
        sa.ForeignKeyConstraint(["refund_id"], ["payment_refunds.id"], name=op.f("fk_bill_differences_refund_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill_differences")),
        sa.UniqueConstraint("bill_id", "kind", "about", "number", name=op.f("uq_bill_differences_bill_id_kind_about_number")),
    )
    op.create_index("ix_bill_differences_newest", "bill_differences", ["mall_id", "id"])
    op.create_index("ix_bill_differences_number", "bill_differences", ["mall_id", "number"])
    open_ones = sa.text("settled_at IS NULL")
    op.create_index("ix_bill_differences_open", "bill_differences", ["mall_id", "id"], postgresql_where=open_ones)
    wall("gateway_bills")
    wall("bill_differences")


def downgrade() -> None:
    op.drop_table("bill_differences")
    op.drop_table("gateway_bills")
    op.drop_index("ix_payment_refunds_unbilled", "payment_refunds")
    op.drop_index("ix_payments_unbilled", "payments")
    op.drop_column("payment_refunds", "billed_on")
    op.drop_column("payments", "billed_on")
