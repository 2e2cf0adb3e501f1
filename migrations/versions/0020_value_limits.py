"""how much of a limit of value was used, by subject and cause; counted by one call under a lock"""

import sqlalchemy as sa
from alembic import op

from migrations.wall import wall

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

#: Several statements in one call: who waited for the lock must see what the one before counted.
USE = """
CREATE FUNCTION use_value(
  limits text[], subjects text[], mosts bigint[], sinces timestamptz[], wanted bigint, because text, because_id text, at timestamptz,
  enforced boolean
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  used bigint[];
  fits boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(k) FROM (
    SELECT DISTINCT hashtextextended(concat_ws(E'\\x1f', 'value', current_setting('mallbridge.mall_id'), l, s), 0) AS k
    FROM unnest(limits, subjects) AS u(l, s) ORDER BY 1
  ) keys;
  SELECT array_agg(sums.before ORDER BY sums.n), bool_and(sums.before + wanted <= sums.most OR sums.counted) INTO used, fits
  FROM (
    SELECT u.n, u.most, coalesce(sum(v.amount) FILTER (WHERE NOT own), 0)::bigint AS before, coalesce(bool_or(own), false) AS counted
    FROM unnest(limits, subjects, mosts, sinces) WITH ORDINALITY AS u(l, s, most, since, n)
    LEFT JOIN LATERAL (
      SELECT v.amount, v.cause_type = because AND v.cause_id = because_id AS own FROM value_uses v
      WHERE v.limit_name = u.l AND v.subject = u.s AND v.used_at > u.since
    ) v ON true
    GROUP BY u.n, u.most
  ) sums;
  IF wanted <> 0 AND (fits OR NOT enforced) THEN
    INSERT INTO value_uses (limit_name, subject, amount, cause_type, cause_id, used_at)
    SELECT DISTINCT l, s, wanted, because, because_id, at FROM unnest(limits, subjects) AS u(l, s)
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN used;
END $$
"""

#: The app cannot delete uses; this can, and only those that no window reaches.
SWEEP = """
CREATE FUNCTION sweep_value_uses(older timestamptz) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  DELETE FROM value_uses WHERE used_at < older AND used_at < now() - interval '40 days'
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "value_uses",
        sa.Column("limit_name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("cause_type", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_value_uses_is_some")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_value_uses_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_uses")),
        sa.UniqueConstraint(
            "mall_id",
            "limit_name",
            "subject",
            "cause_type",
            "cause_id",
            name=op.f("uq_value_uses_mall_id_limit_name_subject_cause_type_cause_id"),
        ),
    )
    op.create_index("ix_value_uses_window", "value_uses", ["mall_id", "limit_name", "subject", "used_at"])
    op.create_index("ix_value_uses_age", "value_uses", ["mall_id", "used_at"])
    wall("value_uses")
    op.execute(USE)
    op.execute(SWEEP)


def downgrade() -> None:
    op.execute("DROP FUNCTION sweep_value_uses")
    op.execute("DROP FUNCTION use_value")
    op.drop_table("value_uses")
