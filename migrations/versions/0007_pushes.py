"""messages that go to the phone too, and how many a member has agreed to"""

import sqlalchemy as sa
from alembic import op

from migrations.wall import wall

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATES = "push_state IN ('waiting', 'queued', 'sending', 'sent', 'refused', 'failed')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("messages", sa.Column("push_state", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_messages_push_state_known"), "messages", STATES)
    op.create_index("ix_messages_to_push", "messages", ["mall_id", "id"], postgresql_where=sa.text("push_state = 'waiting'"))
    op.create_table(
        "push_grants",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("left_count", sa.BigInteger(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("left_count >= 0", name=op.f("ck_push_grants_never_overdrawn")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_push_grants_mall_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_push_grants_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_grants")),
        sa.UniqueConstraint("mall_id", "member_id", "template_id", name=op.f("uq_push_grants_mall_id_member_id_template_id")),
    )
    wall("push_grants")


def downgrade() -> None:
    op.drop_table("push_grants")
    op.drop_index("ix_messages_to_push", "messages")
    op.drop_constraint(op.f("ck_messages_push_state_known"), "messages")
    op.drop_column("messages", "push_state")
