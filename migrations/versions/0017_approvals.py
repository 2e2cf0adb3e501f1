"""acts that take two people, and who opened, let in or raised whose account"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.wall import wall

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

MALL = sa.text("current_setting('mallbridge.mall_id')::bigint")
WALLED = ("approvals", "approval_moves", "account_ties")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "approvals",
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("place", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("asked", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=MALL, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("state <> 'done' OR decided_by <> asked_by", name=op.f("ck_approvals_two_people")),
        sa.CheckConstraint("(state IN ('done', 'rejected')) = (decided_by IS NOT NULL)", name=op.f("ck_approvals_decided_by_somebody")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_approvals_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index(
        "uq_approvals_waiting", "approvals", ["mall_id", "act", "subject"], unique=True, postgresql_where=sa.text("state = 'proposed'")
    )
    op.create_index("ix_approvals_newest", "approvals", ["mall_id", "state", "id"], unique=False)
    op.create_index("ix_approvals_asked_by", "approvals", ["mall_id", "asked_by", "id"], unique=False)
    op.create_table(
        "approval_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=MALL, nullable=False),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_approval_moves_approval_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_approval_moves_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_moves")),
        sa.UniqueConstraint("approval_id", "seq", name=op.f("uq_approval_moves_approval_id_seq")),
    )
    op.create_table(
        "account_ties",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("did", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=MALL, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["staff_accounts.id"], name=op.f("fk_account_ties_account_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_account_ties_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_ties")),
    )
    op.create_index("ix_account_ties_account", "account_ties", ["account_id", "at"], unique=False)
    for table in WALLED:
        wall(table)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for table in reversed(WALLED):
        op.drop_table(table)
