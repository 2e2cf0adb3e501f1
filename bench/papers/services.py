"""Papers that are no ordinary purchase, or that come from a channel: slips, tickets, orders, refunds, top-ups, bills."""

from __future__ import annotations

from bench.papers.till import FOOD, GOODS, Slip, Till, layout, total_of


@layout
def cinema_stub(t: Till) -> Slip:
    """电影票: film, show time and seat stand larger than the cinema; price and fee."""
    shop, number = t.name("影城", "国际影城"), t.digits(14)
    price, fee = t.rng.randrange(3000, 9000, 100), t.rng.choice([200, 300, 500])
    return t.slip(
        f"""
        ^{shop}
        #{t.pick("《长夜行》", "《山河故人录》", "《疯狂外星》")} 3D
        放映时间 {t.earlier(-160, "%Y-%m-%d %H:%M")}
        #{t.digits(1)}号厅 {t.digits(1)}排{t.digits(2)}座
        票类 {t.pick("会员票", "普通票")}
        票价 {t.money(price, 2, "￥")} 服务费 {t.money(fee, 2, "￥")}
        !{t.pick("合计", "实付", "总计")} {t.money(price + fee, 2, "￥")}
        票号 {number}
        售票时间 {t.stamp("%Y-%m-%d %H:%M:%S")}
        """,
        price + fee,
        shop,
        number,
    )


@layout
def card_slip_in_two_languages(t: Till) -> Slip:
    """POS 签购单 of a bank: every label in Chinese and English."""
    shop, number = t.name("服饰店", "珠宝店", "餐饮店"), t.digits(12)
    total = t.rng.randrange(5000, 2_000_000, 10)
    return t.slip(
        f"""
        #{t.pick("东海银行", "华夏通商银行", "银联商务")}
        ^POS 签购单
        ^{t.pick("商户存根 MERCHANT COPY", "持卡人存根 CARDHOLDER COPY")}
        商户名称(MERCHANT NAME)：{shop}
        商户编号(MERCHANT NO)：{t.digits(15)}
        终端编号(TERMINAL NO)：{t.digits(8)}
        卡号(CARD NO)：{t.digits(6)}******{t.digits(4)} /C
        交易类型(TRANS TYPE)：消费(SALE)
        批次号(BATCH NO)：{t.digits(6)}
        凭证号(VOUCHER NO)：{t.digits(6)}
        参考号(REFER NO)：{number}
        日期时间(DATE/TIME)：{t.stamp("%Y/%m/%d %H:%M:%S")}
        !金额(AMOUNT)：
        #!RMB {t.money(total, 2, "")}
        备注(REFERENCE)：
        """,
        total,
        shop,
        number,
        kind="payment_slip",
    )


@layout
def delivery_order(t: Till) -> Slip:
    """外卖: the platform's name and the day's number are the largest print."""
    platform = t.pick("美团外卖", "饿了么", "京东到家")
    shop, number = t.name("麻辣烫", "黄焖鸡", "轻食"), t.digits(18)
    goods = t.goods(FOOD, 4, 800, 3900, 10)
    box, ride, off = 200, 400, 500
    total = total_of(goods) + box + ride - off
    return t.slip(
        f"""
        #{platform} #{t.digits(2)}
        #{shop}
        ^--已在线支付--
        下单时间:{t.stamp("%Y-%m-%d %H:%M:%S")}
        期望送达:立即送达
        备注:少辣
        {t.listed(goods)}
        餐盒费 | {t.money(box, 2, "")}
        配送费 | {t.money(ride, 2, "")}
        {t.pick("满减优惠", "商家优惠", "平台红包")} | -{t.money(off, 2, "")}
        !{t.pick("用户实付", "实付", "顾客实付", "已付")} | {t.money(total)}
        {t.name()}路{t.digits(2)}号 王(先生) 138****{t.digits(4)}
        订单号:{number}
        """,
        total,
        shop,
        number,
        kind="delivery_order",
    )


@layout
def parking_fee(t: Till) -> Slip:
    """停车缴费: entry and exit times, minutes, fee, coupon of the mall."""
    place, number = t.mall() + "停车场", t.number()
    fee = t.rng.randrange(1000, 6000, 500)
    return t.slip(
        f"""
        #{place}
        ^停车缴费凭条
        流水号：{number}
        车牌号码：京A{t.digits(5)}
        入场时间：{t.earlier(190)}
        缴费时间：{t.stamp("%Y-%m-%d %H:%M:%S")}
        停车时长：3小时10分
        应缴金额：{t.money(fee)}元
        优惠金额：{t.money(500)}元
        !实缴金额：{t.money(fee - 500)}元
        """,
        fee - 500,
        place,
        number,
        kind="parking",
    )


@layout
def stored_value(t: Till) -> Slip:
    """储值: what was put in, what was given on top, balance."""
    shop, number = t.name("健身", "洗衣", "超市", "烘焙"), t.number()
    value = t.rng.choice([20_000, 50_000, 100_000, 200_000])
    return t.slip(
        f"""
        #{shop}
        ^{t.pick("会员储值凭条", "充值小票", "储值成功")}
        单号:{number}
        {t.stamp()}
        会员卡:{t.digits(4)}****{t.digits(4)}
        !{t.pick("储值金额", "充值金额", "本次充值")} | {t.money(value)}
        赠送金额 | {t.money(value // 10)}
        {t.pick("账户余额", "储值余额")} | {t.money(value + value // 10 + 12_340)}
        支付方式:{t.pick("微信", "支付宝", "现金")}
        """,
        value,
        shop,
        number,
        kind="stored_value_topup",
    )


