"""lockers in the mall's halls"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.wall import wall

revision = "NNNN"
down_revision = "HEAD"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "lockers",
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("(state = 'taken') = (member_id IS NOT NULL)", name=op.f("ck_lockers_taken_by_a_member")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_lockers_mall_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_lockers_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lockers")),
        sa.UniqueConstraint("mall_id", "door", name=op.f("uq_lockers_mall_id_door")),
    )
    op.create_table(
        "locker_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("locker_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_locker_moves_mall_id")),
        sa.ForeignKeyConstraint(["locker_id"], ["lockers.id"], name=op.f("fk_locker_moves_locker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locker_moves")),
        sa.UniqueConstraint("locker_id", "seq", name=op.f("uq_locker_moves_locker_id_seq")),
    )
    for table in ("lockers", "locker_moves"):
        wall(table)


def downgrade() -> None:
    op.drop_table("locker_moves")
    op.drop_table("lockers")
