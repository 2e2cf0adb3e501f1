"""Staff set their own password by a one-time link, sign in with codes, and see where they are signed in"""

import sqlalchemy as sa
from alembic import op

from migrations.wall import wall

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

MALL = sa.text("current_setting('mallbridge.mall_id')::bigint")
NEW = ("account_links", "second_factors", "recovery_codes", "known_devices", "staff_news", "member_searches")

#: Whose password was last set by somebody else must change it before anything else.
GIVEN = """
    UPDATE staff_accounts a SET password_given = true
    WHERE a.password_hash IS NOT NULL AND COALESCE((
        SELECT e.did FROM audit_entries e
        WHERE e.mall_id = a.mall_id AND e.subject_type = 'staff_account' AND e.subject_id = a.id::text
        AND e.did IN ('reset the password', 'changed the own password') ORDER BY e.id DESC LIMIT 1
    ), 'opened') <> 'changed the own password'
"""


def _columns() -> tuple[sa.Column, ...]:
    return (
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=MALL, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
    )


def _keys(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.ForeignKeyConstraint(["account_id"], ["staff_accounts.id"], name=op.f(f"fk_{table}_account_id")),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f(f"fk_{table}_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _moment(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for name in ("password_given", "codes_waived"):
        op.add_column("staff_accounts", sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.drop_constraint(op.f("ck_staff_accounts_a_login_has_a_password"), "staff_accounts", type_="check")
    op.create_check_constraint(
        op.f("ck_staff_accounts_a_password_has_a_login"), "staff_accounts", "password_hash IS NULL OR login IS NOT NULL"
    )
    op.create_check_constraint(
        op.f("ck_staff_accounts_active_people_have_a_password"),
        "staff_accounts",
        "state <> 'active' OR role = 'tablet' OR password_hash IS NOT NULL",
    )
    # Every mall's rows: the wall stands aside for the owner in this transaction.
    for table in ("staff_accounts", "audit_entries", "sign_in_tries"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(GIVEN)
    op.execute("DELETE FROM sign_in_tries")
    for table in ("staff_accounts", "audit_entries", "sign_in_tries"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.add_column("staff_sessions", sa.Column("device", sa.Text(), nullable=True))
    op.add_column("staff_sessions", sa.Column("address", sa.Text(), nullable=True))
    op.drop_constraint(op.f("uq_sign_in_tries_mall_id_login_key"), "sign_in_tries", type_="unique")
    op.add_column("sign_in_tries", sa.Column("lane_key", sa.Text(), nullable=False))
    op.create_unique_constraint(op.f("uq_sign_in_tries_mall_id_lane_key"), "sign_in_tries", ["mall_id", "lane_key"])
    op.create_index("ix_sign_in_tries_login", "sign_in_tries", ["mall_id", "login_key"], unique=False)
    op.create_table(
        "account_links",
        *_columns(),
        sa.Column("also_codes", sa.Boolean(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        _moment("asked_at"),
        sa.Column("token_key", sa.Text(), nullable=True),
        *(_moment(name, nullable=True) for name in ("shown_at", "ends_at", "used_at", "ended_at")),
        sa.CheckConstraint(
            "(token_key IS NULL) = (shown_at IS NULL) AND (shown_at IS NULL) = (ends_at IS NULL)",
            name=op.f("ck_account_links_shown_with_its_end"),
        ),
        sa.CheckConstraint("used_at IS NULL OR shown_at IS NOT NULL", name=op.f("ck_account_links_shown_before_used")),
        *_keys("account_links"),
        sa.UniqueConstraint("mall_id", "token_key", name=op.f("uq_account_links_mall_id_token_key")),
    )
    op.create_index("ix_account_links_account", "account_links", ["account_id", "id"], unique=False)
    op.create_table(
        "second_factors",
        *_columns(),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("fresh_secret", sa.LargeBinary(), nullable=True),
        _moment("confirmed_at", nullable=True),
        sa.Column("last_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("(secret IS NULL) = (confirmed_at IS NULL)", name=op.f("ck_second_factors_confirmed_with_a_secret")),
        *_keys("second_factors"),
        sa.UniqueConstraint("account_id", name=op.f("uq_second_factors_account_id")),
    )
    op.create_table(
        "recovery_codes",
        *_columns(),
        sa.Column("code_key", sa.Text(), nullable=False),
        _moment("made_at"),
        _moment("used_at", nullable=True),
        *_keys("recovery_codes"),
        sa.UniqueConstraint("mall_id", "code_key", name=op.f("uq_recovery_codes_mall_id_code_key")),
    )
    op.create_index("ix_recovery_codes_account", "recovery_codes", ["account_id"], unique=False)
    op.create_table(
        "known_devices",
        *_columns(),
        sa.Column("device_key", sa.Text(), nullable=False),
        _moment("began_at"),
        _moment("used_at"),
        *_keys("known_devices"),
        sa.UniqueConstraint("mall_id", "device_key", name=op.f("uq_known_devices_mall_id_device_key")),
    )
    op.create_index("ix_known_devices_account", "known_devices", ["account_id"], unique=False)
    op.create_table(
        "staff_news",
        *_columns(),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("about_id", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        _moment("at"),
        _moment("seen_at", nullable=True),
        *_keys("staff_news"),
        sa.ForeignKeyConstraint(["about_id"], ["staff_accounts.id"], name=op.f("fk_staff_news_about_id")),
    )
    op.create_index("ix_staff_news_unseen", "staff_news", ["account_id", "id"], unique=False, postgresql_where=sa.text("seen_at IS NULL"))
    _whole_names()
    _codes_once()
    for table in NEW:
        wall(table)


def _whole_names() -> None:
    op.execute("ALTER TABLE member_name_keys NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM member_name_keys WHERE before <> ''")
    op.execute("ALTER TABLE member_name_keys FORCE ROW LEVEL SECURITY")
    op.drop_column("member_name_keys", "before")
    op.create_table(
        "member_searches",
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("searched_on", sa.Date(), nullable=False),
        sa.Column("searches", sa.BigInteger(), nullable=False),
        sa.Column("mall_id", sa.BigInteger(), server_default=MALL, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["mall_id"], ["malls.id"], name=op.f("fk_member_searches_mall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_searches")),
        sa.UniqueConstraint("mall_id", "by", "searched_on", name=op.f("uq_member_searches_mall_id_by_searched_on")),
    )


def _codes_once() -> None:
    op.add_column("card_batches", sa.Column("printed_by", sa.Text(), nullable=True))
    # Files with codes that were exported before stay downloadable no longer; the nightly job removes them.
    op.execute("ALTER TABLE exports NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE exports SET expires_at = now() WHERE table_name = 'card_print_lines' AND expires_at > now()")
    op.execute("ALTER TABLE exports FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    for table in reversed(NEW):
        op.drop_table(table)
    op.drop_column("card_batches", "printed_by")
    op.add_column("member_name_keys", sa.Column("before", sa.Text(), server_default="", nullable=False))
    op.alter_column("member_name_keys", "before", server_default=None)
    op.execute("ALTER TABLE sign_in_tries NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM sign_in_tries")
    op.execute("ALTER TABLE sign_in_tries FORCE ROW LEVEL SECURITY")
    op.drop_index("ix_sign_in_tries_login", "sign_in_tries")
    op.drop_constraint(op.f("uq_sign_in_tries_mall_id_lane_key"), "sign_in_tries", type_="unique")
    op.drop_column("sign_in_tries", "lane_key")
    op.create_unique_constraint(op.f("uq_sign_in_tries_mall_id_login_key"), "sign_in_tries", ["mall_id", "login_key"])
    for name in ("address", "device"):
        op.drop_column("staff_sessions", name)
    op.drop_constraint(op.f("ck_staff_accounts_active_people_have_a_password"), "staff_accounts", type_="check")
    op.drop_constraint(op.f("ck_staff_accounts_a_password_has_a_login"), "staff_accounts", type_="check")
    # Who was invited and has no password yet keeps the login and cannot come in.
    op.execute("ALTER TABLE staff_accounts NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE staff_accounts SET password_hash = '-' WHERE login IS NOT NULL AND password_hash IS NULL")
    op.execute("UPDATE staff_accounts SET state = 'closed' WHERE state = 'invited'")
    op.execute("ALTER TABLE staff_accounts FORCE ROW LEVEL SECURITY")
    op.create_check_constraint(
        op.f("ck_staff_accounts_a_login_has_a_password"), "staff_accounts", "(login IS NULL) = (password_hash IS NULL)"
    )
    for name in ("codes_waived", "password_given"):
        op.drop_column("staff_accounts", name)
