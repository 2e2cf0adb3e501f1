"""Two memberships of one person become one at the desk, by two people, and two again."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from api.kit import db
from tests.browser.conftest import Visit, Windows
from tests.browser.stack import Stack
from tests.factories import make_claimed_sale


def rich(stack: Stack, person: str, yuan: int) -> dict[str, Any]:
    """A member with so many points from a purchase."""
    from api.points import service as points

    signed = stack.join(person)
    with db.unit_of_work(stack.mall):
        shop = stack.rows("SELECT id FROM shops WHERE code = 'T009'")[0][0]
        points.earn(make_claimed_sale(signed["member"]["number"], shop_id=shop, paid_fen=yuan * 100), by="test")
    return signed


def holds(stack: Stack, number: int) -> int:
    """Points of a member, spendable and pending."""
    found = stack.rows(
        "SELECT coalesce(sum(balance), 0) FROM ledger_accounts"
        " WHERE owner_kind = 'member' AND owner_id = %s AND asset IN ('points', 'points_pending')",
        number,
    )
    return int(found[0][0])


def pick(visit: Visit, label: str, number: int) -> None:
    """Find a member by the card's number in one of the two boxes."""
    visit.field(label).fill(str(number))
    visit.field(label).press("Enter")
    expect(visit.page.locator(".chosen").get_by_text(f"卡号 {number}")).to_be_visible()


def decide(visit: Visit, button: str, title: str, *, why: str = "") -> None:
    """Press a button of the panel and confirm what the dialog says it will touch."""
    visit.button(button).click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.get_by_text(title).first).to_be_visible()
    if why:
        dialog.locator("textarea").fill(why)
    dialog.get_by_role("button", name=title).click()
    dialog.wait_for(state="hidden")


@pytest.fixture
def two(stack: Stack, person: str) -> tuple[int, int]:
    """The one that is folded, and the one that stays."""
    return tuple(rich(stack, f"{person}-{which}", yuan)["member"]["number"] for which, yuan in (("old", 70), ("new", 30)))  # type: ignore[return-value]


def test_two_members_are_merged_by_two_people_and_parted_again(two: tuple[int, int], window: Windows, stack: Stack) -> None:
    source, target = two
    before = (holds(stack, source), holds(stack, target))
    desk, second = window("office", stack.staff("admin")), window("office", stack.staff("finance"))
    desk.open("merges?new=1")
    pick(desk, "被并入的会员", source)
    pick(desk, "保留的会员", target)
    desk.field("为什么是同一个人").fill("当面出示两部手机")
    desk.shot("merge-previewed")
    desk.button("提交，请同事确认").click()
    expect(desk.page.get_by_text("已提交，请另一位同事确认。")).to_be_visible()
    merge = stack.rows("SELECT max(id) FROM merges")[0][0]

    second.open(f"merges?open={merge}")
    expect(second.button("确认合并")).to_be_visible()
    second.shot("merge-to-confirm")
    decide(second, "确认合并", "确认合并")
    expect(second.page.get_by_text("两个会员已合并。")).to_be_visible()
    second.shot()
    assert (holds(stack, source), holds(stack, target)) == (0, sum(before))

    desk.open(f"merges?open={merge}")
    decide(desk, "撤销合并", "提出撤销合并", why="原来是母女两人")
    second.open(f"merges?open={merge}")
    decide(second, "撤销合并", "确认撤销合并")
    expect(second.page.get_by_text("已撤销，两个会员恢复原状。")).to_be_visible()
    second.shot("merge-undone")
    assert (holds(stack, source), holds(stack, target)) == before
