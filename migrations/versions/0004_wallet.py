"""stored-value cards"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.wall import wall

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WALLED = (
    "card_balance_reports",
    "card_products",
    "card_sales",
    "card_balance_lines",
    "card_batches",
    "recharge_packages",
    "cards",
    "pay_codes",
    "recharge_package_uses",
    "wallet_pins",
    "bonus_grants",
    "card_draws",
    "card_events",
    "card_moves",
    "card_requests",
    "card_sale_lines",
    "recharges",
    "card_draw_parts",
    "card_request_moves",
    "card_returns",
)


def upgrade() -> None:
    op.create_table('card_balance_reports',
    sa.Column('reported_on', sa.Date(), nullable=False),
    sa.Column('figures', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('differences', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_balance_reports_mall_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_balance_reports')),
    sa.UniqueConstraint('mall_id', 'reported_on', name=op.f('uq_card_balance_reports_mall_id_reported_on'))
    )
    op.create_table('card_products',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('title_zh', sa.Text(), nullable=False),
    sa.Column('title_en', sa.Text(), nullable=False),
    sa.Column('form', sa.Text(), nullable=False),
    sa.Column('named', sa.Boolean(), nullable=False),
    sa.Column('limit_fen', sa.BigInteger(), nullable=False),
    sa.Column('valid_years', sa.BigInteger(), nullable=True),
    sa.Column('bonus_most_bp', sa.BigInteger(), server_default=sa.text('10000'), nullable=False),
    sa.Column('shop_ids', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('invoice', sa.Text(), nullable=False),
    sa.Column('closed', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('made_by', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("form IN ('electronic', 'physical')", name=op.f('ck_card_products_form_known')),
    sa.CheckConstraint("invoice IN ('at_sale', 'at_use')", name=op.f('ck_card_products_invoice_once')),
    sa.CheckConstraint('bonus_most_bp BETWEEN 0 AND 10000', name=op.f('ck_card_products_bonus_share_in_range')),
    sa.CheckConstraint('limit_fen > 0', name=op.f('ck_card_products_limit_allows_something')),
    sa.CheckConstraint('named = (valid_years IS NULL)', name=op.f('ck_card_products_only_unnamed_cards_expire')),
    sa.CheckConstraint('valid_years > 0', name=op.f('ck_card_products_valid_for_a_while')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_products_mall_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_products')),
    sa.UniqueConstraint('mall_id', 'code', name=op.f('uq_card_products_mall_id_code'))
    )
    op.create_table('card_sales',
    sa.Column('total_fen', sa.BigInteger(), nullable=False),
    sa.Column('cards', sa.BigInteger(), nullable=False),
    sa.Column('paid_by', sa.Text(), nullable=False),
    sa.Column('buyer_kind', sa.Text(), nullable=False),
    sa.Column('buyer_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('buyer_key', sa.Text(), nullable=True),
    sa.Column('invoice', sa.Text(), nullable=False),
    sa.Column('sold_by', sa.Text(), nullable=False),
    sa.Column('sold_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("buyer_kind IN ('person', 'company')", name=op.f('ck_card_sales_buyer_kind_known')),
    sa.CheckConstraint("invoice IN ('at_sale', 'at_use')", name=op.f('ck_card_sales_invoice_once')),
    sa.CheckConstraint("paid_by IN ('cash', 'bank_card', 'bank_transfer')", name=op.f('ck_card_sales_paid_by_known')),
    sa.CheckConstraint('total_fen > 0 AND cards > 0', name=op.f('ck_card_sales_sells_something')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_sales_mall_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_sales'))
    )
    op.create_index('ix_card_sales_buyer', 'card_sales', ['mall_id', 'buyer_key', 'sold_at'], unique=False, postgresql_where=sa.text('buyer_key IS NOT NULL'))
    op.create_index('ix_card_sales_sold', 'card_sales', ['mall_id', 'sold_at'], unique=False)
    op.create_table('card_balance_lines',
    sa.Column('report_id', sa.BigInteger(), nullable=False),
    sa.Column('card_id', sa.BigInteger(), nullable=False),
    sa.Column('principal_opening_fen', sa.BigInteger(), nullable=False),
    sa.Column('principal_in_fen', sa.BigInteger(), nullable=False),
    sa.Column('principal_out_fen', sa.BigInteger(), nullable=False),
    sa.Column('principal_closing_fen', sa.BigInteger(), nullable=False),
    sa.Column('bonus_opening_fen', sa.BigInteger(), nullable=False),
    sa.Column('bonus_in_fen', sa.BigInteger(), nullable=False),
    sa.Column('bonus_out_fen', sa.BigInteger(), nullable=False),
    sa.Column('bonus_closing_fen', sa.BigInteger(), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_balance_lines_mall_id')),
    sa.ForeignKeyConstraint(['report_id'], ['card_balance_reports.id'], name=op.f('fk_card_balance_lines_report_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_balance_lines')),
    sa.UniqueConstraint('report_id', 'card_id', name=op.f('uq_card_balance_lines_report_id_card_id'))
    )
    op.create_table('card_batches',
    sa.Column('product_id', sa.BigInteger(), nullable=False),
    sa.Column('cards', sa.BigInteger(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('made_by', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('handed_over_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('cards > 0', name=op.f('ck_card_batches_makes_something')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_batches_mall_id')),
    sa.ForeignKeyConstraint(['product_id'], ['card_products.id'], name=op.f('fk_card_batches_product_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_batches'))
    )
    op.create_table('recharge_packages',
    sa.Column('product_id', sa.BigInteger(), nullable=False),
    sa.Column('title_zh', sa.Text(), nullable=False),
    sa.Column('title_en', sa.Text(), nullable=False),
    sa.Column('pays_fen', sa.BigInteger(), nullable=False),
    sa.Column('bonus_fen', sa.BigInteger(), nullable=False),
    sa.Column('bonus_bearer', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('member_limit', sa.BigInteger(), nullable=True),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('made_by', sa.Text(), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('bonus_bearer >= 0', name=op.f('ck_recharge_packages_bearer_is_a_shop_or_the_mall')),
    sa.CheckConstraint('bonus_fen >= 0', name=op.f('ck_recharge_packages_bonus_not_negative')),
    sa.CheckConstraint('ends_at IS NULL OR ends_at > starts_at', name=op.f('ck_recharge_packages_runs_forward')),
    sa.CheckConstraint('member_limit > 0', name=op.f('ck_recharge_packages_limit_allows_one')),
    sa.CheckConstraint('pays_fen > 0', name=op.f('ck_recharge_packages_costs_something')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_recharge_packages_mall_id')),
    sa.ForeignKeyConstraint(['product_id'], ['card_products.id'], name=op.f('fk_recharge_packages_product_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recharge_packages'))
    )
    op.create_index('ix_recharge_packages_offered', 'recharge_packages', ['mall_id', 'starts_at'], unique=False)
    op.create_table('cards',
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('product_id', sa.BigInteger(), nullable=False),
    sa.Column('batch_id', sa.BigInteger(), nullable=True),
    sa.Column('member_id', sa.BigInteger(), nullable=True),
    sa.Column('activation_hash', sa.Text(), nullable=True),
    sa.Column('activation_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('wrong_codes', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('codes_locked_until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('successor_id', sa.BigInteger(), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('bound_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('moves', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'replaced') = (successor_id IS NOT NULL)", name=op.f('ck_cards_replaced_by_something')),
    sa.CheckConstraint("state <> 'made' OR member_id IS NULL", name=op.f('ck_cards_stock_belongs_to_nobody')),
    sa.CheckConstraint('(batch_id IS NULL) = (activation_hash IS NULL)', name=op.f('ck_cards_printed_cards_have_a_code')),
    sa.CheckConstraint('wrong_codes >= 0', name=op.f('ck_cards_tries_not_negative')),
    sa.ForeignKeyConstraint(['batch_id'], ['card_batches.id'], name=op.f('fk_cards_batch_id')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_cards_mall_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_cards_member_id')),
    sa.ForeignKeyConstraint(['product_id'], ['card_products.id'], name=op.f('fk_cards_product_id')),
    sa.ForeignKeyConstraint(['successor_id'], ['cards.id'], name=op.f('fk_cards_successor_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cards')),
    sa.UniqueConstraint('mall_id', 'number', name=op.f('uq_cards_mall_id_number')),
    sa.UniqueConstraint('successor_id', name=op.f('uq_cards_successor_id'))
    )
    op.create_index('ix_cards_batch', 'cards', ['batch_id', 'id'], unique=False)
    op.create_index('ix_cards_member', 'cards', ['mall_id', 'member_id', 'id'], unique=False, postgresql_where=sa.text('member_id IS NOT NULL'))
    op.create_table('pay_codes',
    sa.Column('code_key', sa.Text(), nullable=False),
    sa.Column('member_id', sa.BigInteger(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('used_in_shop_id', sa.BigInteger(), nullable=True),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_pay_codes_mall_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_pay_codes_member_id')),
    sa.ForeignKeyConstraint(['used_in_shop_id'], ['shops.id'], name=op.f('fk_pay_codes_used_in_shop_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pay_codes')),
    sa.UniqueConstraint('mall_id', 'code_key', name=op.f('uq_pay_codes_mall_id_code_key'))
    )
    op.create_index('ix_pay_codes_expired', 'pay_codes', ['mall_id', 'expires_at'], unique=False)
    op.create_table('recharge_package_uses',
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('package_id', sa.BigInteger(), nullable=False),
    sa.Column('member_id', sa.BigInteger(), nullable=False),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_recharge_package_uses_mall_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_recharge_package_uses_member_id')),
    sa.ForeignKeyConstraint(['package_id'], ['recharge_packages.id'], name=op.f('fk_recharge_package_uses_package_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recharge_package_uses')),
    sa.UniqueConstraint('mall_id', 'order_id', name=op.f('uq_recharge_package_uses_mall_id_order_id'))
    )
    op.create_index('ix_recharge_package_uses_member', 'recharge_package_uses', ['package_id', 'member_id'], unique=False)
    op.create_table('wallet_pins',
    sa.Column('member_id', sa.BigInteger(), nullable=False),
    sa.Column('pin_hash', sa.Text(), nullable=False),
    sa.Column('tries', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('unlocks_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('tries >= 0', name=op.f('ck_wallet_pins_tries_not_negative')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_wallet_pins_mall_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_wallet_pins_member_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_wallet_pins')),
    sa.UniqueConstraint('mall_id', 'member_id', name=op.f('uq_wallet_pins_mall_id_member_id'))
    )
    op.create_table('bonus_grants',
    sa.Column('card_id', sa.BigInteger(), nullable=False),
    sa.Column('origin_type', sa.Text(), nullable=False),
    sa.Column('origin_id', sa.BigInteger(), nullable=False),
    sa.Column('bearer_id', sa.BigInteger(), nullable=False),
    sa.Column('granted_fen', sa.BigInteger(), nullable=False),
    sa.Column('left_fen', sa.BigInteger(), nullable=False),
    sa.Column('void_fen', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('left_fen >= 0 AND void_fen >= 0 AND left_fen + void_fen <= granted_fen', name=op.f('ck_bonus_grants_left_within')),
    sa.ForeignKeyConstraint(['card_id'], ['cards.id'], name=op.f('fk_bonus_grants_card_id')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_bonus_grants_mall_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bonus_grants')),
    sa.UniqueConstraint('mall_id', 'origin_type', 'origin_id', name=op.f('uq_bonus_grants_mall_id_origin_type_origin_id'))
    )
    op.create_index('ix_bonus_grants_card', 'bonus_grants', ['card_id', 'id'], unique=False)
    op.create_index('ix_bonus_grants_open', 'bonus_grants', ['card_id', 'id'], unique=False, postgresql_where=sa.text('left_fen > 0'))
    op.create_table('card_draws',
    sa.Column('cause_type', sa.Text(), nullable=False),
    sa.Column('cause_id', sa.Text(), nullable=False),
    sa.Column('card_id', sa.BigInteger(), nullable=False),
    sa.Column('member_id', sa.BigInteger(), nullable=False),
    sa.Column('shop_id', sa.BigInteger(), nullable=True),
    sa.Column('principal_fen', sa.BigInteger(), nullable=False),
    sa.Column('bonus_fen', sa.BigInteger(), nullable=False),
    sa.Column('back_principal_fen', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('back_bonus_fen', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('drawn_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('back_bonus_fen BETWEEN 0 AND bonus_fen', name=op.f('ck_card_draws_bonus_back_within')),
    sa.CheckConstraint('back_principal_fen BETWEEN 0 AND principal_fen', name=op.f('ck_card_draws_principal_back_within')),
    sa.CheckConstraint('principal_fen >= 0 AND bonus_fen >= 0 AND principal_fen + bonus_fen > 0', name=op.f('ck_card_draws_takes_something')),
    sa.ForeignKeyConstraint(['card_id'], ['cards.id'], name=op.f('fk_card_draws_card_id')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_draws_mall_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_card_draws_member_id')),
    sa.ForeignKeyConstraint(['shop_id'], ['shops.id'], name=op.f('fk_card_draws_shop_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_draws')),
    sa.UniqueConstraint('mall_id', 'cause_type', 'cause_id', 'card_id', name=op.f('uq_card_draws_mall_id_cause_type_cause_id_card_id'))
    )
    op.create_index('ix_card_draws_card', 'card_draws', ['card_id', 'id'], unique=False)
    op.create_index('ix_card_draws_drawn', 'card_draws', ['mall_id', 'drawn_at'], unique=False)
    op.create_table('card_events',
    sa.Column('card_id', sa.BigInteger(), nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('why', sa.Text(), nullable=True),
    sa.Column('by', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.ForeignKeyConstraint(['card_id'], ['cards.id'], name=op.f('fk_card_events_card_id')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_events_mall_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_events'))
    )
    op.create_index('ix_card_events_card', 'card_events', ['card_id', 'id'], unique=False)
    op.create_table('card_moves',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('card_id', sa.BigInteger(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('from_state', sa.Text(), nullable=False),
    sa.Column('to_state', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('moved_by', sa.Text(), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.ForeignKeyConstraint(['card_id'], ['cards.id'], name=op.f('fk_card_moves_card_id')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_moves_mall_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_moves')),
    sa.UniqueConstraint('card_id', 'seq', name=op.f('uq_card_moves_card_id_seq'))
    )
    op.create_table('card_requests',
    sa.Column('card_id', sa.BigInteger(), nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('new_number', sa.Text(), nullable=True),
    sa.Column('new_card_id', sa.BigInteger(), nullable=True),
    sa.Column('balance_fen', sa.BigInteger(), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('proposed_by', sa.Text(), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('moves', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("what IN ('unfreeze', 'replace', 'void')", name=op.f('ck_card_requests_what_known')),
    sa.ForeignKeyConstraint(['card_id'], ['cards.id'], name=op.f('fk_card_requests_card_id')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_requests_mall_id')),
    sa.ForeignKeyConstraint(['new_card_id'], ['cards.id'], name=op.f('fk_card_requests_new_card_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_requests'))
    )
    op.create_index('ix_card_requests_card', 'card_requests', ['card_id', 'id'], unique=False)
    op.create_index('ix_card_requests_newest', 'card_requests', ['mall_id', 'state', 'id'], unique=False)
    op.create_table('card_sale_lines',
    sa.Column('sale_id', sa.BigInteger(), nullable=False),
    sa.Column('card_id', sa.BigInteger(), nullable=False),
    sa.Column('principal_fen', sa.BigInteger(), nullable=False),
    sa.Column('transfer_id', sa.BigInteger(), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('principal_fen > 0', name=op.f('ck_card_sale_lines_adds_value')),
    sa.ForeignKeyConstraint(['card_id'], ['cards.id'], name=op.f('fk_card_sale_lines_card_id')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_sale_lines_mall_id')),
    sa.ForeignKeyConstraint(['sale_id'], ['card_sales.id'], name=op.f('fk_card_sale_lines_sale_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_sale_lines')),
    sa.UniqueConstraint('card_id', name=op.f('uq_card_sale_lines_card_id'))
    )
    op.create_index('ix_card_sale_lines_sale', 'card_sale_lines', ['sale_id'], unique=False)
    op.create_table('recharges',
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('member_id', sa.BigInteger(), nullable=False),
    sa.Column('card_id', sa.BigInteger(), nullable=False),
    sa.Column('package_id', sa.BigInteger(), nullable=True),
    sa.Column('principal_fen', sa.BigInteger(), nullable=False),
    sa.Column('bonus_fen', sa.BigInteger(), nullable=False),
    sa.Column('bonus_bearer', sa.BigInteger(), nullable=False),
    sa.Column('gateway_account_id', sa.BigInteger(), nullable=True),
    sa.Column('invoice', sa.Text(), nullable=False),
    sa.Column('transfer_id', sa.BigInteger(), nullable=False),
    sa.Column('recharged_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('out_fen', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('deducted_fen', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('void_bonus_fen', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("invoice IN ('at_sale', 'at_use')", name=op.f('ck_recharges_invoice_once')),
    sa.CheckConstraint('out_fen >= 0 AND deducted_fen >= 0 AND out_fen + deducted_fen <= principal_fen', name=op.f('ck_recharges_out_within')),
    sa.CheckConstraint('principal_fen > 0 AND bonus_fen >= 0', name=op.f('ck_recharges_adds_value')),
    sa.CheckConstraint('void_bonus_fen BETWEEN 0 AND bonus_fen', name=op.f('ck_recharges_void_within')),
    sa.ForeignKeyConstraint(['card_id'], ['cards.id'], name=op.f('fk_recharges_card_id')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_recharges_mall_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_recharges_member_id')),
    sa.ForeignKeyConstraint(['package_id'], ['recharge_packages.id'], name=op.f('fk_recharges_package_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recharges')),
    sa.UniqueConstraint('mall_id', 'order_id', name=op.f('uq_recharges_mall_id_order_id'))
    )
    op.create_index('ix_recharges_card', 'recharges', ['card_id', 'id'], unique=False)
    op.create_index('ix_recharges_member', 'recharges', ['mall_id', 'member_id', 'id'], unique=False)
    op.create_table('card_draw_parts',
    sa.Column('draw_id', sa.BigInteger(), nullable=False),
    sa.Column('grant_id', sa.BigInteger(), nullable=False),
    sa.Column('fen', sa.BigInteger(), nullable=False),
    sa.Column('back_fen', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('fen > 0 AND back_fen BETWEEN 0 AND fen', name=op.f('ck_card_draw_parts_back_within')),
    sa.ForeignKeyConstraint(['draw_id'], ['card_draws.id'], name=op.f('fk_card_draw_parts_draw_id')),
    sa.ForeignKeyConstraint(['grant_id'], ['bonus_grants.id'], name=op.f('fk_card_draw_parts_grant_id')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_draw_parts_mall_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_draw_parts')),
    sa.UniqueConstraint('draw_id', 'grant_id', name=op.f('uq_card_draw_parts_draw_id_grant_id'))
    )
    op.create_index('ix_card_draw_parts_grant', 'card_draw_parts', ['grant_id'], unique=False)
    op.create_table('card_request_moves',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('card_request_id', sa.BigInteger(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('from_state', sa.Text(), nullable=False),
    sa.Column('to_state', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('moved_by', sa.Text(), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.ForeignKeyConstraint(['card_request_id'], ['card_requests.id'], name=op.f('fk_card_request_moves_card_request_id')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_request_moves_mall_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_request_moves')),
    sa.UniqueConstraint('card_request_id', 'seq', name=op.f('uq_card_request_moves_card_request_id_seq'))
    )
    op.create_table('card_returns',
    sa.Column('cause_type', sa.Text(), nullable=False),
    sa.Column('cause_id', sa.Text(), nullable=False),
    sa.Column('draw_id', sa.BigInteger(), nullable=False),
    sa.Column('card_id', sa.BigInteger(), nullable=False),
    sa.Column('principal_fen', sa.BigInteger(), nullable=False),
    sa.Column('bonus_fen', sa.BigInteger(), nullable=False),
    sa.Column('returned_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mall_id', sa.BigInteger(), server_default=sa.text("current_setting('mallbridge.mall_id')::bigint"), nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('principal_fen >= 0 AND bonus_fen >= 0 AND principal_fen + bonus_fen > 0', name=op.f('ck_card_returns_returns_something')),
    sa.ForeignKeyConstraint(['card_id'], ['cards.id'], name=op.f('fk_card_returns_card_id')),
    sa.ForeignKeyConstraint(['draw_id'], ['card_draws.id'], name=op.f('fk_card_returns_draw_id')),
    sa.ForeignKeyConstraint(['mall_id'], ['malls.id'], name=op.f('fk_card_returns_mall_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_returns')),
    sa.UniqueConstraint('mall_id', 'cause_type', 'cause_id', 'draw_id', name=op.f('uq_card_returns_mall_id_cause_type_cause_id_draw_id'))
    )
    op.create_index('ix_card_returns_draw', 'card_returns', ['draw_id'], unique=False)
    op.create_index('ix_card_returns_returned', 'card_returns', ['mall_id', 'returned_at'], unique=False)
    for table in WALLED:
        wall(table)


def downgrade() -> None:
    op.drop_index('ix_card_returns_returned', table_name='card_returns')
    op.drop_index('ix_card_returns_draw', table_name='card_returns')
    op.drop_table('card_returns')
    op.drop_table('card_request_moves')
    op.drop_index('ix_card_draw_parts_grant', table_name='card_draw_parts')
    op.drop_table('card_draw_parts')
    op.drop_index('ix_recharges_member', table_name='recharges')
    op.drop_index('ix_recharges_card', table_name='recharges')
    op.drop_table('recharges')
    op.drop_index('ix_card_sale_lines_sale', table_name='card_sale_lines')
    op.drop_table('card_sale_lines')
    op.drop_index('ix_card_requests_newest', table_name='card_requests')
    op.drop_index('ix_card_requests_card', table_name='card_requests')
    op.drop_table('card_requests')
    op.drop_table('card_moves')
    op.drop_index('ix_card_events_card', table_name='card_events')
    op.drop_table('card_events')
    op.drop_index('ix_card_draws_drawn', table_name='card_draws')
    op.drop_index('ix_card_draws_card', table_name='card_draws')
    op.drop_table('card_draws')
    op.drop_index('ix_bonus_grants_open', table_name='bonus_grants', postgresql_where=sa.text('left_fen > 0'))
    op.drop_index('ix_bonus_grants_card', table_name='bonus_grants')
    op.drop_table('bonus_grants')
    op.drop_table('wallet_pins')
    op.drop_index('ix_recharge_package_uses_member', table_name='recharge_package_uses')
    op.drop_table('recharge_package_uses')
    op.drop_index('ix_pay_codes_expired', table_name='pay_codes')
    op.drop_table('pay_codes')
    op.drop_index('ix_cards_member', table_name='cards', postgresql_where=sa.text('member_id IS NOT NULL'))
    op.drop_index('ix_cards_batch', table_name='cards')
    op.drop_table('cards')
    op.drop_index('ix_recharge_packages_offered', table_name='recharge_packages')
    op.drop_table('recharge_packages')
    op.drop_table('card_batches')
    op.drop_table('card_balance_lines')
    op.drop_index('ix_card_sales_sold', table_name='card_sales')
    op.drop_index('ix_card_sales_buyer', table_name='card_sales', postgresql_where=sa.text('buyer_key IS NOT NULL'))
    op.drop_table('card_sales')
    op.drop_table('card_products')
    op.drop_table('card_balance_reports')
