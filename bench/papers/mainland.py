"""Receipts of shops and restaurants on the mainland."""

from __future__ import annotations

from bench.papers.till import FOOD, GOODS, LATIN, Slip, Till, in_capitals, layout, total_of

WALLETS = ("微信支付", "支付宝", "银联云闪付", "微信", "支付宝支付", "数字人民币", "银行卡")


@layout
def hotpot(t: Till) -> Slip:
    """火锅: 折前 and 折后, member's discount, 抹零, open and close times, table."""
    shop, number = t.name("火锅", "老火锅", "捞面"), t.number()
    goods = t.goods(FOOD, 9, 600, 9800, 10)
    sub = total_of(goods)
    off = t.percent(sub, 8, 12, 20)
    total = (sub - off) // 100 * 100
    return t.slip(
        f"""
        #{shop}
        ^（{t.mall()}店）
        ^{t.pick("结账单", "消费账单", "结算单")}
        桌号：A{t.digits(2)} | 人数：{t.digits(1)}
        账单号：{number}
        开台时间：{t.earlier(97)}
        {t.pick("结账时间", "买单时间", "结算时间")}：{t.stamp()}
        品名 | 数量 | 金额
        {t.listed(goods)}
        折前金额 | {t.money(sub)}
        {t.pick("会员折扣", "优惠金额", "菜品折扣")} | -{t.money(off, 2, "")}
        抹零 | -{t.money(sub - off - total, 2, "")}
        !{t.pick("折后金额", "折后应收", "应付金额", "折后合计")} | {t.money(total)}
        {t.pick(*WALLETS)} | {t.money(total)}
        本次积分 {total // 100} 可用积分 {t.digits(4)}
        """,
        total,
        shop,
        number,
    )


@layout
def apparel_with_tax(t: Till) -> Slip:
    """快时尚: subtotal, total with tax inside, count, electronic payment, phone of the head office."""
    shop, number = t.pick("UNO PLAIN", "COTTON YARD", "NORDLINE") + t.pick("", " " + t.name("服饰")), t.digits(4) + "-" + t.digits(4)
    goods = t.goods(GOODS, 4, 3900, 39_900, 1000)
    total = total_of(goods)
    tax = round(total - total / 1.13)
    return t.slip(
        f"""
        #{shop}
        ^{t.mall()}店 TEL 021-{t.digits(8)}
        {t.stamp("%Y/%m/%d %H:%M", "%Y年%m月%d日 %H:%M")} | 收银机 0{t.digits(1)}
        {t.pick("交易号", "小票号", "单据号")} {number} | 店员 {t.digits(5)}
        {t.listed(goods)}
        小计 | {sum(c for _, c, _ in goods)}点 | {t.money(total)}
        !合计 | {t.money(total)}
        (其中税额 | {t.money(tax, 2, "")})
        {t.pick(*WALLETS)} | {t.money(total)}
        商品退换请于30日内携带本小票
        """,
        total,
        shop,
        number,
    )


