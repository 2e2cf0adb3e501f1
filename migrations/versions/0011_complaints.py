"""complaints of payers, and what is replied to them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.wall import wall

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WALLED = ("complaints", "complaint_moves", "complaint_replies", "complaint_reply_moves")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "complaints",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("gateway_no", sa.Text(), nullable=False),
        sa.Column("accused_no", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("payment_number", sa.Text(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("problem_type", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("refund_wanted_fen", sa.BigInteger(), nullable=True),
        sa.Column("fully_refunded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("words", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("times", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("payer_waits", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waits_since_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("urgency", sa.BigInteger(), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replies", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("asks", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("is_open", sa.Boolean(), sa.Computed("state IN ('heard', 'pending', 'processing')", persisted=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("(state = 'processed') = (completed_at IS NOT NULL)", name=op.f("ck_complaints_processed_has_an_instant")),
        sa.CheckConstraint("(state IN ('processed', 'foreign')) = (due_at IS NULL)", name=op.f("ck_complaints_what_is_open_is_due")),
        sa.CheckConstraint("channel IN ('wechat', 'alipay')", name=op.f("ck_complaints_channel_is_known")),
        sa.CheckConstraint("state = 'heard' OR refreshed_at IS NOT NULL", name=op.f("ck_complaints_only_the_unread_was_never_read")),
        sa.CheckConstraint("amount_fen >= 0 AND refund_wanted_fen >= 0", name=op.f("ck_complaints_amounts_are_not_negative")),
        sa.CheckConstraint("length(detail) <= 1000", name=op.f("ck_complaints_detail_is_cut")),
        sa.CheckConstraint("times >= 1 AND replies >= 0", name=op.f("ck_complaints_counts_are_counts")),
        sa.ForeignKeyConstraint(["account_id"], ["merchant_accounts.id"], name=op.f("fk_complaints_account_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_complaints_mall_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_complaints_payment_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_complaints_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints")),
        sa.UniqueConstraint("mall_id", "channel", "gateway_no", name=op.f("uq_complaints_mall_id_channel_gateway_no")),
    )
    op.create_index("ix_complaints_first", "complaints", ["mall_id", "is_open", "urgency", "id"], unique=False)
    op.create_index("ix_complaints_payment", "complaints", ["payment_id"], unique=False)
    op.create_index("ix_complaints_shop", "complaints", ["mall_id", "shop_id", "is_open", "urgency", "id"], unique=False)
    op.create_index(
        "ix_complaints_unread", "complaints", ["mall_id", "next_ask_at"], unique=False, postgresql_where=sa.text("next_ask_at IS NOT NULL")
    )
    op.create_table(
        "complaint_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("complaint_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaints.id"], name=op.f("fk_complaint_moves_complaint_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_complaint_moves_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_moves")),
        sa.UniqueConstraint("complaint_id", "seq", name=op.f("uq_complaint_moves_complaint_id_seq")),
    )
    op.create_table(
        "complaint_replies",
        sa.Column("complaint_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asks", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "(kind = 'answer') = (content <> '') AND length(content) <= 200", name=op.f("ck_complaint_replies_answers_say_something")
        ),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_complaint_replies_sent_has_an_instant")),
        sa.CheckConstraint("kind IN ('answer', 'completion')", name=op.f("ck_complaint_replies_kind_is_known")),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_complaint_replies_seq_counts_from_one")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaints.id"], name=op.f("fk_complaint_replies_complaint_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_complaint_replies_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_replies")),
        sa.UniqueConstraint("complaint_id", "seq", name=op.f("uq_complaint_replies_complaint_id_seq")),
    )
    op.create_index(
        "ix_complaint_replies_unanswered",
        "complaint_replies",
        ["mall_id", "next_ask_at"],
        unique=False,
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_index(
        "uq_complaint_replies_on_its_way", "complaint_replies", ["complaint_id"], unique=True, postgresql_where=sa.text("state = 'planned'")
    )
    op.create_table(
        "complaint_reply_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("complaint_reply_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.ForeignKeyConstraint(["complaint_reply_id"], ["complaint_replies.id"], name=op.f("fk_complaint_reply_moves_complaint_reply_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_complaint_reply_moves_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_reply_moves")),
        sa.UniqueConstraint("complaint_reply_id", "seq", name=op.f("uq_complaint_reply_moves_complaint_reply_id_seq")),
    )
    for table in WALLED:
        wall(table)


def downgrade() -> None:
    for table in reversed(WALLED):
        op.drop_table(table)
