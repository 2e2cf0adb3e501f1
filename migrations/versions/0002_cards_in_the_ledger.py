"""stored-value cards own accounts in the ledger, with a running balance like a member's"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KINDS, RUNNING = "ck_ledger_accounts_owner_kind_known", "ck_ledger_accounts_who_runs_a_balance"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint(op.f(KINDS), "ledger_accounts")
    op.create_check_constraint(op.f(KINDS), "ledger_accounts", "owner_kind IN ('member', 'card', 'shop', 'mall', 'gateway', 'bearer')")
    op.drop_constraint(op.f("ck_ledger_accounts_only_members_run_a_balance"), "ledger_accounts")
    op.create_check_constraint(op.f(RUNNING), "ledger_accounts", "(owner_kind IN ('member', 'card')) = (balance IS NOT NULL)")


def downgrade() -> None:
    op.drop_constraint(op.f(RUNNING), "ledger_accounts")
    op.create_check_constraint(
        op.f("ck_ledger_accounts_only_members_run_a_balance"), "ledger_accounts", "(owner_kind = 'member') = (balance IS NOT NULL)"
    )
    op.drop_constraint(op.f(KINDS), "ledger_accounts")
    op.create_check_constraint(op.f(KINDS), "ledger_accounts", "owner_kind IN ('member', 'shop', 'mall', 'gateway', 'bearer')")
