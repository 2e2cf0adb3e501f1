"""where a shopper asks a tenant for an invoice"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("shops", sa.Column("invoice_url", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_shops_invoice_url_is_https"), "shops", "invoice_url LIKE 'https://%'")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_shops_invoice_url_is_https"), "shops")
    op.drop_column("shops", "invoice_url")
