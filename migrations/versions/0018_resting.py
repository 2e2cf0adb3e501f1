"""stored value rests after the desk changed a phone, and members are told of their account"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = ("message_wants", "messages")
BEFORE = ("receipt", "points", "order", "offer")
NOW = ("receipt", "points", "order", "account", "offer")


def _allow(kinds: tuple[str, ...]) -> None:
    for table in TABLES:
        name = op.f(f"ck_{table}_kind_known")
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, f"kind IN {kinds}")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("cards", sa.Column("rests_until_at", sa.DateTime(timezone=True), nullable=True))
    _allow(NOW)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("DELETE FROM messages WHERE kind = 'account'")
    op.execute("DELETE FROM message_wants WHERE kind = 'account'")
    _allow(BEFORE)
    op.drop_column("cards", "rests_until_at")
