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
WALLED = ("once_keys",)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "malls",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), server_default=sa.text("'Asia/Shanghai'"), nullable=False),
        sa.Column("currency", sa.Text(), server_default=sa.text("'CNY'"), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("code ~ '^[a-z0-9-]{2,40}$'", name=op.f("ck_malls_code_is_a_slug")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_malls")),
        sa.UniqueConstraint("code", name=op.f("uq_malls_code")),
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
    for table in WALLED:
        wall(table)
    op.execute(JOBS_SCHEMA)


def downgrade() -> None:
    raise RuntimeError("The first migration is not undone: drop the database.")
