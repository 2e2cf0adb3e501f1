"""the number of a slip or transfer counts once for ever, however it is written"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

INDEX = "uq_card_sales_reference"
#: The first sale with a number has it; what came again before this was asked stays as it is.
KEYS = """
WITH keys AS (
  SELECT id, mall_id, regexp_replace(upper(normalize(reference, NFKC)), '[^[:alnum:]]', '', 'g') AS key FROM card_sales WHERE reference IS NOT NULL
), firsts AS (SELECT DISTINCT ON (mall_id, key) id, key FROM keys ORDER BY mall_id, key, id)
UPDATE card_sales s SET reference_key = firsts.key FROM firsts WHERE s.id = firsts.id
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("card_sales", sa.Column("reference_key", sa.Text(), nullable=True))
    op.execute("ALTER TABLE card_sales NO FORCE ROW LEVEL SECURITY")
    op.execute(KEYS)
    op.execute("ALTER TABLE card_sales FORCE ROW LEVEL SECURITY")
    op.drop_index(INDEX, table_name="card_sales")
    op.create_index(INDEX, "card_sales", ["mall_id", "reference_key"], unique=True)


def downgrade() -> None:
    op.drop_index(INDEX, table_name="card_sales")
    op.drop_column("card_sales", "reference_key")
    op.create_index(INDEX, "card_sales", ["mall_id", "sold_on", "paid_by", "reference"], unique=True)