@layout
def octopus_add_value(t: Till) -> Slip:
    """八達通增值: amount put in and remaining value."""
    shop, number = t.name("便利店", "快餐"), t.digits(8)
    value = t.rng.choice([5000, 10_000, 20_000])
    return t.slip(
        f"""
        #{shop}
        ^八達通增值 ADD VALUE
        單號 {number}
        日期 {t.stamp("%d/%m/%Y %H:%M")}
        八達通號碼 {t.digits(8)}
        !增值金額 | {t.money(value, 2, "$")}
        餘額 | {t.money(value + 2310, 2, "$")}
        現金 | {t.money(value, 2, "$")}
        HKD
        """,
        value,
        shop,
        number,
        kind="stored_value_topup",
        currency="HKD",
    )


@layout
def refund_of_goods(t: Till) -> Slip:
    """退货小票: negative amounts, the original receipt's number and date."""
    shop, number = t.name("服饰", "家居", "美妆"), "T" + t.number()
    goods = t.goods(GOODS, 2, 3900, 39_900, 100)
    total = total_of(goods)
    listed = "\n".join(f"{name} | -{count} | -{t.money(count * price, 2, '')}" for name, count, price in goods)
    return t.slip(
        f"""
        #{shop}
        ^{t.pick("退货小票", "退货单", "** 退款 **")}
        单号：{number}
        时间：{t.stamp()}
        原单号：{t.digits(12)}
        原购买日期：{t.earlier(60 * 24 * 6, "%Y-%m-%d")}
        {listed}
        !{t.pick("应退金额", "退款合计", "实退金额")} | -{t.money(total, 2, "")}
        {t.pick("微信退款", "支付宝退款", "退款方式 现金")} | -{t.money(total, 2, "")}
        """,
        -total,
        shop,
        number,
        kind="credit_note",
    )


@layout
def bill_printed_before_paying(t: Till) -> Slip:
    """预打单 / 未结账: the same rows as a bill, and nothing that paid it."""
    shop, number = t.name("酒楼", "小厨", "烤鱼"), t.number()
    goods = t.goods(FOOD, 7, 900, 12_800, 100)
    total = total_of(goods)
    return t.slip(
        f"""
        #{shop}
        ^{t.pick("预打单", "预结账单", "结账单(未结)", "消费清单 待结账", "客人核对单")}
        桌号:{t.digits(2)} | 人数:{t.digits(1)}
        单号:{number}
        开台:{t.earlier(64)}
        打印时间:{t.stamp()}
        {t.listed(goods)}
        !{t.pick("应收合计", "消费合计", "合计", "待付金额")} | {t.money(total)}
        ^{t.pick("此单仅供核对，不作付款凭证", "请到收银台结账", "未付款", "扫码买单更方便 请核对后付款")}
        """,
        total,
        shop,
        number,
        kind="prebill",
        at=None,
    )


@layout
def wallet_page(t: Till) -> Slip:
    """A wallet's page on a phone: the shop, a large amount, labels at the left."""
    shop, number = t.name("茶餐厅", "花店", "水果店"), t.digits(28)
    total = t.rng.randrange(900, 59_900, 10)
    return t.slip(
        f"""
        {t.when:%H:%M}
        ^{t.pick("账单详情", "交易详情")}
        ^{shop}
        #^!-{t.money(total, 2, "")}
        {t.pick("当前状态", "交易状态")} | {t.pick("支付成功", "交易成功")}
        商品 | 扫码付款
        支付时间 | {t.stamp("%Y-%m-%d %H:%M:%S", "%Y年%m月%d日 %H:%M:%S")}
        支付方式 | 零钱
        交易单号 | {number}
        商户单号 | {t.digits(20)}
        """,
        total,
        shop,
        number,
        kind="e_screenshot",
    )


@layout
def card_slip_void(t: Till) -> Slip:
    """消费撤销 on a terminal: looks like a sale, is none."""
    shop, number = t.name("鞋店", "数码店"), t.digits(12)
    total = t.rng.randrange(5000, 500_000, 10)
    return t.slip(
        f"""
        #{t.pick("东海银行", "通联商务")}
        ^签购单
        商户名称：{shop}
        终端号：{t.digits(8)}
        卡号：{t.digits(6)}******{t.digits(4)}
        交易类型：{t.pick("消费撤销", "退货")}
        原凭证号：{t.digits(6)}
        参考号：{number}
        日期时间：{t.stamp("%Y/%m/%d %H:%M:%S")}
        !金额：RMB -{t.money(total, 2, "")}
        """,
        -total,
        shop,
        number,
        kind="credit_note",
    )


@layout
def scan_payment_slip(t: Till) -> Slip:
    """扫码支付凭条 of a collecting bank: paid, discount of the bank, merchant under a label."""
    shop, number = t.name("超市", "面馆", "水果店"), t.digits(24)
    total = t.rng.randrange(1200, 60_000, 10)
    return t.slip(
        f"""
        #{t.pick("微信支付", "支付宝", "云闪付")}
        ^收款凭证
        商户名称:{shop}
        商户号:{t.digits(15)}
        终端号:{t.digits(8)}
        交易类型:扫码支付
        订单号:{number}
        交易时间:{t.stamp("%Y-%m-%d %H:%M:%S")}
        !{t.pick("交易金额", "支付金额", "实付金额")}:{t.money(total)}元
        ^--顾客联--
        """,
        total,
        shop,
        number,
        kind="payment_slip",
    )
