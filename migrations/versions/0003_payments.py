"""merchant accounts with sealed keys, payments, refunds, shares, the inbox of notices and what was refused"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.wall import wall

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WALLED = (
    "merchant_accounts",
    "merchant_keys",
    "notice_refusals",
    "payments",
    "payment_moves",
    "payment_refunds",
    "payment_shares",
    "payment_notices",
    "payment_refund_moves",
    "payment_share_moves",
    "payment_notice_moves",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "merchant_accounts",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("collects", sa.Text(), server_default=sa.text("'mall'"), nullable=False),
        sa.Column("profit_share_bp", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("share_receiver_no", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("mode", sa.Text(), server_default=sa.text("'direct'"), nullable=False),
        sa.Column("merchant_no", sa.Text(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("sub_merchant_no", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("sub_app_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("channel IN ('wechat', 'alipay')", name=op.f("ck_merchant_accounts_channel_is_known")),
        sa.CheckConstraint("collects = 'mall' OR shop_id IS NOT NULL", name=op.f("ck_merchant_accounts_a_shop_collects_with_its_own")),
        sa.CheckConstraint("collects IN ('mall', 'shop')", name=op.f("ck_merchant_accounts_collector_is_known")),
        sa.CheckConstraint("mode = 'direct' OR sub_merchant_no <> ''", name=op.f("ck_merchant_accounts_a_partner_names_its_merchant")),
        sa.CheckConstraint("mode IN ('direct', 'partner')", name=op.f("ck_merchant_accounts_mode_is_known")),
        sa.CheckConstraint("profit_share_bp = 0 OR collects = 'shop'", name=op.f("ck_merchant_accounts_only_direct_accounts_share")),
        sa.CheckConstraint("profit_share_bp = 0 OR share_receiver_no <> ''", name=op.f("ck_merchant_accounts_a_share_names_its_receiver")),
        sa.CheckConstraint("profit_share_bp BETWEEN 0 AND 3000", name=op.f("ck_merchant_accounts_share_in_range")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_merchant_accounts_mall_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_merchant_accounts_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant_accounts")),
    )
    op.create_index("ix_merchant_accounts_shop", "merchant_accounts", ["mall_id", "channel", "shop_id"], unique=False)
    op.create_index(
        "uq_merchant_accounts_number",
        "merchant_accounts",
        ["mall_id", "channel", "merchant_no", "sub_merchant_no", "app_id", "shop_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "merchant_keys",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "kind IN ('own_key', 'notice_key', 'trusted_key', 'trusted_certificate', 'root_certificate')",
            name=op.f("ck_merchant_keys_kind_is_known"),
        ),
        sa.CheckConstraint("ends_at IS NULL OR starts_at < ends_at", name=op.f("ck_merchant_keys_validity_runs_forward")),
        sa.ForeignKeyConstraint(["account_id"], ["merchant_accounts.id"], name=op.f("fk_merchant_keys_account_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_merchant_keys_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant_keys")),
        sa.UniqueConstraint("account_id", "kind", "fingerprint", name=op.f("uq_merchant_keys_account_id_kind_fingerprint")),
    )
    op.create_index("ix_merchant_keys_ends", "merchant_keys", ["mall_id", "ends_at"], unique=False)
    op.create_table(
        "notice_refusals",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("body_bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["merchant_accounts.id"], name=op.f("fk_notice_refusals_account_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_notice_refusals_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_refusals")),
    )
    op.create_index("ix_notice_refusals_newest", "notice_refusals", ["mall_id", "id"], unique=False)
    op.create_table(
        "payments",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), server_default=sa.text("'prepay'"), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("payer_subject", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("placed_with", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_from_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gateway_no", sa.Text(), nullable=True),
        sa.Column("refunding_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("asks", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name=op.f("ck_payments_paid_has_an_instant")),
        sa.CheckConstraint("kind IN ('prepay', 'auth_code')", name=op.f("ck_payments_kind_is_known")),
        sa.CheckConstraint("number ~ '^[0-9A-Z]{24,28}$'", name=op.f("ck_payments_number_is_what_both_gateways_take")),
        sa.CheckConstraint("refunding_fen = 0 OR state = 'paid'", name=op.f("ck_payments_only_paid_is_refunded")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payments_amount_is_positive")),
        sa.CheckConstraint(
            "refunding_fen BETWEEN 0 AND amount_fen AND refunded_fen BETWEEN 0 AND refunding_fen",
            name=op.f("ck_payments_never_refunded_too_much"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["merchant_accounts.id"], name=op.f("fk_payments_account_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_payments_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("mall_id", "number", name=op.f("uq_payments_mall_id_number")),
    )
    op.create_index("ix_payments_newest", "payments", ["mall_id", "id"], unique=False)
    op.create_index("ix_payments_order", "payments", ["mall_id", "order_id"], unique=False)
    op.create_index(
        "ix_payments_unanswered",
        "payments",
        ["mall_id", "next_ask_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('created', 'placed', 'paying')"),
    )
    op.create_index(
        "uq_payments_gateway_no", "payments", ["account_id", "gateway_no"], unique=True, postgresql_where=sa.text("gateway_no IS NOT NULL")
    )
    op.create_table(
        "payment_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_payment_moves_mall_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_payment_moves_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_moves")),
        sa.UniqueConstraint("payment_id", "seq", name=op.f("uq_payment_moves_payment_id_seq")),
    )
    op.create_table(
        "payment_refunds",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause_type", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gateway_no", sa.Text(), nullable=True),
        sa.Column("asks", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("share_return_no", sa.Text(), nullable=True),
        sa.Column("share_return_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("share_returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name=op.f("ck_payment_refunds_done_has_an_instant")),
        sa.CheckConstraint("number ~ '^[0-9A-Z]{24,28}$'", name=op.f("ck_payment_refunds_number_is_what_both_gateways_take")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_refunds_amount_is_positive")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_payment_refunds_mall_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_payment_refunds_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_refunds")),
        sa.UniqueConstraint("mall_id", "cause_type", "cause_id", name=op.f("uq_payment_refunds_mall_id_cause_type_cause_id")),
        sa.UniqueConstraint("mall_id", "number", name=op.f("uq_payment_refunds_mall_id_number")),
    )
    op.create_index("ix_payment_refunds_newest", "payment_refunds", ["mall_id", "id"], unique=False)
    op.create_index("ix_payment_refunds_payment", "payment_refunds", ["payment_id"], unique=False)
    op.create_index(
        "ix_payment_refunds_unanswered",
        "payment_refunds",
        ["mall_id", "next_ask_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('requested', 'accepted')"),
    )
    op.create_table(
        "payment_shares",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("freeing_no", sa.Text(), nullable=True),
        sa.Column("receiver_no", sa.Text(), nullable=False),
        sa.Column("share_bp", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("returned_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gateway_no", sa.Text(), nullable=True),
        sa.Column("asks", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "amount_fen >= 0 AND returned_fen BETWEEN 0 AND amount_fen", name=op.f("ck_payment_shares_no_more_comes_back_than_went")
        ),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_payment_shares_mall_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_payment_shares_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_shares")),
        sa.UniqueConstraint("mall_id", "number", name=op.f("uq_payment_shares_mall_id_number")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_payment_shares_payment_id")),
    )
    op.create_index("ix_payment_shares_newest", "payment_shares", ["mall_id", "id"], unique=False)
    op.create_index(
        "ix_payment_shares_unanswered",
        "payment_shares",
        ["mall_id", "next_ask_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('planned', 'sent', 'arrived')"),
    )
    op.create_table(
        "payment_notices",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("notice_no", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("copies", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["merchant_accounts.id"], name=op.f("fk_payment_notices_account_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_payment_notices_mall_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_payment_notices_payment_id")),
        sa.ForeignKeyConstraint(["refund_id"], ["payment_refunds.id"], name=op.f("fk_payment_notices_refund_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_notices")),
        sa.UniqueConstraint("account_id", "notice_no", name=op.f("uq_payment_notices_account_id_notice_no")),
    )
    op.create_index("ix_payment_notices_newest", "payment_notices", ["mall_id", "id"], unique=False)
    op.create_index(
        "ix_payment_notices_open",
        "payment_notices",
        ["mall_id", "state", "id"],
        unique=False,
        postgresql_where=sa.text("state <> 'handled'"),
    )
    op.create_index("ix_payment_notices_payment", "payment_notices", ["payment_id"], unique=False)
    op.create_table(
        "payment_refund_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("payment_refund_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_payment_refund_moves_mall_id")),
        sa.ForeignKeyConstraint(["payment_refund_id"], ["payment_refunds.id"], name=op.f("fk_payment_refund_moves_payment_refund_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_refund_moves")),
        sa.UniqueConstraint("payment_refund_id", "seq", name=op.f("uq_payment_refund_moves_payment_refund_id_seq")),
    )
    op.create_table(
        "payment_share_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("payment_share_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_payment_share_moves_mall_id")),
        sa.ForeignKeyConstraint(["payment_share_id"], ["payment_shares.id"], name=op.f("fk_payment_share_moves_payment_share_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_share_moves")),
        sa.UniqueConstraint("payment_share_id", "seq", name=op.f("uq_payment_share_moves_payment_share_id_seq")),
    )
    op.create_table(
        "payment_notice_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("payment_notice_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_payment_notice_moves_mall_id")),
        sa.ForeignKeyConstraint(["payment_notice_id"], ["payment_notices.id"], name=op.f("fk_payment_notice_moves_payment_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_notice_moves")),
        sa.UniqueConstraint("payment_notice_id", "seq", name=op.f("uq_payment_notice_moves_payment_notice_id_seq")),
    )
    for table in WALLED:
        wall(table)


def downgrade() -> None:
    for table in reversed(WALLED):
        op.drop_table(table)
