"""cash shifts at the desk, cash handed in, and what a card sale was paid with"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.wall import wall

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

MALL = sa.text("current_setting('mallbridge.mall_id')::bigint")
WALLED = ("cash_shifts", "cash_shift_moves", "cash_hand_ins", "cash_hand_in_moves")


def _moves(noun: str) -> None:
    parent, table = f"{noun}s", f"{noun}_moves"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(f"{noun}_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("moved_by", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=MALL, nullable=False),
        sa.ForeignKeyConstraint([f"{noun}_id"], [f"{parent}.id"], name=op.f(f"fk_{table}_{noun}_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f(f"fk_{table}_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(f"{noun}_id", "seq", name=op.f(f"uq_{table}_{noun}_id_seq")),
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "cash_shifts",
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("float_fen", sa.BigInteger(), nullable=False),
        sa.Column("sold_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("handed_in_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("counted_fen", sa.BigInteger(), nullable=True),
        sa.Column("recounted_fen", sa.BigInteger(), nullable=True),
        sa.Column("pieces", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counted_by", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("explained_by", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=MALL, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("float_fen >= 0 AND sold_fen >= 0 AND handed_in_fen >= 0", name=op.f("ck_cash_shifts_cash_not_negative")),
        sa.CheckConstraint("closed_by <> counted_by", name=op.f("ck_cash_shifts_two_people")),
        sa.CheckConstraint("(state = 'open') = (counted_fen IS NULL)", name=op.f("ck_cash_shifts_counted_by_one")),
        sa.CheckConstraint("(state IN ('open', 'counted')) = (recounted_fen IS NULL)", name=op.f("ck_cash_shifts_counted_by_another")),
        sa.CheckConstraint("(state = 'explained') = (why IS NOT NULL)", name=op.f("ck_cash_shifts_explained_with_a_reason")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_cash_shifts_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_shifts")),
    )
    at_desk = sa.text("state IN ('open', 'counted')")
    op.create_index("uq_cash_shifts_person", "cash_shifts", ["mall_id", "opened_by"], unique=True, postgresql_where=at_desk)
    op.create_index("uq_cash_shifts_desk", "cash_shifts", ["mall_id", "desk"], unique=True, postgresql_where=at_desk)
    op.create_index("ix_cash_shifts_newest", "cash_shifts", ["mall_id", "state", "id"], unique=False)
    op.create_index(
        "ix_cash_shifts_closed", "cash_shifts", ["mall_id", "closed_at"], unique=False, postgresql_where=sa.text("closed_at IS NOT NULL")
    )
    _moves("cash_shift")
    op.create_table(
        "cash_hand_ins",
        sa.Column("shift_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("handed_by", sa.Text(), nullable=False),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("moves", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=MALL, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_cash_hand_ins_hands_in_something")),
        sa.CheckConstraint("state <> 'taken' OR taken_by <> handed_by", name=op.f("ck_cash_hand_ins_two_people")),
        sa.CheckConstraint("(state = 'taken') = (taken_by IS NOT NULL)", name=op.f("ck_cash_hand_ins_taken_by_somebody")),
        sa.ForeignKeyConstraint(["shift_id"], ["cash_shifts.id"], name=op.f("fk_cash_hand_ins_shift_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_cash_hand_ins_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_hand_ins")),
    )
    op.create_index("uq_cash_hand_ins_waiting", "cash_hand_ins", ["shift_id"], unique=True, postgresql_where=sa.text("state = 'handed'"))
    op.create_index("ix_cash_hand_ins_shift", "cash_hand_ins", ["shift_id", "id"], unique=False)
    op.create_index("ix_cash_hand_ins_newest", "cash_hand_ins", ["mall_id", "state", "id"], unique=False)
    _moves("cash_hand_in")
    _card_sales()
    for table in WALLED:
        wall(table)


def _card_sales() -> None:
    op.add_column("card_sales", sa.Column("reference", sa.Text(), nullable=True))
    op.add_column("card_sales", sa.Column("shift_id", sa.BigInteger(), nullable=True))
    op.add_column("card_sales", sa.Column("sold_on", sa.Date(), nullable=True))
    # Of every mall at once: the wall stands aside for the owner.
    op.execute("ALTER TABLE card_sales NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE card_sales s SET sold_on = (s.sold_at AT TIME ZONE m.timezone)::date FROM malls m WHERE m.id = s.mall_id")
    op.alter_column("card_sales", "sold_on", nullable=False)
    op.create_foreign_key(op.f("fk_card_sales_shift_id"), "card_sales", "cash_shifts", ["shift_id"], ["id"])
    op.execute("ALTER TABLE card_sales FORCE ROW LEVEL SECURITY")
    # Sales from before there were shifts have neither: only new rows are asked.
    for name, rule in (
        ("cash_lies_in_a_shift", "(paid_by = 'cash') = (shift_id IS NOT NULL)"),
        ("other_money_has_a_reference", "(paid_by = 'cash') = (reference IS NULL)"),
    ):
        op.execute(f"ALTER TABLE card_sales ADD CONSTRAINT ck_card_sales_{name} CHECK ({rule}) NOT VALID")
    op.create_index("ix_card_sales_shift", "card_sales", ["shift_id"], unique=False, postgresql_where=sa.text("shift_id IS NOT NULL"))
    op.create_index("uq_card_sales_reference", "card_sales", ["mall_id", "sold_on", "paid_by", "reference"], unique=True)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_index("uq_card_sales_reference", table_name="card_sales")
    op.drop_index("ix_card_sales_shift", table_name="card_sales", postgresql_where=sa.text("shift_id IS NOT NULL"))
    op.drop_constraint("ck_card_sales_other_money_has_a_reference", "card_sales")
    op.drop_constraint("ck_card_sales_cash_lies_in_a_shift", "card_sales")
    op.drop_constraint("fk_card_sales_shift_id", "card_sales", type_="foreignkey")
    for column in ("sold_on", "shift_id", "reference"):
        op.drop_column("card_sales", column)
    for table in reversed(WALLED):
        op.drop_table(table)
