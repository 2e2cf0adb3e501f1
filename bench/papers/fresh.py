"""Layouts written after the rules were mended, to see how far the rules carry."""

from __future__ import annotations

from bench.papers.till import FOOD, GOODS, HK_FOOD, HK_GOODS, LATIN, Slip, Till, layout, total_of


@layout
def noodle_bar_tokens(t: Till) -> Slip:
    """拉麵: ticket machine slip; the amount stands beside 合計金額 with tax inside, 預り and お釣り unknown."""
    shop, number = t.name("拉麵", "烏冬"), t.digits(4)
    goods = t.goods(HK_FOOD, 3, 3800, 9800, 100)
    total = total_of(goods)
    cash = -(-total // 10_000) * 10_000
    return t.slip(
        f"""
        #{shop}
        ^{t.mall()} B1
        Receipt# {number}-{t.digits(4)}
        {t.stamp("%Y/%m/%d (%a) %H:%M")}
        {t.listed(goods, 0)}
        !合計金額 | {t.money(total, 0, "$")}
        收取現金 | {t.money(cash, 0, "$")}
        找回零錢 | {t.money(cash - total, 0, "$")}
        銅鑼灣店 2{t.digits(3)}{t.digits(4)}
        """,
        total,
        shop,
        None,
        currency="HKD",
    )


@layout
def supermarket_settlement(t: Till) -> Slip:
    """商超: totals inside stars, quantity beside, several tenders with their codes."""
    shop, number = t.name("购物广场", "仓储超市"), t.number()
    goods = t.goods(GOODS, 8, 299, 8990, 1)
    total = total_of(goods)
    card = total // 4
    return t.slip(
        f"""
        ^{shop}
        店号:{t.digits(4)} 款机:{t.digits(3)} 收银员:{t.digits(5)}
        交易号:{number}
        {t.stamp("%Y-%m-%d %H:%M:%S")}
        {t.listed(goods)}
        ^****************************
        品种:{len(goods)} 数量:{sum(c for _, c, _ in goods)}
        !总计金额: | {t.money(total, 2, "")}
        01 购物卡 | {t.money(card, 2, "")}
        09 微信 | {t.money(total - card, 2, "")}
        卡号 {t.digits(8)} 原额 {t.money(card + 50_000, 2, "")} 余额 {t.money(50_000, 2, "")}
        """,
        total,
        shop,
        number,
    )


@layout
def fashion_vip_rows(t: Till) -> Slip:
    """轻奢: retail price, VIP price in columns; 实销金额 paid."""
    shop, number = t.name("男装", "皮具", "内衣"), t.number()
    listed = t.rng.randrange(59_900, 399_900, 1000)
    total = listed * 88 // 100
    return t.slip(
        f"""
        #{shop}
        销售小票
        单号:{number} 会员:VIP{t.digits(6)}
        开单时间:{t.stamp("%Y-%m-%d %H:%M:%S")}
        款号 | 吊牌价 | 折率 | 实销
        {t.digits(8)} | {t.money(listed, 2, "")} | 0.88 | {t.money(total, 2, "")}
        吊牌总额 | {t.money(listed, 2, "")}
        让利 | {t.money(listed - total, 2, "")}
        !{t.pick("实销金额", "销售总额", "应付")} | {t.money(total)}
        {t.pick("刷卡", "微信")} | {t.money(total)}
        """,
        total,
        shop,
        number,
    )


@layout
def buffet_by_head(t: Till) -> Slip:
    """自助餐: adults and children by head, service charge, rounding, 收款 by 聚合码."""
    shop, number = t.name("自助餐厅", "海鲜自助"), t.number()
    adult, child = t.rng.randrange(12_800, 29_800, 100), t.rng.randrange(6800, 9800, 100)
    people = t.rng.randint(2, 5)
    sub = adult * people + child
    fee = sub * 6 // 100
    total = (sub + fee) // 100 * 100
    return t.slip(
        f"""
        #{shop}
        账单 {number}
        {t.stamp("%Y/%m/%d %H:%M:%S")}
        成人 | {people}位 | {t.money(adult * people, 2, "")}
        儿童 | 1位 | {t.money(child, 2, "")}
        消费 | {t.money(sub, 2, "")}
        服务费6% | {t.money(fee, 2, "")}
        抹零 | {t.money(sub + fee - total, 2, "-")}
        !{t.pick("应收", "结算金额", "总金额")} | {t.money(total)}
        聚合支付 | {t.money(total)}
        """,
        total,
        shop,
        number,
    )


@layout
def hk_octopus_short(t: Till) -> Slip:
    """便利店: deduction and remaining value only, no word for total but 合共."""
    shop = t.name("便利店", "士多")
    goods = t.goods(HK_GOODS, 3, 590, 5900, 10)
    total = total_of(goods)
    return t.slip(
        f"""
        #{shop}
        旺角亞皆老街{t.digits(2)}號
        {t.stamp("%d/%m/%Y %H:%M:%S")} #{t.digits(6)}
        {t.listed(goods)}
        !合共 | ${total / 100:.2f}
        八達通付款 | ${total / 100:.2f}
        餘額 | ${t.rng.randrange(1000, 90_000, 10) / 100:.2f}
        """,
        total,
        shop,
        None,
        currency="HKD",
    )


@layout
def toy_store_membership(t: Till) -> Slip:
    """玩具: a member's birthday gift at 0.00, totals in a box with stars, points as money."""
    shop, number = t.name("玩具", "文创"), t.number()
    goods = t.goods(GOODS, 4, 1900, 39_900, 100)
    sub = total_of(goods)
    points = 500
    total = sub - points
    return t.slip(
        f"""
        #{shop}
        {t.mall()}L3-{t.digits(2)}
        订单:{number}
        成交时间:{t.stamp()}
        {t.listed(goods)}
        生日礼 | 1 | 0.00
        共{len(goods) + 1}种{sum(c for _, c, _ in goods) + 1}件 | {t.money(sub, 2, "")}
        积分抵现 | -{t.money(points, 2, "")}
        !{t.pick("实付款", "应付款", "实收款")} | {t.money(total)}
        支付宝 {t.money(total)}
        剩余积分 {t.digits(4)}
        """,
        total,
        shop,
        number,
    )


@layout
def cafe_receipt_with_gst_words(t: Till) -> Slip:
    """Independent café: lower-case labels, tip line empty, card entry mode."""
    shop, number = t.pick("Common Grounds", "The Daily Loaf", "Fern & Fig"), t.digits(6)
    goods = t.goods(LATIN, 4, 2200, 7800, 100)
    total = total_of(goods)
    return t.slip(
        f"""
        #{shop}
        {t.mall()} L2
        Invoice {number}
        {t.stamp("%b %d, %Y %H:%M", "%Y-%m-%d %H:%M", "%d %B %Y %H:%M")}
        Dine in - Table {t.digits(1)}
        {t.listed(goods)}
        {sum(c for _, c, _ in goods)} items subtotal | {t.money(total, 2, "¥")}
        !Total to pay | {t.money(total, 2, "¥")}
        Paid by {t.pick("Alipay", "WeChat")} | {t.money(total, 2, "¥")}
        Balance | 0.00
        """,
        total,
        shop,
        number,
    )


@layout
def beauty_counter_split(t: Till) -> Slip:
    """美妆: 应收 实收 with voucher of the mall, 商场券 as money."""
    shop, number = t.name("美妆", "香氛"), t.number()
    goods = t.goods(GOODS, 3, 19_900, 89_900, 100)
    total = total_of(goods)
    return t.slip(
        f"""
        #{shop}
        收银小票
        小票编号 {number}
        收银时间 {t.stamp()}
        {t.listed(goods)}
        !应收金额 {t.money(total)}
        实收金额 {t.money(total)}
        其中:商场券 {t.money(10_000)}
        其中:银联 {t.money(total - 10_000)}
        找零 0.00
        """,
        total,
        shop,
        number,
    )


@layout
def taiwan_restaurant_service(t: Till) -> Slip:
    """餐廳: 服務費 10 %, 折讓, 應收, 現金 and 找零 in NT$ without commas."""
    shop, number = t.name("小館", "燒肉"), t.digits(8)
    goods = t.goods(HK_FOOD, 5, 8000, 48_000, 1000)
    sub = total_of(goods)
    total = sub + sub // 1000 * 100
    return t.slip(
        f"""
        #{shop}
        統編 {t.digits(8)}
        單號 {number} 桌號 {t.digits(1)}
        中華民國{t.when.year - 1911}年{t.when:%m月%d日 %H:%M}
        {t.listed(goods, 0)}
        餐點小計 | {sub // 100}
        服務費10% | {sub // 1000}
        !應收金額 | NT${total // 100}
        刷卡 | {total // 100}
        """,
        total,
        shop,
        number,
        currency="TWD",
    )


@layout
def bill_with_bank_offer(t: Till) -> Slip:
    """餐厅: a bank's instant reduction below 应收; 银行立减 and what the guest truly paid."""
    shop, number = t.name("湘菜", "粤菜馆", "烤鸭"), t.number()
    goods = t.goods(FOOD, 6, 1800, 12_800, 100)
    due = total_of(goods)
    off = t.rng.choice([500, 1000, 2000])
    total = due - off
    return t.slip(
        f"""
        #{shop}
        结账单
        账单号:{number} 台号:{t.digits(2)}
        结账时间:{t.stamp()}
        {t.listed(goods)}
        应收金额 | {t.money(due)}
        {t.pick("云闪付立减", "银行卡立减", "支付优惠")} | -{t.money(off, 2, "")}
        !{t.pick("顾客实付", "实付金额")} | {t.money(total)}
        """,
        total,
        shop,
        number,
    )
