"""what the tills of shops report, row by row, and refunds that are told of twice"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.wall import wall

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WALLED = ("till_reports", "till_report_moves", "till_rows", "sale_refund_tellings")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "till_reports",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("worked_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("sent_by", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("(state = 'done') = (ended_at IS NOT NULL)", name=op.f("ck_till_reports_ended_when_done")),
        sa.CheckConstraint("source IN ('file', 'call')", name=op.f("ck_till_reports_source_is_known")),
        sa.CheckConstraint("worked_count BETWEEN 0 AND row_count", name=op.f("ck_till_reports_worked_within_rows")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_till_reports_mall_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_till_reports_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_till_reports")),
    )
    op.create_index("ix_till_reports_shop", "till_reports", ["mall_id", "shop_id", "id"], unique=False)
    op.create_index(
        "ix_till_reports_unfinished",
        "till_reports",
        ["mall_id", "state"],
        unique=False,
        postgresql_where=sa.text("state IN ('checked', 'working')"),
    )
    op.create_index(
        "uq_till_reports_content",
        "till_reports",
        ["mall_id", "shop_id", "content_hash"],
        unique=True,
        postgresql_where=sa.text("state <> 'dropped'"),
    )
    op.create_table(
        "till_report_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("till_report_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_till_report_moves_mall_id")),
        sa.ForeignKeyConstraint(["till_report_id"], ["till_reports.id"], name=op.f("fk_till_report_moves_till_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_till_report_moves")),
        sa.UniqueConstraint("till_report_id", "seq", name=op.f("uq_till_report_moves_till_report_id_seq")),
    )
    op.create_table(
        "sale_refund_tellings",
        sa.Column("sale_refund_id", sa.BigInteger(), nullable=False),
        sa.Column("teller", sa.Text(), nullable=False),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_sale_refund_tellings_mall_id")),
        sa.ForeignKeyConstraint(["sale_refund_id"], ["sale_refunds.id"], name=op.f("fk_sale_refund_tellings_sale_refund_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_refund_tellings")),
        sa.UniqueConstraint("mall_id", "source_type", "source_id", name=op.f("uq_sale_refund_tellings_mall_id_source_type_source_id")),
        sa.UniqueConstraint("sale_refund_id", "teller", name=op.f("uq_sale_refund_tellings_sale_refund_id_teller")),
    )
    op.create_table(
        "till_rows",
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("receipt_no", sa.Text(), nullable=True),
        sa.Column("row_key", sa.Text(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("paid_fen", sa.BigInteger(), nullable=True),
        sa.Column("original_no", sa.Text(), nullable=True),
        sa.Column("original_on", sa.Date(), nullable=True),
        sa.Column("tender", sa.Text(), nullable=True),
        sa.Column("problems", postgresql.JSONB(), nullable=False),
        sa.Column("told", postgresql.JSONB(), nullable=False),
        sa.Column("differs", postgresql.JSONB(), nullable=False),
        sa.Column("known_fen", sa.BigInteger(), nullable=True),
        sa.Column("waits", sa.Text(), nullable=True),
        sa.Column("holds", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("sale_id", sa.BigInteger(), nullable=True),
        sa.Column("sale_refund_id", sa.BigInteger(), nullable=True),
        sa.Column("worked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("kind IN ('sale', 'refund')", name=op.f("ck_till_rows_kind_is_known")),
        sa.CheckConstraint(
            "outcome = 'refused' OR (row_key IS NOT NULL AND paid_at IS NOT NULL AND paid_on IS NOT NULL AND paid_fen IS NOT NULL)",
            name=op.f("ck_till_rows_whole_unless_refused"),
        ),
        sa.CheckConstraint(
            "outcome = 'refused' OR kind = 'sale' OR original_no IS NOT NULL", name=op.f("ck_till_rows_refunds_name_their_sale")
        ),
        sa.CheckConstraint(
            "outcome IN ('new', 'known', 'differing', 'refunded', 'waiting', 'repeated', 'refused')",
            name=op.f("ck_till_rows_outcome_is_known"),
        ),
        sa.CheckConstraint("NOT holds OR worked_at IS NOT NULL", name=op.f("ck_till_rows_holds_once_worked")),
        sa.CheckConstraint("paid_fen >= 0", name=op.f("ck_till_rows_paid_not_negative")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_till_rows_mall_id")),
        sa.ForeignKeyConstraint(["report_id"], ["till_reports.id"], name=op.f("fk_till_rows_report_id")),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_till_rows_sale_id")),
        sa.ForeignKeyConstraint(["sale_refund_id"], ["sale_refunds.id"], name=op.f("fk_till_rows_sale_refund_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_till_rows_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_till_rows")),
        sa.UniqueConstraint("report_id", "line", name=op.f("uq_till_rows_report_id_line")),
    )
    op.create_index(
        "ix_till_rows_outcome", "till_rows", ["mall_id", "outcome", "id"], unique=False, postgresql_where=sa.text("worked_at IS NOT NULL")
    )
    op.create_index(
        "ix_till_rows_pending",
        "till_rows",
        ["report_id", "kind", "paid_at", "id"],
        unique=False,
        postgresql_where=sa.text("worked_at IS NULL AND outcome <> 'refused'"),
    )
    op.create_index("ix_till_rows_report_outcome", "till_rows", ["report_id", "outcome", "id"], unique=False)
    op.create_index("ix_till_rows_sale", "till_rows", ["sale_id"], unique=False, postgresql_where=sa.text("sale_id IS NOT NULL"))
    op.create_index(
        "ix_till_rows_waiting",
        "till_rows",
        ["mall_id", "tried_at"],
        unique=False,
        postgresql_where=sa.text("outcome = 'waiting' AND worked_at IS NOT NULL"),
    )
    op.create_index(
        "uq_till_rows_held", "till_rows", ["mall_id", "shop_id", "kind", "row_key"], unique=True, postgresql_where=sa.text("holds")
    )
    op.create_index(
        "ix_sale_sightings_differing",
        "sale_sightings",
        ["mall_id", "seen_at"],
        unique=False,
        postgresql_where=sa.text("jsonb_array_length(differs) > 0"),
    )
    for table in WALLED:
        wall(table)


def downgrade() -> None:
    op.drop_index("ix_sale_sightings_differing", "sale_sightings")
    op.drop_table("till_rows")
    op.drop_table("sale_refund_tellings")
    op.drop_table("till_report_moves")
    op.drop_table("till_reports")
