"""code plates: opaque codes above malls, plates with their moves, terms by shop, spot checks, alarms"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.wall import wall

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WALLED = ("plate_batches", "plates", "plate_moves", "plate_terms", "plate_checks", "plate_alarms")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "plate_batches",
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("plates", sa.BigInteger(), nullable=False),
        sa.Column("first_number", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("plates > 0", name=op.f("ck_plate_batches_holds_plates")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_plate_batches_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plate_batches")),
    )
    op.create_table(
        "public_codes",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("code ~ '^[a-z2-9]{12}$'", name=op.f("ck_public_codes_code_is_opaque")),
        sa.CheckConstraint("kind IN ('plate')", name=op.f("ck_public_codes_kind_is_known")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_public_codes_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_codes")),
        sa.UniqueConstraint("code", name=op.f("uq_public_codes_code")),
    )
    op.create_table(
        "plate_alarms",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("kind IN ('silence', 'wrong_plate')", name=op.f("ck_plate_alarms_kind_is_known")),
        sa.CheckConstraint("(seen_at IS NULL) = (seen_by IS NULL)", name=op.f("ck_plate_alarms_seen_whole")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_plate_alarms_mall_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_plate_alarms_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plate_alarms")),
    )
    op.create_index("ix_plate_alarms_newest", "plate_alarms", ["mall_id", "id"], unique=False)
    op.create_index("ix_plate_alarms_open", "plate_alarms", ["mall_id", "id"], unique=False, postgresql_where=sa.text("seen_at IS NULL"))
    op.create_index("ix_plate_alarms_shop", "plate_alarms", ["mall_id", "shop_id", "id"], unique=False)
    op.create_index(
        "uq_plate_alarms_silence",
        "plate_alarms",
        ["mall_id", "shop_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'silence' AND over_at IS NULL"),
    )
    op.create_table(
        "plate_terms",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("min_fen", sa.BigInteger(), nullable=True),
        sa.Column("max_fen", sa.BigInteger(), nullable=True),
        sa.Column("decimals", sa.BigInteger(), nullable=True),
        sa.Column("excluded_allowed", sa.Boolean(), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("decimals BETWEEN 0 AND 2", name=op.f("ck_plate_terms_decimals_known")),
        sa.CheckConstraint("max_fen >= min_fen", name=op.f("ck_plate_terms_limits_in_order")),
        sa.CheckConstraint("min_fen > 0", name=op.f("ck_plate_terms_least_is_something")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_plate_terms_mall_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_plate_terms_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plate_terms")),
        sa.UniqueConstraint("mall_id", "shop_id", name=op.f("uq_plate_terms_mall_id_shop_id")),
    )
    op.create_table(
        "plates",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("state <> 'blank' OR shop_id IS NULL", name=op.f("ck_plates_blank_has_no_shop")),
        sa.CheckConstraint("state <> 'bound' OR shop_id IS NOT NULL", name=op.f("ck_plates_bound_has_a_shop")),
        sa.ForeignKeyConstraint(["batch_id"], ["plate_batches.id"], name=op.f("fk_plates_batch_id")),
        sa.ForeignKeyConstraint(["code"], ["public_codes.code"], name=op.f("fk_plates_code")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_plates_mall_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_plates_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plates")),
        sa.UniqueConstraint("mall_id", "code", name=op.f("uq_plates_mall_id_code")),
        sa.UniqueConstraint("mall_id", "number", name=op.f("uq_plates_mall_id_number")),
    )
    op.create_index("ix_plates_batch", "plates", ["mall_id", "batch_id", "id"], unique=False)
    op.create_index("ix_plates_newest", "plates", ["mall_id", "id"], unique=False)
    op.create_index("ix_plates_shop", "plates", ["mall_id", "shop_id", "id"], unique=False, postgresql_where=sa.text("shop_id IS NOT NULL"))
    op.create_table(
        "plate_checks",
        sa.Column("scanned", sa.Text(), nullable=False),
        sa.Column("plate_id", sa.BigInteger(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("checked_by", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "finding IN ('right', 'not_ours', 'blank', 'retired', 'other_shop', 'looks_wrong')",
            name=op.f("ck_plate_checks_finding_is_known"),
        ),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_plate_checks_mall_id")),
        sa.ForeignKeyConstraint(["plate_id"], ["plates.id"], name=op.f("fk_plate_checks_plate_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_plate_checks_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plate_checks")),
    )
    op.create_index("ix_plate_checks_newest", "plate_checks", ["mall_id", "id"], unique=False)
    op.create_index("ix_plate_checks_shop", "plate_checks", ["mall_id", "shop_id", "id"], unique=False)
    op.create_table(
        "plate_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("plate_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_plate_moves_mall_id")),
        sa.ForeignKeyConstraint(["plate_id"], ["plates.id"], name=op.f("fk_plate_moves_plate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plate_moves")),
        sa.UniqueConstraint("plate_id", "seq", name=op.f("uq_plate_moves_plate_id_seq")),
    )
    for table in WALLED:
        wall(table)


def downgrade() -> None:
    op.drop_table("plate_moves")
    op.drop_table("plate_checks")
    op.drop_table("plates")
    op.drop_table("plate_terms")
    op.drop_table("plate_alarms")
    op.drop_table("public_codes")
    op.drop_table("plate_batches")
