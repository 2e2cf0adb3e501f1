"""What a till sold: sent on the tablet, looked at before it counts, and seen at the desk with what differs and what waits."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from api.kit import clock, db
from tests.browser.conftest import Visit
from tests.browser.stack import Stack
from tests.factories import make_sighted

LONG = "76543210{n:04}"


def test_a_till_report_is_checked_confirmed_and_seen_at_the_desk(tablet: Visit, desk: Visit, stack: Stack) -> None:
    at = clock.now() - timedelta(hours=2)
    shop = stack.rows("SELECT id FROM shops WHERE code = 'T009'")[0][0]
    with db.unit_of_work(stack.mall):
        make_sighted(shop_id=shop, receipt_no=LONG.format(n=1), paid_at=at, paid_fen=25_800, source_id=880_001)
    local = f"{at.astimezone(ZoneInfo('Asia/Shanghai')):%Y-%m-%d %H:%M}"
    rows = [
        f"销售,{LONG.format(n=1)},{local},208.00,",
        f"销售,{LONG.format(n=2)},{local},66.60,",
        f"退款,{LONG.format(n=3)},{local},6.60,{LONG.format(n=2)}",
        f"退款,{LONG.format(n=4)},{local},9.90,{LONG.format(n=9)}",
        f"销售,{LONG.format(n=5)},{local},12.345,",
    ]
    page = tablet.open("sales-report")
    sheet = "\n".join(["类型,小票号,支付时间,金额(元),原小票号", *rows]).encode("gbk")
    page.locator("input[type=file]").set_input_files({"name": "五月销售.csv", "mimeType": "text/csv", "buffer": sheet})
    for said in ("1 笔新增", "1 笔有出入", "1 笔退款", "1 笔退款等待原单", "1 行不能收", "第 6 行", "金额写作 128.00，最多两位小数。"):
        expect(page.get_by_text(said, exact=True).or_(page.get_by_text(f"金额: {said}")).first).to_be_visible()
    assert stack.rows("SELECT count(*) FROM sales WHERE paid_fen = 6660 AND shop_id = %s", shop) == [(0,)]
    tablet.shot("tablet-sales-report-checked")
    tablet.button("确认上报").click()
    expect(page.get_by_text("已全部处理。")).to_be_visible()
    tablet.shot("tablet-sales-report-done")
    assert stack.rows("SELECT refunded_fen, scored_by FROM sales WHERE paid_fen = 6660 AND shop_id = %s", shop) == [(660, None)]

    page = desk.open("till-reports")
    page.locator("tbody tr").first.click()
    expect(page.get_by_role("complementary").get_by_text("五月销售.csv")).to_be_visible()
    expect(page.get_by_role("complementary").get_by_text("1 笔有出入").first).to_be_visible()
    expect(page.get_by_role("complementary").locator("tbody tr")).to_have_count(5)
    desk.shot("desk-sales-report")
    page = desk.open("till-reports?tab=differing")
    row = page.locator("tbody tr").filter(has_text=LONG.format(n=1))
    expect(row.get_by_text("金额与已知的不同。 已知 ¥258.00")).to_be_visible()
    desk.shot("desk-sales-report-differing")
    page = desk.open("till-reports?tab=waiting")
    expect(page.locator("tbody tr").filter(has_text="还没有原单的消费")).to_have_count(1)
