"""a member enters the mall and is looked up by one call; the mall says when what processes remember of its settings has changed"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

#: The setting first: what is read after it is read inside the wall.
ENTER = """
CREATE FUNCTION enter_as_member(
  entered bigint, who bigint, sign_in text, OUT mall jsonb, OUT member_state text, OUT sign_in_ended_at timestamptz
) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('mallbridge.mall_id', entered::text, true);
  SELECT to_jsonb(m) INTO mall FROM malls m WHERE m.id = entered;
  SELECT m.state, s.ended_at INTO member_state, sign_in_ended_at
  FROM members m LEFT JOIN member_sessions s ON s.public_id = sign_in WHERE m.id = who;
END $$
"""

#: Whoever changes them, by a service or by hand: the version grows in the same transaction.
REMEMBERED = ("merchant_accounts", "points_rules")
COUNT = """
CREATE FUNCTION count_settings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE malls SET settings_version = settings_version + 1 WHERE id = coalesce(NEW.mall_id, OLD.mall_id);
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("malls", sa.Column("settings_version", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.execute(ENTER)
    op.execute(COUNT)
    for table in REMEMBERED:
        op.execute(
            f"CREATE TRIGGER count_settings AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION count_settings()"
        )


def downgrade() -> None:
    for table in REMEMBERED:
        op.execute(f"DROP TRIGGER count_settings ON {table}")
    op.execute("DROP FUNCTION count_settings")
    op.execute("DROP FUNCTION enter_as_member")
    op.drop_column("malls", "settings_version")
