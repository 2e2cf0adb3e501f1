"""seals over the audit log, moves that only leave with what they are of, and one question about everybody who listens"""

import sqlalchemy as sa
from alembic import op

from migrations.wall import wall

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

#: Which of these sign-ins may still listen, as their places in the lists. The setting first: what is read after it is read inside the wall.
MAY_LISTEN = """
CREATE FUNCTION may_listen(entered bigint, kinds text[], whos bigint[], sign_ins text[], shops bigint[])
RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('mallbridge.mall_id', entered::text, true);
  RETURN QUERY
  SELECT asked.place FROM unnest(kinds, whos, sign_ins, shops) WITH ORDINALITY AS asked(kind, who, sign_in, shop, place)
  WHERE CASE asked.kind
    WHEN 'member' THEN
      EXISTS (SELECT FROM members m WHERE m.id = asked.who AND m.state = 'active')
      AND NOT EXISTS (SELECT FROM member_sessions s WHERE s.public_id = asked.sign_in AND s.ended_at IS NOT NULL)
    WHEN 'payer' THEN EXISTS (SELECT FROM payers p WHERE p.id = asked.who)
    WHEN 'staff' THEN
      EXISTS (SELECT FROM staff_accounts a WHERE a.id = asked.who AND a.state = 'active' AND a.shop_id IS NULL)
      AND NOT EXISTS (SELECT FROM staff_sessions s WHERE s.public_id = asked.sign_in AND s.ended_at IS NOT NULL)
    WHEN 'shop' THEN
      EXISTS (SELECT FROM staff_accounts a WHERE a.id = asked.who AND a.state = 'active' AND a.shop_id = asked.shop)
      AND NOT EXISTS (SELECT FROM staff_sessions s WHERE s.public_id = asked.sign_in AND s.ended_at IS NOT NULL)
    ELSE false
  END;
END $$
"""

DELIVERIES = "fk_partner_delivery_moves_partner_delivery_id"


def _moves_of_deliveries(ondelete: str | None) -> None:
    # The rows of every mall are checked: for that moment the wall is not for the owner.
    for table in ("partner_delivery_moves", "partner_deliveries"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.drop_constraint(DELIVERIES, "partner_delivery_moves", type_="foreignkey")
    op.create_foreign_key(DELIVERIES, "partner_delivery_moves", "partner_deliveries", ["partner_delivery_id"], ["id"], ondelete=ondelete)
    for table in ("partner_delivery_moves", "partner_deliveries"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "audit_seals",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("through_id", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("seq > 0 AND entries > 0", name=op.f("ck_audit_seals_seals_something")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_audit_seals_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seals")),
        sa.UniqueConstraint("mall_id", "seq", name=op.f("uq_audit_seals_mall_id_seq")),
    )
    wall("audit_seals")
    _moves_of_deliveries("CASCADE")
    op.execute(MAY_LISTEN)


def downgrade() -> None:
    op.execute("DROP FUNCTION may_listen")
    _moves_of_deliveries(None)
    op.drop_table("audit_seals")
