"""foundation"""

from pathlib import Path

import procrastinate
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.wall import wall

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JOBS_SCHEMA = (Path(procrastinate.__file__).parent / "sql" / "schema.sql").read_text()
WALLED = (
    "audit_entries",
    "ledger_accounts",
    "ledger_transfers",
    "levels",
    "once_keys",
    "phone_codes",
    "sign_in_tries",
    "sites",
    "text_messages",
    "floors",
    "ledger_entries",
    "ledger_rollups",
    "shops",
    "members",
    "pairing_codes",
    "sales",
    "shop_aliases",
    "staff_accounts",
    "growth_entries",
    "level_changes",
    "member_consents",
    "member_identities",
    "member_moves",
    "member_sessions",
    "sale_refunds",
    "sale_sightings",
    "spent_proofs",
    "staff_account_moves",
    "staff_sessions",
    "vehicles",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "malls",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), server_default=sa.text("'Asia/Shanghai'"), nullable=False),
        sa.Column("currency", sa.Text(), server_default=sa.text("'CNY'"), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("shops_version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("code ~ '^[a-z0-9-]{2,40}$'", name=op.f("ck_malls_code_is_a_slug")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_malls")),
        sa.UniqueConstraint("code", name=op.f("uq_malls_code")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("did", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_audit_entries_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_newest", "audit_entries", ["mall_id", "id"], unique=False)
    op.create_index("ix_audit_entries_subject", "audit_entries", ["mall_id", "subject_type", "subject_id", "id"], unique=False)
    op.create_index("ix_audit_entries_who", "audit_entries", ["mall_id", "who", "id"], unique=False)
    op.create_table(
        "ledger_accounts",
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("(owner_kind = 'member') = (balance IS NOT NULL)", name=op.f("ck_ledger_accounts_only_members_run_a_balance")),
        sa.CheckConstraint(
            "asset IN ('points', 'points_pending', 'principal_fen', 'bonus_fen', 'cash_fen', 'growth')",
            name=op.f("ck_ledger_accounts_asset_known"),
        ),
        sa.CheckConstraint("balance >= 0 OR asset IN ('points', 'growth')", name=op.f("ck_ledger_accounts_debt_only_where_allowed")),
        sa.CheckConstraint(
            "owner_kind IN ('member', 'shop', 'mall', 'gateway', 'bearer')", name=op.f("ck_ledger_accounts_owner_kind_known")
        ),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_ledger_accounts_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
        sa.UniqueConstraint(
            "mall_id", "owner_kind", "owner_id", "asset", name=op.f("uq_ledger_accounts_mall_id_owner_kind_owner_id_asset")
        ),
    )
    op.create_table(
        "ledger_transfers",
        sa.Column("cause_type", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("undoes", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("undoes < id", name=op.f("ck_ledger_transfers_undoes_something_older")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_ledger_transfers_mall_id")),
        sa.ForeignKeyConstraint(["undoes"], ["ledger_transfers.id"], name=op.f("fk_ledger_transfers_undoes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfers")),
        sa.UniqueConstraint("mall_id", "cause_type", "cause_id", name=op.f("uq_ledger_transfers_mall_id_cause_type_cause_id")),
        sa.UniqueConstraint("undoes", name=op.f("uq_ledger_transfers_undoes")),
    )
    op.create_table(
        "levels",
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("reach_growth", sa.BigInteger(), nullable=False),
        sa.Column("keep_growth", sa.BigInteger(), nullable=False),
        sa.Column("multiplier_bp", sa.BigInteger(), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("keep_growth BETWEEN 0 AND reach_growth", name=op.f("ck_levels_keeping_costs_no_more_than_reaching")),
        sa.CheckConstraint("multiplier_bp BETWEEN 0 AND 1000000", name=op.f("ck_levels_multiplier_in_range")),
        sa.CheckConstraint("rank >= 0", name=op.f("ck_levels_ranks_start_at_zero")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_levels_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_levels")),
        sa.UniqueConstraint("mall_id", "rank", name=op.f("uq_levels_mall_id_rank")),
    )
    op.create_table(
        "once_keys",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_once_keys_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_once_keys")),
        sa.UniqueConstraint("mall_id", "principal", "key", name=op.f("uq_once_keys_mall_id_principal_key")),
    )
    op.create_table(
        "phone_codes",
        sa.Column("phone_key", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("tries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_phone_codes_tries_are_counted")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_phone_codes_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_codes")),
    )
    op.create_index("ix_phone_codes_phone", "phone_codes", ["mall_id", "phone_key", "id"], unique=False)
    op.create_table(
        "sign_in_tries",
        sa.Column("login_key", sa.Text(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_sign_in_tries_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_tries")),
        sa.UniqueConstraint("mall_id", "login_key", name=op.f("uq_sign_in_tries_mall_id_login_key")),
    )
    op.create_table(
        "sites",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_sites_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("mall_id", "code", name=op.f("uq_sites_mall_id_code")),
    )
    op.create_table(
        "text_messages",
        sa.Column("phone_key", sa.Text(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("state IN ('queued', 'sent')", name=op.f("ck_text_messages_state_is_known")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_text_messages_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_messages")),
    )
    op.create_index("ix_text_messages_phone", "text_messages", ["mall_id", "phone_key", "id"], unique=False)
    op.create_table(
        "floors",
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_floors_mall_id")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_floors_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_floors")),
        sa.UniqueConstraint("mall_id", "site_id", "label", name=op.f("uq_floors_mall_id_site_id_label")),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance_after", sa.BigInteger(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_entries_moves_something")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_ledger_entries_mall_id")),
        sa.ForeignKeyConstraint(["transfer_id"], ["ledger_transfers.id"], name=op.f("fk_ledger_entries_transfer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
    )
    op.create_index("ix_ledger_entries_account", "ledger_entries", ["account_id", "id"], unique=False)
    op.create_index("ix_ledger_entries_transfer", "ledger_entries", ["transfer_id"], unique=False)
    op.create_table(
        "ledger_rollups",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("through_entry_id", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("rolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_rollups_account_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_ledger_rollups_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_rollups")),
        sa.UniqueConstraint("account_id", name=op.f("uq_ledger_rollups_account_id")),
    )
    op.create_table(
        "shops",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("floor_id", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=True),
        sa.Column("trading_names", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("tax_number", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("opening_hours", sa.Text(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("points_rate_bp", sa.BigInteger(), server_default=sa.text("10000"), nullable=False),
        sa.Column("excluded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("photo_key", sa.Text(), nullable=True),
        sa.Column("closed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("search_text", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("ends_on IS NULL OR starts_on IS NULL OR starts_on <= ends_on", name=op.f("ck_shops_contract_runs_forward")),
        sa.CheckConstraint("points_rate_bp BETWEEN 0 AND 1000000", name=op.f("ck_shops_points_rate_in_range")),
        sa.ForeignKeyConstraint(["floor_id"], ["floors.id"], name=op.f("fk_shops_floor_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_shops_mall_id")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_shops_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shops")),
        sa.UniqueConstraint("mall_id", "code", name=op.f("uq_shops_mall_id_code")),
    )
    op.create_index("ix_shops_floor", "shops", ["mall_id", "floor_id"], unique=False)
    op.create_index("ix_shops_name", "shops", ["mall_id", "name", "id"], unique=False)
    op.create_table(
        "members",
        sa.Column("nickname", sa.Text(), nullable=True),
        sa.Column("birthday_on", sa.Date(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_key", sa.Text(), nullable=True),
        sa.Column("level_rank", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("level_until_on", sa.Date(), nullable=True),
        sa.Column("growth", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("referrer_id", sa.BigInteger(), nullable=True),
        sa.Column("joined_shop_id", sa.BigInteger(), nullable=True),
        sa.Column("folded_into_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("state = 'active' OR phone_key IS NULL", name=op.f("ck_members_only_active_members_have_phones")),
        sa.CheckConstraint("(phone_sealed IS NULL) = (phone_key IS NULL)", name=op.f("ck_members_phone_is_sealed_and_findable")),
        sa.CheckConstraint("level_rank >= 0", name=op.f("ck_members_levels_start_at_zero")),
        sa.ForeignKeyConstraint(["folded_into_id"], ["members.id"], name=op.f("fk_members_folded_into_id")),
        sa.ForeignKeyConstraint(["joined_shop_id"], ["shops.id"], name=op.f("fk_members_joined_shop_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_members_mall_id")),
        sa.ForeignKeyConstraint(["referrer_id"], ["members.id"], name=op.f("fk_members_referrer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("mall_id", "phone_key", name=op.f("uq_members_mall_id_phone_key")),
    )
    op.create_index("ix_members_level_until", "members", ["mall_id", "level_until_on"], unique=False)
    op.create_index("ix_members_referrer", "members", ["referrer_id"], unique=False)
    op.create_table(
        "pairing_codes",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("code_key", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_pairing_codes_mall_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_pairing_codes_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairing_codes")),
        sa.UniqueConstraint("mall_id", "code_key", name=op.f("uq_pairing_codes_mall_id_code_key")),
    )
    op.create_table(
        "sales",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("minute_known", sa.Boolean(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("receipt_no", sa.Text(), nullable=True),
        sa.Column("tenders", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("scored_by", sa.BigInteger(), nullable=True),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("(scored_by IS NULL) = (scored_at IS NULL)", name=op.f("ck_sales_scored_whole")),
        sa.CheckConstraint("paid_fen >= 0", name=op.f("ck_sales_paid_not_negative")),
        sa.CheckConstraint("refunded_fen BETWEEN 0 AND paid_fen", name=op.f("ck_sales_refunds_within_paid")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_sales_mall_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_sales_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales")),
    )
    op.create_index(
        "ix_sales_member_time",
        "sales",
        ["mall_id", "member_id", "paid_at", "id"],
        unique=False,
        postgresql_where=sa.text("member_id IS NOT NULL"),
    )
    op.create_index("ix_sales_shop_time", "sales", ["mall_id", "shop_id", "paid_at", "id"], unique=False)
    op.create_index("ix_sales_time", "sales", ["mall_id", "paid_at", "id"], unique=False)
    op.create_table(
        "shop_aliases",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("normalised", sa.Text(), nullable=False),
        sa.Column("learned_from", sa.Text(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("kind IN ('name', 'unit', 'tax_no', 'phone', 'printed')", name=op.f("ck_shop_aliases_kind_is_known")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_shop_aliases_mall_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_shop_aliases_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_aliases")),
        sa.UniqueConstraint("mall_id", "normalised", "kind", "shop_id", name=op.f("uq_shop_aliases_mall_id_normalised_kind_shop_id")),
    )
    op.create_index("ix_shop_aliases_shop", "shop_aliases", ["shop_id"], unique=False)
    op.create_table(
        "staff_accounts",
        sa.Column("login", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("(role = 'tablet') = (login IS NULL)", name=op.f("ck_staff_accounts_people_have_a_login")),
        sa.CheckConstraint(
            "(role IN ('shop_clerk', 'shop_manager', 'tablet')) = (shop_id IS NOT NULL)",
            name=op.f("ck_staff_accounts_shop_roles_have_a_shop"),
        ),
        sa.CheckConstraint(
            "role IN ('administrator', 'reviewer', 'marketer', 'finance', 'floor_manager', 'service_desk', 'shop_manager', 'shop_clerk', 'tablet')",
            name=op.f("ck_staff_accounts_role_is_known"),
        ),
        sa.CheckConstraint("(login IS NULL) = (password_hash IS NULL)", name=op.f("ck_staff_accounts_a_login_has_a_password")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_staff_accounts_mall_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_staff_accounts_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_accounts")),
        sa.UniqueConstraint("mall_id", "login", name=op.f("uq_staff_accounts_mall_id_login")),
    )
    op.create_index("ix_staff_accounts_shop", "staff_accounts", ["shop_id"], unique=False)
    op.create_table(
        "growth_entries",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("growth", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("earned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_growth_entries_mall_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_growth_entries_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_growth_entries")),
        sa.UniqueConstraint("mall_id", "cause", name=op.f("uq_growth_entries_mall_id_cause")),
    )
    op.create_index("ix_growth_entries_member", "growth_entries", ["member_id", "earned_at"], unique=False)
    op.create_table(
        "level_changes",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("from_rank", sa.BigInteger(), nullable=False),
        sa.Column("to_rank", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("growth", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_level_changes_mall_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_level_changes_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_level_changes")),
    )
    op.create_index("ix_level_changes_member", "level_changes", ["member_id", "id"], unique=False)
    op.create_table(
        "member_consents",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_member_consents_mall_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_member_consents_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_consents")),
    )
    op.create_index(
        "uq_member_consents_standing",
        "member_consents",
        ["mall_id", "member_id", "document", "version"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "member_identities",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("union_id", sa.Text(), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("channel IN ('wechat', 'alipay', 'phone')", name=op.f("ck_member_identities_channel_is_known")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_member_identities_mall_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_member_identities_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_identities")),
        sa.UniqueConstraint("mall_id", "channel", "app_id", "subject", name=op.f("uq_member_identities_mall_id_channel_app_id_subject")),
    )
    op.create_index("ix_member_identities_member", "member_identities", ["member_id"], unique=False)
    op.create_index("ix_member_identities_union", "member_identities", ["mall_id", "channel", "union_id"], unique=False)
    op.create_table(
        "member_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_member_moves_mall_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_member_moves_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_moves")),
        sa.UniqueConstraint("member_id", "seq", name=op.f("uq_member_moves_member_id_seq")),
    )
    op.create_table(
        "member_sessions",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_member_sessions_mall_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_member_sessions_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_sessions")),
        sa.UniqueConstraint("mall_id", "public_id", name=op.f("uq_member_sessions_mall_id_public_id")),
    )
    op.create_index("ix_member_sessions_member", "member_sessions", ["member_id"], unique=False)
    op.create_table(
        "sale_refunds",
        sa.Column("sale_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_before_fen", sa.BigInteger(), nullable=False),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_sale_refunds_gives_something_back")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_sale_refunds_mall_id")),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_sale_refunds_sale_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_refunds")),
        sa.UniqueConstraint("mall_id", "source_type", "source_id", name=op.f("uq_sale_refunds_mall_id_source_type_source_id")),
        sa.UniqueConstraint("sale_id", "refunded_before_fen", name=op.f("uq_sale_refunds_sale_id_refunded_before_fen")),
    )
    op.create_table(
        "sale_sightings",
        sa.Column("sale_id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minute_known", sa.Boolean(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("receipt_no", sa.Text(), nullable=True),
        sa.Column("number_key", sa.Text(), nullable=True),
        sa.Column("external_no", sa.Text(), nullable=True),
        sa.Column("external_key", sa.Text(), nullable=True),
        sa.Column("differs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_sale_sightings_mall_id")),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_sale_sightings_sale_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_sightings")),
        sa.UniqueConstraint("mall_id", "source_type", "source_id", name=op.f("uq_sale_sightings_mall_id_source_type_source_id")),
    )
    op.create_index(
        "ix_sale_sightings_external",
        "sale_sightings",
        ["mall_id", "shop_id", "external_key"],
        unique=False,
        postgresql_where=sa.text("external_key IS NOT NULL"),
    )
    op.create_index(
        "ix_sale_sightings_number",
        "sale_sightings",
        ["mall_id", "shop_id", "number_key"],
        unique=False,
        postgresql_where=sa.text("number_key IS NOT NULL"),
    )
    op.create_index("ix_sale_sightings_sale", "sale_sightings", ["sale_id"], unique=False)
    op.create_table(
        "spent_proofs",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("spent_by", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_spent_proofs_mall_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_spent_proofs_member_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_spent_proofs_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spent_proofs")),
        sa.UniqueConstraint("mall_id", "kind", "digest", name=op.f("uq_spent_proofs_mall_id_kind_digest")),
    )
    op.create_index("ix_spent_proofs_forget", "spent_proofs", ["mall_id", "forget_at"], unique=False)
    op.create_table(
        "staff_account_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_account_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_staff_account_moves_mall_id")),
        sa.ForeignKeyConstraint(["staff_account_id"], ["staff_accounts.id"], name=op.f("fk_staff_account_moves_staff_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_account_moves")),
        sa.UniqueConstraint("staff_account_id", "seq", name=op.f("uq_staff_account_moves_staff_account_id_seq")),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["staff_accounts.id"], name=op.f("fk_staff_sessions_account_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_staff_sessions_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
        sa.UniqueConstraint("mall_id", "public_id", name=op.f("uq_staff_sessions_mall_id_public_id")),
    )
    op.create_index("ix_staff_sessions_account", "staff_sessions", ["account_id"], unique=False)
    op.create_table(
        "vehicles",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("plate", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_vehicles_mall_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_vehicles_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicles")),
        sa.UniqueConstraint("mall_id", "member_id", "plate", name=op.f("uq_vehicles_mall_id_member_id_plate")),
    )
    op.create_index("uq_vehicles_default", "vehicles", ["mall_id", "member_id"], unique=True, postgresql_where=sa.text("is_default"))
    for table in WALLED:
        wall(table)
    op.execute(JOBS_SCHEMA)


def downgrade() -> None:
    raise RuntimeError("The first migration is not undone: drop the database.")
