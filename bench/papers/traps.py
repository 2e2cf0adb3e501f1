"""Layouts that mislead: values under a row of headings, amounts in advertisements, two rows for one label, no cents."""

from __future__ import annotations

from bench.papers.till import FOOD, GOODS, HK_FOOD, HK_GOODS, Slip, Till, layout, money, total_of


@layout
def headings_above_values(t: Till) -> Slip:
    """应收 实收 找零 stand in one row, their amounts in the row below."""
    shop, number = t.name("超市", "生鲜", "粮油"), t.number()
    goods = t.goods(GOODS, 6, 199, 6900, 10)
    total = total_of(goods)
    cash = -(-total // 5000) * 5000 + 5000
    return t.slip(
        f"""
        #{shop}
        流水号 {number}
        {t.stamp()}
        {t.listed(goods)}
        !{t.pick("应收", "合计", "应付")} | {t.pick("实收", "收款", "现金")} | 找零
        !{t.money(total, 2, "")} | {t.money(cash, 2, "")} | {t.money(cash - total, 2, "")}
        欢迎下次光临
        """,
        total,
        shop,
        number,
    )


@layout
def label_in_two_rows(t: Till) -> Slip:
    """Chinese label, English label below it with the amount: the rows of a furniture store."""
    shop, number = t.name("家居", "傢俬"), t.digits(10)
    goods = t.goods(HK_GOODS, 5, 2990, 99_900, 10)
    total = total_of(goods)
    return t.slip(
        f"""
        #{shop}
        收據號碼
        Receipt no. {number}
        日期時間
        Date/Time {t.stamp("%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M:%S")}
        {t.listed(goods)}
        !總額
        !Total | {t.money(total, 2, "HK$ ")}
        信用卡
        Credit card | {t.money(total, 2, "")}
        找贖
        Change | 0.00
        """,
        total,
        shop,
        number,
        currency="HKD",
    )


@layout
def whole_yuan_everywhere(t: Till) -> Slip:
    """No cents anywhere: counts, table numbers and amounts look alike."""
    shop, number = t.name("烤鱼", "大排档", "农家菜"), t.digits(5)
    goods = t.goods(FOOD, 7, 600, 12_800, 100)
    sub = total_of(goods)
    off = t.percent(sub, 5, 10)
    total = sub - off
    return t.slip(
        f"""
        #{shop}
        台号:{t.digits(2)} 人数:{t.digits(1)} 单号:{number}
        {t.stamp()}
        菜名 | 数量 | 金额
        {t.listed(goods, 0)}
        {t.pick("合计", "消费合计")} | {t.money(sub, 0, "")}
        优惠 | {t.money(off, 0, t.pick("", "-"))}
        !{t.pick("应收", "实收", "应付")} | {t.money(total, 0, t.pick("", "￥"))}
        {t.pick("微信", "支付宝")} | {t.money(total, 0, "")}
        订餐电话:{t.digits(8)}
        """,
        total,
        shop,
        number,
    )


@layout
def advertisement_below(t: Till) -> Slip:
    """After the payment: coupons for the next visit, parking rule, the amount that may be invoiced."""
    shop, number = t.name("火锅", "餐厅", "酒家"), t.number()
    goods = t.goods(FOOD, 7, 900, 9800, 10)
    sub = total_of(goods)
    coupon = 2000
    total = sub - coupon
    return t.slip(
        f"""
        #{shop}
        账单编号:{number}
        结账时间:{t.stamp()}
        {t.listed(goods)}
        消费金额 | {t.money(sub)}
        {t.pick("优惠券", "活动优惠", "会员券")} | -{t.money(coupon, 2, "")}
        !{t.pick("实收金额", "应收金额", "实付金额")} | {t.money(total)}
        微信支付 | {t.money(total)}
        可开票金额 | {t.money(total)}
        下次消费满300.00元立减50.00元
        单笔消费满200元免费停车2小时
        会员储值1000元送200元
        """,
        total,
        shop,
        number,
    )


@layout
def two_kinds_of_sub_totals(t: Till) -> Slip:
    """Food and drinks have totals of their own above the bill's."""
    shop, number = t.name("餐厅", "酒吧", "居酒屋"), t.number()
    food, drink = t.goods(FOOD, 4, 1800, 9800, 100), t.goods(("精酿啤酒", "清酒", "梅酒", "苏打水"), 3, 1500, 19_800, 100)
    a, b = total_of(food), total_of(drink)
    return t.slip(
        f"""
        #{shop}
        {t.mall()} L5-{t.digits(2)}
        单号:{number} 桌号:B{t.digits(2)}
        {t.stamp()}
        {t.listed(food)}
        食品小计 | {t.money(a)}
        {t.listed(drink)}
        酒水小计 | {t.money(b)}
        !{t.pick("总计", "合计", "账单金额")} | {t.money(a + b)}
        {t.pick("支付宝", "微信支付", "银行卡")} | {t.money(a + b)}
        """,
        a + b,
        shop,
        number,
    )


@layout
def table_of_payments(t: Till) -> Slip:
    """A small table of payments with headings of its own; 优惠 counts as a payment."""
    shop, number = t.name("料理", "自助餐", "烤肉"), t.number()
    goods = t.goods(FOOD, 5, 1800, 16_800, 100)
    sub = total_of(goods)
    off = 3000
    return t.slip(
        f"""
        #{shop}
        订单号：{number}
        下单时间：{t.earlier(61)}
        支付时间：{t.stamp()}
        {t.listed(goods)}
        订单原价 | {t.money(sub)}
        订单优惠 | -{t.money(off, 2, "")}
        !订单实收 | {t.money(sub - off)}
        支付方式 | 支付金额
        {t.pick("微信", "支付宝")} | {t.money(sub - off, 2, "")}
        备注：无
        """,
        sub - off,
        shop,
        number,
    )


@layout
def points_pay_a_part(t: Till) -> Slip:
    """Points pay a part; points earned and left stand below."""
    shop, number = t.name("美妆", "母婴", "玩具"), t.number()
    goods = t.goods(GOODS, 4, 5900, 49_900, 100)
    sub = total_of(goods)
    used = 1000
    total = sub - used
    return t.slip(
        f"""
        #{shop}
        小票号：{number} 日期：{t.stamp()}
        {t.listed(goods)}
        合计 | {t.money(sub)}
        积分抵扣(1000分) | -{t.money(used, 2, "")}
        !{t.pick("实付金额", "应付金额", "应收")} | {t.money(total)}
        {t.pick("微信", "银行卡")} | {t.money(total)}
        获得积分 | {total // 100}
        积分余额 | {t.digits(5)}
        """,
        total,
        shop,
        number,
    )


@layout
def cash_without_change(t: Till) -> Slip:
    """Paid to the cent in cash, 找零 0.00, 抹零 before."""
    shop, number = t.name("水果", "干货", "菜鲜"), t.number()
    goods = t.goods(("苹果", "香蕉", "车厘子", "西瓜", "草莓"), 4, 333, 6900, 1)
    sub = total_of(goods)
    total = sub // 10 * 10
    return t.slip(
        f"""
        #{shop}
        No.{number} {t.stamp("%Y-%m-%d %H:%M")}
        {t.listed(goods)}
        合计: {t.money(sub, 2, "")} | 抹零: {t.money(sub - total, 2, "")}
        !应收: {t.money(total, 2, "")} | 实收: {t.money(total, 2, "")}
        找零: 0.00 | 付款: 现金
        """,
        total,
        shop,
        number,
    )


@layout
def traditional_department_counter(t: Till) -> Slip:
    """專櫃 on a bilingual slip of a mall's own till: VIP discount, coupon, card, points."""
    shop, number = t.name("女裝", "護膚", "皮具"), t.digits(12)
    listed = t.rng.randrange(80_000, 900_000, 1000)
    off = t.percent(listed, 10, 20)
    total = listed - off
    return t.slip(
        f"""
        #{t.pick("海滙廣場", "新都城中心", "東港城")}
        專櫃 Counter: {shop}
        單號 Doc No.: {number}
        交易日期 Trans. Date: {t.stamp("%Y/%m/%d %H:%M:%S", "%d/%m/%Y %H:%M")}
        {t.digits(8)} | 1 | {t.money(listed, 2, "")}
        VIP 折扣 Discount | -{t.money(off, 2, "")}
        !{t.pick("顧客實付", "實付金額", "應付金額")} Net Amount | {t.money(total, 2, t.pick("HK$", "$"))}
        {t.pick("銀聯 UnionPay", "支付寶香港 AlipayHK", "信用卡 VISA")} | {t.money(total, 2, "")}
        是次積分 Points Earned | {total // 100:,}
        總積分 Total Points | {t.rng.randrange(5000, 90_000):,}
        HKD
        """,
        total,
        shop,
        number,
        currency="HKD",
    )


@layout
def mainland_in_traditional(t: Till) -> Slip:
    """A Hong Kong brand's shop on the mainland: Traditional, ￥, cash handed over."""
    shop, number = t.name("甜品", "燒味", "餅店"), t.digits(8)
    goods = t.goods(HK_FOOD, 4, 1200, 6800, 100)
    total = total_of(goods)
    cash = -(-total // 10_000) * 10_000
    return t.slip(
        f"""
        #{shop}
        ^深圳{t.mall()}店
        單號：{number} 檯號：{t.digits(1)}
        時間：{t.stamp("%Y-%m-%d %H:%M:%S")}
        {t.listed(goods)}
        !應收 | {t.money(total, 2, "￥")}
        {t.pick("實收", "顧客實付")} | {t.money(cash, 2, "￥")}
        找贖 | {t.money(cash - total, 2, "￥")}
        多謝惠顧 歡迎再次光臨
        """,
        total,
        shop,
        number,
    )


@layout
def month_first_english(t: Till) -> Slip:
    """A mainland shop of a foreign brand: English, RMB, month before day where the number settles it."""
    shop, number = t.pick("PEAK & PINE OUTFITTERS", "HELLO BAGEL", "VELVET LANE"), "T" + t.when.strftime("%Y%m%d") + t.digits(4)
    total = t.rng.randrange(19_900, 299_900, 100)
    return t.slip(
        f"""
        #{shop}
        ^{t.mall()}
        Transaction No: {number}
        Date: {t.stamp("%m/%d/%Y %H:%M:%S", "%m/%d/%y %H:%M")}
        Jacket M | 1 | {t.money(total, 2, "")}
        Total Qty | 1
        Subtotal | {t.money(total, 2, "")}
        Discount | 0.00
        !{t.pick("Total", "Total Amount", "Amount Due")} | {t.money(total, 2, t.pick("¥", "RMB ", "CNY "))}
        {t.pick("WeChat Pay", "Alipay", "China UnionPay")} | {t.money(total, 2, "")}
        Customer Copy RMB
        """,
        total,
        shop,
        number,
    )


@layout
def deposit_only(t: Till) -> Slip:
    """订金单: only the deposit is paid; the rest is to come. No machine may settle which amount earns."""
    shop, number = t.name("家具", "婚纱", "定制"), t.number()
    price = t.rng.randrange(200_000, 2_000_000, 10_000)
    deposit = price // 50_000 * 10_000
    return t.slip(
        f"""
        #{shop}
        ^订货单
        单号：{number}
        日期：{t.stamp("%Y-%m-%d %H:%M")}
        沙发三人位 | 1 | {t.money(price)}
        !合同总价 | {t.money(price)}
        本次收订金 | {t.money(deposit)}
        未付余款 | {t.money(price - deposit)}
        支付方式：微信 {money(deposit)}
        """,
        price,
        shop,
        number,
        never_sure=True,
    )
