"""The form and order of a shop's receipt numbers, and the numbers known of it"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.wall import wall

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

MALL = sa.text("current_setting('mallbridge.mall_id')::bigint")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "till_forms",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("learned", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        *_keys("till_forms"),
        sa.UniqueConstraint("mall_id", "shop_id", name=op.f("uq_till_forms_mall_id_shop_id")),
    )
    op.create_table(
        "till_numbers",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        *_keys("till_numbers"),
        sa.UniqueConstraint("mall_id", "shop_id", "paid_at", "number", name=op.f("uq_till_numbers_mall_id_shop_id_paid_at_number")),
    )
    wall("till_forms")
    wall("till_numbers")


def _keys(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("mall_id", sa.BigInteger(), server_default=MALL, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f(f"fk_{table}_mall_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f(f"fk_{table}_shop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def downgrade() -> None:
    op.drop_table("till_numbers")
    op.drop_table("till_forms")
