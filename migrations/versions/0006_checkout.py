"""orders, their shares and refunds"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.wall import wall

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WALLED = (
    "payers", "orders", "order_lines", "order_shares", "order_parts", "order_moves", "order_refunds", "order_refund_moves",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table('payers',
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('app_id', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_payers_mall_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payers')),
    sa.UniqueConstraint('mall_id', 'channel', 'app_id', 'subject', name=op.f('uq_payers_mall_id_channel_app_id_subject'))
    )
    op.create_table('orders',
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('ref', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('shop_id', sa.BigInteger(), nullable=True),
    sa.Column('member_id', sa.BigInteger(), nullable=True),
    sa.Column('payer_id', sa.BigInteger(), nullable=True),
    sa.Column('placed_by', sa.Text(), nullable=False),
    sa.Column('total_fen', sa.BigInteger(), nullable=False),
    sa.Column('gateway_fen', sa.BigInteger(), nullable=False),
    sa.Column('points_spent', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('refunded_fen', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('channel', sa.Text(), nullable=True),
    sa.Column('payment_id', sa.BigInteger(), nullable=True),
    sa.Column('told', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('remark', sa.Text(), nullable=True),
    sa.Column('holds', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('moves', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('points_spent >= 0', name=op.f('ck_orders_points_not_negative')),
    sa.CheckConstraint('refunded_fen BETWEEN 0 AND total_fen', name=op.f('ck_orders_refunds_within_paid')),
    sa.CheckConstraint('total_fen > 0 AND gateway_fen BETWEEN 0 AND total_fen', name=op.f('ck_orders_amounts_fit')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_orders_mall_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_orders_member_id')),
    sa.ForeignKeyConstraint(['payer_id'], ['payers.id'], name=op.f('fk_orders_payer_id')),
    sa.ForeignKeyConstraint(['shop_id'], ['shops.id'], name=op.f('fk_orders_shop_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_orders')),
    sa.UniqueConstraint('mall_id', 'number', name=op.f('uq_orders_mall_id_number'))
    )
    op.create_index('ix_orders_held', 'orders', ['mall_id', 'expires_at'], unique=False, postgresql_where=sa.text("state = 'held'"))
    op.create_index('ix_orders_member', 'orders', ['mall_id', 'member_id', 'id'], unique=False, postgresql_where=sa.text('member_id IS NOT NULL'))
    op.create_index('ix_orders_newest', 'orders', ['mall_id', 'id'], unique=False)
    op.create_index('ix_orders_payer', 'orders', ['mall_id', 'payer_id', 'id'], unique=False, postgresql_where=sa.text('payer_id IS NOT NULL'))
    op.create_table('order_lines',
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('line', sa.BigInteger(), nullable=False),
    sa.Column('shop_id', sa.BigInteger(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('category', sa.Text(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('discountable', sa.Boolean(), nullable=False),
    sa.Column('earns', sa.Boolean(), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_order_lines_costs_something')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_order_lines_mall_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_lines_order_id')),
    sa.ForeignKeyConstraint(['shop_id'], ['shops.id'], name=op.f('fk_order_lines_shop_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_lines')),
    sa.UniqueConstraint('order_id', 'line', name=op.f('uq_order_lines_order_id_line'))
    )
    op.create_table('order_moves',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('from_state', sa.Text(), nullable=False),
    sa.Column('to_state', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('moved_by', sa.Text(), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_order_moves_mall_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_moves_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_moves')),
    sa.UniqueConstraint('order_id', 'seq', name=op.f('uq_order_moves_order_id_seq'))
    )
    op.create_table('order_parts',
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('shop_id', sa.BigInteger(), nullable=False),
    sa.Column('paid_fen', sa.BigInteger(), nullable=False),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sale_id', sa.BigInteger(), nullable=False),
    sa.Column('sighting_id', sa.BigInteger(), nullable=False),
    sa.Column('points', sa.BigInteger(), nullable=True),
    sa.Column('explanation', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_order_parts_mall_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_parts_order_id')),
    sa.ForeignKeyConstraint(['sale_id'], ['sales.id'], name=op.f('fk_order_parts_sale_id')),
    sa.ForeignKeyConstraint(['shop_id'], ['shops.id'], name=op.f('fk_order_parts_shop_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_parts')),
    sa.UniqueConstraint('order_id', 'shop_id', name=op.f('uq_order_parts_order_id_shop_id'))
    )
    op.create_index('ix_order_parts_day', 'order_parts', ['mall_id', 'shop_id', 'paid_at', 'id'], unique=False)
    op.create_index('ix_order_parts_sale', 'order_parts', ['sale_id'], unique=False)
    op.create_table('order_refunds',
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('gateway_fen', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('points_fen', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('points_back', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('points_taken', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('became_debt', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('asked', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('cells', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_by', sa.Text(), nullable=False),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.Column('payment_refund_id', sa.BigInteger(), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('moves', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('amount_fen > 0 AND gateway_fen BETWEEN 0 AND amount_fen', name=op.f('ck_order_refunds_amounts_fit')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_order_refunds_mall_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_refunds_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_refunds')),
    sa.UniqueConstraint('mall_id', 'number', name=op.f('uq_order_refunds_mall_id_number'))
    )
    op.create_index('ix_order_refunds_order', 'order_refunds', ['order_id', 'id'], unique=False)
    op.create_index('ix_order_refunds_state', 'order_refunds', ['mall_id', 'state', 'id'], unique=False)
    op.create_table('order_shares',
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('line', sa.BigInteger(), nullable=False),
    sa.Column('tender', sa.Text(), nullable=False),
    sa.Column('card_id', sa.BigInteger(), nullable=True),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('refunded_fen', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('bearers', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(tender IN ('stored_principal', 'stored_bonus')) = (card_id IS NOT NULL)", name=op.f('ck_order_shares_stored_value_names_its_card')),
    sa.CheckConstraint("tender IN ('gateway', 'stored_principal', 'stored_bonus', 'points')", name=op.f('ck_order_shares_tender_is_known')),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_order_shares_pays_something')),
    sa.CheckConstraint('refunded_fen BETWEEN 0 AND amount_fen', name=op.f('ck_order_shares_refunds_within_share')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_order_shares_mall_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_shares_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_shares'))
    )
    op.create_index('ix_order_shares_order', 'order_shares', ['order_id', 'id'], unique=False)
    op.create_table('order_refund_moves',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('order_refund_id', sa.BigInteger(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('from_state', sa.Text(), nullable=False),
    sa.Column('to_state', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('moved_by', sa.Text(), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_order_refund_moves_mall_id')),
    sa.ForeignKeyConstraint(['order_refund_id'], ['order_refunds.id'], name=op.f('fk_order_refund_moves_order_refund_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_refund_moves')),
    sa.UniqueConstraint('order_refund_id', 'seq', name=op.f('uq_order_refund_moves_order_refund_id_seq'))
    )
    # A sale's refunds are measured against what earns, where a channel knows that to the fen; so far against what was paid.
    op.add_column("sales", sa.Column("earning_fen", sa.BigInteger(), nullable=True))
    op.add_column("sales", sa.Column("refunded_earning_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_check_constraint(op.f("ck_sales_earns_from_what_was_paid"), "sales", "earning_fen BETWEEN 0 AND paid_fen")
    op.create_check_constraint(
        op.f("ck_sales_earning_refunds_within"), "sales", "refunded_earning_fen BETWEEN 0 AND coalesce(earning_fen, 0)"
    )
    op.execute("ALTER TABLE sale_refunds NO FORCE ROW LEVEL SECURITY")  # the owner fills the rows of every mall
    for name, was in (("measure_fen", "amount_fen"), ("measure_before_fen", "refunded_before_fen")):
        op.add_column("sale_refunds", sa.Column(name, sa.BigInteger(), nullable=True))
        op.execute(f"UPDATE sale_refunds SET {name} = {was}")
        op.alter_column("sale_refunds", name, nullable=False)
    op.execute("ALTER TABLE sale_refunds FORCE ROW LEVEL SECURITY")
    op.create_index(
        "ix_sales_untimed", "sales", ["mall_id", "shop_id", "paid_fen", "paid_at"], postgresql_where=sa.text("NOT minute_known")
    )
    for table in ("messages", "message_wants"):
        name = op.f(f"ck_{table}_kind_known")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, "kind IN ('receipt', 'points', 'order', 'offer')")
    for table in WALLED:
        wall(table)


def downgrade() -> None:
    op.drop_index("ix_sales_untimed", table_name="sales")
    for table in ("messages", "message_wants"):
        name = op.f(f"ck_{table}_kind_known")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, "kind IN ('receipt', 'points', 'offer')")
    op.drop_column('sales', 'refunded_earning_fen')
    op.drop_column('sales', 'earning_fen')
    op.drop_column('sale_refunds', 'measure_before_fen')
    op.drop_column('sale_refunds', 'measure_fen')
    op.drop_table('order_refund_moves')
    op.drop_index('ix_order_shares_order', table_name='order_shares')
    op.drop_table('order_shares')
    op.drop_index('ix_order_refunds_state', table_name='order_refunds')
    op.drop_index('ix_order_refunds_order', table_name='order_refunds')
    op.drop_table('order_refunds')
    op.drop_index('ix_order_parts_sale', table_name='order_parts')
    op.drop_index('ix_order_parts_day', table_name='order_parts')
    op.drop_table('order_parts')
    op.drop_table('order_moves')
    op.drop_table('order_lines')
    op.drop_index('ix_orders_payer', table_name='orders', postgresql_where=sa.text('payer_id IS NOT NULL'))
    op.drop_index('ix_orders_newest', table_name='orders')
    op.drop_index('ix_orders_member', table_name='orders', postgresql_where=sa.text('member_id IS NOT NULL'))
    op.drop_index('ix_orders_held', table_name='orders', postgresql_where=sa.text("state = 'held'"))
    op.drop_table('orders')
    op.drop_table('payers')
