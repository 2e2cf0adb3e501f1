"""what partners outside hear of: endpoints, events written with the facts, deliveries with their moves and attempts"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.wall import wall

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WALLED = ("partner_endpoints", "partner_events", "partner_deliveries", "partner_delivery_moves", "partner_attempts")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(
        "malls",
        sa.Column("partner_events", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    )
    op.create_table(
        "partner_endpoints",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("events", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret", sa.LargeBinary(), nullable=True),
        sa.Column("old_secret_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rotations", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_why", sa.Text(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failing_from_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rests_until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("turn", sa.Text(), nullable=True),
        sa.Column("turn_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("url ~ '^https?://'", name=op.f("ck_partner_endpoints_url_is_http")),
        sa.CheckConstraint("jsonb_array_length(events) > 0", name=op.f("ck_partner_endpoints_hears_something")),
        sa.CheckConstraint("(old_secret IS NULL) = (old_secret_ends_at IS NULL)", name=op.f("ck_partner_endpoints_old_secret_ends")),
        sa.CheckConstraint("(paused_at IS NULL) = (paused_why IS NULL)", name=op.f("ck_partner_endpoints_paused_whole")),
        sa.CheckConstraint("(turn IS NULL) = (turn_ends_at IS NULL)", name=op.f("ck_partner_endpoints_turn_ends")),
        sa.CheckConstraint("failures >= 0 AND rotations >= 0", name=op.f("ck_partner_endpoints_counts_are_not_negative")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_partner_endpoints_mall_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_partner_endpoints_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_endpoints")),
    )
    op.create_index(
        "uq_partner_endpoints_name", "partner_endpoints", ["mall_id", "name"], unique=True, postgresql_where=sa.text("removed_at IS NULL")
    )
    op.create_table(
        "partner_events",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("endpoint_id", sa.BigInteger(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("spread_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "kind IN ('sale.recorded', 'sale.refunded', 'payment.paid', 'refund.done', 'test')",
            name=op.f("ck_partner_events_kind_is_known"),
        ),
        sa.CheckConstraint("(body IS NULL) = (spread_at IS NULL)", name=op.f("ck_partner_events_spread_whole")),
        sa.CheckConstraint("(kind = 'test') = (endpoint_id IS NOT NULL)", name=op.f("ck_partner_events_only_a_test_is_for_one")),
        sa.ForeignKeyConstraint(["endpoint_id"], ["partner_endpoints.id"], name=op.f("fk_partner_events_endpoint_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_partner_events_mall_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_partner_events_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_events")),
        sa.UniqueConstraint("mall_id", "kind", "fact", name=op.f("uq_partner_events_mall_id_kind_fact")),
        sa.UniqueConstraint("mall_id", "number", name=op.f("uq_partner_events_mall_id_number")),
    )
    op.create_index("ix_partner_events_made", "partner_events", ["mall_id", "made_at"], unique=False)
    op.create_index(
        "ix_partner_events_unspread", "partner_events", ["mall_id", "id"], unique=False, postgresql_where=sa.text("spread_at IS NULL")
    )
    op.create_table(
        "partner_deliveries",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'given_up')", name=op.f("ck_partner_deliveries_state_is_known")),
        sa.CheckConstraint("attempts >= 0 AND step >= 0", name=op.f("ck_partner_deliveries_counts_are_not_negative")),
        sa.ForeignKeyConstraint(["endpoint_id"], ["partner_endpoints.id"], name=op.f("fk_partner_deliveries_endpoint_id")),
        sa.ForeignKeyConstraint(["event_id"], ["partner_events.id"], name=op.f("fk_partner_deliveries_event_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_partner_deliveries_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_deliveries")),
        sa.UniqueConstraint("event_id", "endpoint_id", name=op.f("uq_partner_deliveries_event_id_endpoint_id")),
    )
    op.create_index(
        "ix_partner_deliveries_due", "partner_deliveries", ["endpoint_id", "next_at", "id"], unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_partner_deliveries_ending", "partner_deliveries", ["mall_id", "ends_at"], unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_partner_deliveries_endpoint", "partner_deliveries", ["mall_id", "endpoint_id", "state", "id"], unique=False)
    op.create_index("ix_partner_deliveries_newest", "partner_deliveries", ["mall_id", "id"], unique=False)
    op.create_table(
        "partner_delivery_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("partner_delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_partner_delivery_moves_mall_id")),
        sa.ForeignKeyConstraint(
            ["partner_delivery_id"], ["partner_deliveries.id"], name=op.f("fk_partner_delivery_moves_partner_delivery_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_delivery_moves")),
        sa.UniqueConstraint("partner_delivery_id", "seq", name=op.f("uq_partner_delivery_moves_partner_delivery_id_seq")),
    )
    op.create_table(
        "partner_attempts",
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("took_ms", sa.BigInteger(), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("seq > 0", name=op.f("ck_partner_attempts_counted_from_one")),
        sa.ForeignKeyConstraint(["delivery_id"], ["partner_deliveries.id"], name=op.f("fk_partner_attempts_delivery_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_partner_attempts_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_attempts")),
        sa.UniqueConstraint("delivery_id", "seq", name=op.f("uq_partner_attempts_delivery_id_seq")),
    )
    for table in WALLED:
        wall(table)


def downgrade() -> None:
    op.drop_table("partner_attempts")
    op.drop_table("partner_delivery_moves")
    op.drop_table("partner_deliveries")
    op.drop_table("partner_events")
    op.drop_table("partner_endpoints")
    op.drop_column("malls", "partner_events")