@layout
def supermarket_with_cash(t: Till) -> Slip:
    """超市: 会员价, 优惠, 抹零, cash, change, and a card's points after it."""
    shop, number = t.name("超市", "生鲜超市", "生活超市"), t.number()
    goods = t.goods(GOODS, 10, 199, 8990, 1)
    sub = total_of(goods)
    off = sub // 12
    total = (sub - off) // 10 * 10
    cash = -(-total // 5000) * 5000
    return t.slip(
        f"""
        #{shop}
        ^欢迎光临
        机号:{t.digits(3)} 收银员:{t.digits(4)}
        单号:{number}
        {t.stamp()}
        商品名称 | 单价 | 数量 | 小计
        {t.listed(goods)}
        件数: {sum(c for _, c, _ in goods)} | 合计: {t.money(sub, 2, "")}
        会员优惠: | {t.money(off, 2, t.pick("", "-"))}
        抹零: | {t.money(sub - off - total, 2, t.pick("", "-"))}
        !{t.pick("应付", "应收", "应付金额")}: | {t.money(total, 2, "")}
        {t.pick("实收", "收款", "现金")}: | {t.money(cash, 2, "")}
        {t.pick("找零", "找回", "找赎")}: | {t.money(cash - total, 2, "")}
        会员卡号: {t.digits(4)}****{t.digits(4)}
        本次积分: {total // 100} 累计积分: {t.digits(5)}
        """,
        total,
        shop,
        number,
    )


@layout
def karaoke(t: Till) -> Slip:
    """KTV: room by the hour, drinks, prepaid before, the rest on the way out. The bill is the whole."""
    shop, number = t.name("KTV", "量贩KTV"), t.number()
    room, drinks = t.rng.randrange(9800, 39_800, 1000), t.rng.randrange(5800, 58_000, 1000)
    total, prepaid = room + drinks, 5000
    return t.slip(
        f"""
        #{shop}
        ^消费结账单
        包厢：V{t.digits(2)} | 类型：中包
        单据编号：{number}
        开房时间：{t.earlier(181)}
        结账时间：{t.stamp()}
        房费 | {t.money(room)}
        酒水小计 | {t.money(drinks)}
        !{t.pick("消费合计", "消费总额", "合计金额")} | {t.money(total)}
        {t.pick("已付押金", "预付金额", "已收定金")} | {t.money(prepaid)}
        {t.pick("补收", "微信补付", "本次补交")} | {t.money(total - prepaid)}
        """,
        total,
        shop,
        number,
    )


@layout
def optical_shop(t: Till) -> Slip:
    """眼镜店: frame and lenses, discount, deposit before and 尾款 now."""
    shop, number = t.name("眼镜", "眼镜店"), t.number()
    frame, lens = t.rng.randrange(29_900, 199_900, 10_000), t.rng.randrange(19_900, 159_900, 10_000)
    off = (frame + lens) // 50_000 * 5000
    total = frame + lens - off
    deposit = 20_000
    return t.slip(
        f"""
        #{shop}
        ^配镜销售单
        销售单号:{number}
        日期:{t.stamp()}
        顾客:王** 电话:138****{t.digits(4)}
        镜架 | {t.money(frame)}
        镜片(副) | {t.money(lens)}
        优惠 | -{t.money(off, 2, "")}
        !{t.pick("应收合计", "折后总额", "应收金额")} | {t.money(total)}
        定金 | {t.money(deposit)}
        尾款 | {t.money(total - deposit)}
        付款方式:{t.pick("支付宝", "微信")}
        取镜日期:{t.earlier(-60 * 24 * 5, "%Y-%m-%d")}
        """,
        total,
        shop,
        number,
    )


@layout
def counter_slip_in_three_parts(t: Till) -> Slip:
    """百货三联单: the mall's name on top, the counter's name under a label, words and digits."""
    counter, mall, number = t.name("女装", "鞋业", "男装", "童装"), t.mall(), t.digits(13)
    listed = t.rng.randrange(39_900, 399_900, 10_000)
    off = t.percent(listed, 10, 30)
    total = listed - off
    return t.slip(
        f"""
        #{mall}
        ^商品销售小票 第{t.pick("一联 收款联", "二联 顾客联", "三联 柜台联")}
        专柜：{counter}
        小票号：{number} | 款台：{t.digits(3)}
        日期：{t.stamp()}
        货号 | 数量 | 原价 | 实价
        {t.digits(7)} | 1 | {t.money(listed, 2, "")} | {t.money(total, 2, "")}
        原价合计 | {t.money(listed)}
        折扣金额 | {t.money(off)}
        !{t.pick("实收金额", "应收金额", "合计金额")} | {t.money(total)}
        大写：{in_capitals(total)}
        {t.pick("银行卡", "微信", "支付宝")} | {t.money(total)}
        营业员：{t.digits(5)} 收银员：{t.digits(4)}
        """,
        total,
        counter,
        number,
    )


@layout
def coffee_in_english(t: Till) -> Slip:
    """A chain's coffee: English labels, a stored card with its balance."""
    shop, number = t.pick("STARLIGHT COFFEE", "BLACK CRANE COFFEE", "HARBOR ROAST"), t.digits(6)
    goods = t.goods(LATIN, 3, 2500, 4500, 100)
    total = total_of(goods)
    card = t.rng.random() < 0.5
    paid = (
        f"SVC Card ****{t.digits(4)} | {t.money(total)}\nCard Balance | {t.money(t.rng.randrange(1000, 50_000, 10))}"
        if card
        else f"WECHAT PAY | {t.money(total)}"
    )
    return t.slip(
        f"""
        #{shop}
        ^{t.mall()} Store 2{t.digits(4)}
        CHK {number} | {t.stamp("%d %b %Y %H:%M", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M")}
        ^TAKE AWAY
        {t.listed(goods)}
        SUBTOTAL | {t.money(total)}
        !TOTAL | {t.money(total)}
        {paid}
        CHANGE | 0.00
        Including VAT 6% RMB
        """,
        total,
        shop,
        number,
    )


@layout
def burger_counter(t: Till) -> Slip:
    """快餐: big pick-up number, no shop logo text but the restaurant's line, total including tax."""
    shop, number = t.name("汉堡", "炸鸡"), t.number()
    goods = t.goods(FOOD, 4, 600, 4500, 50)
    sub = total_of(goods)
    off = t.rng.choice([0, 500])
    total = sub - off
    return t.slip(
        f"""
        ^{shop}{t.mall()}餐厅
        ^取餐号
        #{t.digits(4)}
        订单号 {number}
        {t.stamp()} 堂食
        {t.listed(goods)}
        小计 | {t.money(sub)}
        {f"优惠券 | -{t.money(off, 2, '')}" if off else ""}
        !{t.pick("总计(含税)", "合计(含税)", "应付总额", "总计")} | {t.money(total)}
        {t.pick(*WALLETS)} | {t.money(total)}
        本单可得 {total // 100} 积分
        """,
        total,
        shop,
        number,
    )


@layout
def restaurant_with_service_charge(t: Till) -> Slip:
    """酒店餐厅: business date, meal period, service charge of 10 or 15 %, room for a signature."""
    shop, number = t.name("中餐厅", "西餐厅", "私房菜"), t.digits(7)
    goods = t.goods(FOOD, 7, 1800, 28_800, 100)
    sub = total_of(goods)
    rate = t.rng.choice([10, 15])
    fee = sub * rate // 100
    total = sub + fee
    return t.slip(
        f"""
        #{shop}
        台号: {t.digits(2)} | 餐段: 晚市
        单号: {number} | 人数: {t.digits(1)}
        营业日期: {t.when:%Y-%m-%d}
        开单: {t.earlier(110, "%H:%M")}
        结账: {t.stamp("%Y-%m-%d %H:%M:%S")}
        {t.listed(goods)}
        {t.pick("消费小计", "菜金小计", "小计")} | {t.money(sub)}
        服务费({rate}%) | {t.money(fee)}
        !{t.pick("应付总额", "合计", "账单总计")} | {t.money(total)}
        {t.pick("支付宝", "信用卡", "挂账")} | {t.money(total)}
        宾客签名:
        """,
        total,
        shop,
        number,
    )


@layout
def snack_with_subtotal_only(t: Till) -> Slip:
    """A snack bar's slip ends with 小计; the means of payment is a word."""
    shop, number = t.name("小吃", "煎饼", "麻辣烫", "肠粉"), t.digits(4)
    goods = t.goods(FOOD, 3, 300, 3000, 50)
    total = total_of(goods)
    return t.slip(
        f"""
        #{shop}
        单号 {t.when:%y%m%d}{number}
        {t.stamp()}
        {t.listed(goods)}
        !小计 | {t.money(total)}
        {t.pick("支付方式:微信", "已付款", "微信支付", "谢谢惠顾")}
        """,
        total,
        shop,
        f"{t.when:%y%m%d}{number}",
    )


@layout
def written_receipt(t: Till) -> Slip:
    """收款收据: the amount in capital words and in small letters."""
    shop, number = t.name("家具", "琴行", "装饰"), t.digits(7)
    total = t.rng.randrange(12_000, 3_999_900, 50)
    return t.slip(
        f"""
        ^收款收据
        No. {number}
        {t.stamp("%Y年%m月%d日 %H:%M")}
        今收到：李女士
        收款事由：货款
        !人民币（大写）：{in_capitals(total)}
        （小写）{t.money(total, 2, "￥")}
        收款单位：{shop}
        收款人：陈 经手人：周
        """,
        total,
        shop,
        number,
    )


@layout
def multi_tender(t: Till) -> Slip:
    """服饰: coupon, gift card with a balance, and a wallet pay together."""
    shop, number = t.name("女装", "运动户外", "鞋履"), t.number()
    goods = t.goods(GOODS, 4, 9900, 89_900, 100)
    total = total_of(goods)
    coupon, card = 5000, total // 3 // 100 * 100
    return t.slip(
        f"""
        #{shop}
        ^{t.mall()}
        小票号:{number}
        交易时间:{t.stamp()}
        导购:{t.digits(4)}
        {t.listed(goods)}
        !{t.pick("应收金额", "合计", "应付", "总计")}: | {t.money(total)}
        {t.pick("代金券", "现金券", "抵用券")}: | {t.money(coupon)}
        {t.pick("购物卡", "储值卡")}: | {t.money(card)}
        微信: | {t.money(total - coupon - card)}
        卡余额: | {t.money(t.rng.randrange(1000, 300_000, 100))}
        """,
        total,
        shop,
        number,
    )


@layout
def bookshop(t: Till) -> Slip:
    """书店: 码洋 (list) and 实洋 (sold for)."""
    shop, number = t.name("书店", "书城"), t.number()
    goods = t.goods(GOODS, 5, 2800, 12_800, 10)
    sub = total_of(goods)
    total = sub * 85 // 100
    return t.slip(
        f"""
        #{shop}
        销售单号：{number}
        {t.stamp()}
        书名 | 定价 | 册数 | 折后
        {t.listed(goods)}
        总码洋 | {t.money(sub)}
        折扣 | 85%
        优惠 | {t.money(sub - total)}
        !{t.pick("总实洋", "实洋合计", "实付金额")} | {t.money(total)}
        {t.pick("支付宝", "微信")} | {t.money(total)}
        """,
        total,
        shop,
        number,
    )


@layout
def pharmacy(t: Till) -> Slip:
    """药房: medical insurance account beside cash or a wallet, balance of the insurance card."""
    shop, number = t.name("大药房", "药房"), t.number()
    goods = t.goods(("感冒灵颗粒", "维生素C片", "创可贴", "口罩", "板蓝根"), 4, 850, 9800, 10)
    total = total_of(goods)
    insured = total // 2 // 10 * 10
    return t.slip(
        f"""
        #{shop}
        ^{t.mall()}店
        流水号: {number}
        日期: {t.stamp("%Y-%m-%d")} 时间: {t.when:%H:%M:%S}
        {t.listed(goods)}
        !{t.pick("应收金额", "合计", "总金额")}: | {t.money(total, 2, "")}
        医保账户: | {t.money(insured, 2, "")}
        {t.pick("微信", "现金支付")}: | {t.money(total - insured, 2, "")}
        医保余额: | {t.money(t.rng.randrange(1000, 900_000, 10), 2, "")}
        药品售出非质量问题概不退换
        """,
        total,
        shop,
        number,
    )


@layout
def stored_card_spent(t: Till) -> Slip:
    """美容: a treatment paid from a member's card; the balances before and after stand around it."""
    shop, number = t.name("美发", "美容", "足浴"), t.number()
    total = t.rng.randrange(6800, 58_800, 100)
    before = total + t.rng.randrange(1000, 300_000, 100)
    return t.slip(
        f"""
        #{shop}
        ^会员消费小票
        交易号: {number}
        消费时间: {t.stamp()}
        会员: 张** 卡号: {t.digits(4)}****
        护理套餐 | 1 | {t.money(total)}
        消费前余额 | {t.money(before)}
        !{t.pick("本次消费", "消费金额", "本次扣款")} | {t.money(total)}
        {t.pick("剩余金额", "卡内余额", "消费后余额")} | {t.money(before - total)}
        """,
        total,
        shop,
        number,
    )


@layout
def gold_shop(t: Till) -> Slip:
    """金店: weight and price per gram, making charge, old gold taken in part payment."""
    shop, number = t.name("金店", "黄金珠宝"), t.number()
    grams, price = t.rng.randrange(300, 3000), t.rng.randrange(68_000, 98_000, 100)
    gold = grams * price // 100
    craft = 30_000
    old = gold // 3
    total = gold + craft - old
    return t.slip(
        f"""
        #{shop}
        ^质量保证单
        单据号:{number} 日期:{t.stamp()}
        品名 | 重量(g) | 金价(元/g) | 金额
        足金手镯 | {grams / 100:.2f} | {t.money(price, 2, "")} | {t.money(gold, 2, "")}
        工费 | {t.money(craft, 2, "")}
        旧料抵扣 | -{t.money(old, 2, "")}
        !{t.pick("应收金额", "实付金额", "实收金额")} | {t.money(total)}
        金额大写:{in_capitals(total)}
        支付方式:{t.pick("银行卡", "微信")}
        """,
        total,
        shop,
        number,
    )


@layout
def convenience_reprint(t: Till) -> Slip:
    """便利店: a reprint with its own print time."""
    shop, number = t.name("便利店", "便利"), t.number()
    goods = t.goods(GOODS, 4, 250, 3900, 10)
    total = total_of(goods)
    return t.slip(
        f"""
        #{shop}
        ^{t.pick("***重打小票***", "【补打】", "-- 副本 --", "重印 第2次")}
        No:{number}
        {t.stamp("%Y-%m-%d %H:%M:%S")} 收银:{t.digits(3)}
        {t.listed(goods)}
        !总数量:{sum(c for _, c, _ in goods)} | 总金额:{t.money(total)}
        {t.pick("扫码支付", "支付宝", "微信支付")}: | {t.money(total)}
        打印时间:{t.earlier(-133)}
        """,
        total,
        shop,
        number,
        reprint=1,
    )


@layout
def family_playground(t: Till) -> Slip:
    """亲子乐园: group-buying coupon redeemed, list price crossed out, valid-until date."""
    shop, number = t.name("亲子乐园", "儿童乐园"), t.number()
    listed = t.rng.randrange(9800, 29_800, 100)
    total = listed * 6 // 1000 * 100
    return t.slip(
        f"""
        #{shop}
        ^入场凭证
        订单编号：{number}
        购票时间：{t.stamp()}
        有效期至：{t.earlier(-60 * 24 * 30, "%Y-%m-%d")}
        亲子套票 1大1小 | x1
        门市价 | {t.money(listed)}
        {t.pick("团购优惠", "活动立减")} | -{t.money(listed - total, 2, "")}
        !{t.pick("实付", "实付款", "实际支付")} | {t.money(total)}
        支付渠道：{t.pick("抖音团购", "美团", "微信")}
        """,
        total,
        shop,
        number,
    )


@layout
def dinner_per_head(t: Till) -> Slip:
    """烤肉: share per guest below the total, tea fee, coupon, one more total in large print."""
    shop, number = t.name("烤肉", "烧烤", "小馆"), t.number()
    goods = t.goods(FOOD, 7, 900, 8900, 10)
    people = t.rng.randint(2, 6)
    sub = total_of(goods) + people * 300
    off = 3000
    total = sub - off
    return t.slip(
        f"""
        #{shop}({t.mall()}店)
        流水号:{number} | 桌台:{t.digits(2)}
        下单时间:{t.earlier(70)}
        结账时间:{t.stamp()}
        {t.listed(goods)}
        茶位费 | {people} | {t.money(people * 300, 2, "")}
        合计 | {t.money(sub)}
        {t.pick("满200减30", "代金券抵扣", "商家优惠")} | -{t.money(off, 2, "")}
        #!{t.pick("实付", "应付", "实收")}: {t.money(total, 2, "￥")}
        {t.pick("微信支付", "支付宝")} {t.money(total)}
        人均消费: {t.money(total // people)}
        """,
        total,
        shop,
        number,
    )


@layout
def self_checkout(t: Till) -> Slip:
    """自助收银: amounts inside one line each, labels and values joined by colons."""
    shop, number = t.name("优选", "折扣超市", "家居"), t.number()
    goods = t.goods(GOODS, 7, 390, 19_900, 10)
    sub = total_of(goods)
    off = t.percent(sub, 3, 6)
    total = sub - off
    return t.slip(
        f"""
        #{shop}
        ^自助收银 SCO-{t.digits(2)}
        交易流水:{number}
        {t.stamp()}
        {t.listed(goods)}
        商品总额:{t.money(sub)} 优惠总额:{t.money(off)}
        !{t.pick("实付总额", "应付总额", "实付金额")}:{t.money(total)}
        {t.pick(*WALLETS)}:{t.money(total)}
        您本次共节省{t.money(off)}元
        会员积分+{total // 100}
        """,
        total,
        shop,
        number,
    )


@layout
def tea_drink(t: Till) -> Slip:
    """奶茶杯贴-like order slip: yuan as 元, coupon, paid."""
    shop, number = t.name("茶", "茶饮", "鲜奶茶"), t.digits(10)
    goods = t.goods(("茉莉奶绿", "杨枝甘露", "柠檬水", "芋泥波波"), 3, 900, 2900, 100)
    sub = total_of(goods)
    off = 300
    total = sub - off
    return t.slip(
        f"""
        #{shop}
        #{t.pick("外带", "堂食")} {t.digits(3)}号
        订单号:{number}
        时间:{t.stamp("%m-%d %H:%M 周三", "%Y-%m-%d %H:%M")}
        {t.listed(goods)}
        原价:{t.money(sub, 2, "")}元
        优惠:{t.money(off, 2, "")}元
        !{t.pick("实付", "实收", "合计")}:{t.money(total, 2, "")}元
        """,
        total,
        shop,
        number,
        at=None,
    )


@layout
def electronics_with_warranty(t: Till) -> Slip:
    """数码: serial numbers, RMB before the amount, tax number, subsidy of the state."""
    shop, number = t.name("数码", "电器", "通讯"), t.number()
    price = t.rng.randrange(99_900, 899_900, 10_000)
    subsidy = t.percent(price, 15)
    total = price - subsidy
    return t.slip(
        f"""
        #{shop}
        ^{t.mall()}专卖店
        单据编号: {number}
        开票日期: {t.stamp()}
        手机 12+256G | 1 | {t.money(price, 2, "")}
        SN: {t.digits(15)}
        {t.pick("国家补贴", "政府补贴", "以旧换新补贴")} | -{t.money(subsidy, 2, "")}
        !{t.pick("应付金额", "实付金额", "顾客实付")} | {t.money(total, 2, "RMB ")}
        {t.pick("银联", "云闪付", "花呗分期")} | {t.money(total, 2, "RMB ")}
        保修期一年 凭此单保修
        """,
        total,
        shop,
        number,
    )


@layout
def bakery_two_tenders_cash(t: Till) -> Slip:
    """烘焙: coupon first, rest in cash with change: 应收 is what the purse gave."""
    shop, number = t.name("烘焙", "面包坊", "蛋糕"), t.number()
    goods = t.goods(("生日蛋糕", "蛋挞", "吐司", "可颂", "泡芙"), 4, 500, 16_800, 100)
    total = total_of(goods)
    cash = -(-total // 10_000) * 10_000
    return t.slip(
        f"""
        #{shop}
        单号:{number}
        {t.stamp()}
        {t.listed(goods)}
        数量合计: {sum(c for _, c, _ in goods)}
        !{t.pick("金额合计", "应收", "合计")}: {t.money(total, 2, "")}
        实收: {t.money(cash, 2, "")} {t.pick("找零", "找回")}: {t.money(cash - total, 2, "")}
        会员余额: {t.money(t.rng.randrange(1000, 90_000, 10), 2, "")}
        """,
        total,
        shop,
        number,
    )
