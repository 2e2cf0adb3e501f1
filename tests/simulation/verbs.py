"""What may happen in a world, and how often."""

from __future__ import annotations

from typing import Any

from api.checkout.service import placement, quotes
from api.kit import db
from api.kit.errors import Problem
from api.kit.states import WrongState
from api.wallet import service as wallet
from api.wallet.service import card_lifecycle
from tests.simulation.world import Someone, World


def amount(world: World) -> int:
    """What people type: a coffee, a dinner, something odd, and once in a while a watch."""
    chance = world.chance
    return chance.choice(
        [chance.randint(1, 300), chance.randint(300, 9_999), chance.randint(1_000, 30_000), chance.randint(90_000, 150_000)]
    )


def shopper(world: World) -> Someone:
    return world.chance.choice([*world.members, *world.members, world.guest])


def order(world: World) -> None:
    """Quote and order at a plate."""
    chance, who, place = world.chance, shopper(world), world.chance.randrange(2)
    fen = amount(world)
    purchase: dict[str, Any] = {"kind": "plate", "plate": world.plates[place], "amount_fen": fen}
    basket: dict[str, Any] = {"purchase": purchase}
    if chance.random() < 0.3:
        purchase["excluded_fen"] = chance.randint(0, fen)
    if who.member_id and chance.random() < 0.25:
        basket["choose"] = {"points": chance.choice([0, 0, 100, 300]), "card_ids": chance.choice([None, []])}
    quote = world.send(who, "post", "/v1/quotes", basket)
    if quote.status_code != 200:
        return
    channel = "wechat" if who is world.guest else chance.choice(["wechat", "alipay"])
    body = basket | {"channel": channel, "expected_fen": quote.json["gateway_fen"]}
    placed = world.send(who, "post", "/v1/orders", body)
    _remember(world, placed)
    if placed.status_code == 201 and chance.random() < 0.1:  # a double tap
        world.send(who, "post", "/v1/orders", body, key=f"simulation-{world.seed}-{world.keys}")


def _remember(world: World, placed: Any) -> None:
    if placed.status_code != 201:
        return
    number = placed.json["order"]["number"]
    world.acknowledged.add(number)
    if placed.json.get("claim_code"):
        world.claims.append((number, placed.json["claim_code"]))


def order_of_both(world: World) -> None:
    """Several lines at two shops, at once."""
    who, basket = world.chance.choice(world.members), world.basket_of_both()
    try:
        with db.unit_of_work(world.mall):
            quoted = quotes.quote(basket, who.member_id)
            placed = placement.order(basket, who.who, expected_fen=quoted.gateway_fen, channel=world.chance.choice(["wechat", "alipay"]))
            number = placed.order.number
    except Problem as refusal:
        world.tell("an order of both shops was refused:", refusal.slug())
        return
    world.acknowledged.add(number)
    world.tell(who.name, "ordered at both shops:", number)


def recharge(world: World) -> None:
    who, chance = world.chance.choice(world.members), world.chance
    package = chance.choice(world.packages)
    fen = {world.packages[0]: 100_000, world.packages[1]: 10_000}[package]
    body = {"purchase": {"kind": "recharge", "package_id": package}, "channel": chance.choice(["wechat", "alipay"]), "expected_fen": fen}
    _remember(world, world.send(who, "post", "/v1/orders", body))


OPEN = "SELECT number, member_id, payer_id FROM orders WHERE mall_id = %s AND state = 'held' AND kind <> 'charge' ORDER BY id"
PAID = "SELECT number, total_fen - refunded_fen, shop_id, total_fen FROM orders WHERE mall_id = %s AND state = 'paid' ORDER BY id"
UNPAID = """SELECT p.number, p.channel, m.merchant_no FROM payments p JOIN merchant_accounts m ON m.id = p.account_id
  WHERE p.mall_id = %s AND p.state <> 'paid' ORDER BY p.id DESC LIMIT 6"""


def pay(world: World) -> None:
    """A phone confirms: in time, twice, or at the last moment. Whether the gateway lets it is the gateway's business."""
    found = world.pick(UNPAID)
    if found is None:
        return
    number, channel, merchant = found
    late = world.chance.random() < 0.15
    said = {"out_trade_no": number, "late": late} | ({"mchid": merchant} if channel == "wechat" else {})
    told = world.sides[channel].sim("pay", **said)
    world.tell("the phone pays", channel, number, "late" if late else "", "→", told["status_code"], told.get("code", ""))
    if told["status_code"] == 200 and not late and world.chance.random() < 0.25:
        letter = world.sides[channel].notice_sender.notices[-1:] or [None]
        if letter[0] is not None:
            world.lost_letters.add(letter[0].id)


def give_up_password(world: World) -> None:
    found = world.pick(
        "SELECT number, channel FROM payments WHERE mall_id = %s AND kind = 'auth_code' AND state IN ('created', 'paying') ORDER BY id"
    )
    if found is not None:
        world.tell("no password:", found[0], world.sides[found[1]].sim("cancel", out_trade_no=found[0])["status_code"])


def deliver(world: World) -> None:
    """A letter arrives, in any order."""
    open_letters = [pair for pair in world.letters() if pair[1].id not in world.lost_letters]
    if open_letters:
        side, letter = world.chance.choice(open_letters)
        world.tell("a notice of", side.channel, "→", side.notice_sender.deliver(letter))


def deliver_again(world: World) -> None:
    """A letter that was delivered comes once more."""
    side = world.sides[world.chance.choice(["wechat", "alipay"])]
    if side.notice_sender.notices:
        letter = world.chance.choice(side.notice_sender.notices)
        if letter.id not in world.lost_letters:
            world.tell("a notice again", side.channel, "→", side.notice_sender.deliver(letter))


def work(world: World) -> None:
    """A worker takes a job that is due."""
    found = world.due()
    if found:
        world.work(world.chance.choice(found))


def minute(world: World) -> None:
    world.sweep()
    world.tell("swept")


def wait(world: World) -> None:
    """Time goes on, and what WeChat had under way is done."""
    if world.depth:
        return  # whoever is on the line meanwhile would have given up
    seconds = world.chance.choice([2, 2, 5, 10, 10, 30, 60, 180, 600])
    world.tick(seconds)
    for side in world.sides.values():
        with side.store.lock:
            side.notice_sender.do_what_is_due()
    world.tell(f"— {seconds} s —")


def step_clock(world: World) -> None:
    """The server's clock is wrong by some minutes, or right again."""
    from datetime import timedelta

    world.skew = timedelta(seconds=world.chance.choice([0, 0, -240, -60, 60, 240]))
    world.tick()
    world.tell("the clock is off by", world.skew.total_seconds())


def ask(world: World) -> None:
    """Staff ask the gateway."""
    found = world.pick("SELECT id FROM payments WHERE mall_id = %s ORDER BY id")
    if found is not None:
        world.send(world.office[0], "post", f"/v1/office/payments/{found[0]}/questions")


def cancel(world: World) -> None:
    found = world.pick(OPEN)
    if found is not None and (who := world.by(found[1:])) is not None:
        world.send(who, "put", f"/v1/orders/{found[0]}/cancellation")


def again(world: World) -> None:
    """Pay by the other wallet, or the same one again."""
    found = world.pick(OPEN)
    if found is not None and (who := world.by(found[1:])) is not None:
        channel = "wechat" if who is world.guest else world.chance.choice(["wechat", "alipay"])
        world.send(who, "post", f"/v1/orders/{found[0]}/payments", {"channel": channel})


def charge(world: World) -> None:
    """A cashier scans a phone."""
    chance, place = world.chance, world.chance.randrange(2)
    side = world.sides[chance.choice(["wechat", "alipay"])]
    person = chance.choice(world.members).person
    said: dict[str, Any] = {"person": person, "needs_password": chance.random() < 0.4}
    if chance.random() < 0.1:
        said["refuse"] = "NOT_ENOUGH" if side.channel == "wechat" else "ACQ.BUYER_BALANCE_NOT_ENOUGH"
    code = side.sim("auth-pay-code", **said)["auth_code"]
    body = {"auth_code": code, "purchase": {"kind": "charge", "amount_fen": amount(world)}}
    placed = world.send(world.clerks[place], "post", "/v1/shop/charges", body)
    if placed.status_code == 201:
        world.acknowledged.add(placed.json["number"])


def charge_value(world: World) -> None:
    """A cashier scans the mall's own code."""
    who, place = world.chance.choice(world.members), world.chance.randrange(2)
    shown = world.send(who, "post", "/v1/wallet/pay-code")
    if shown.status_code >= 400:
        return
    body = {"auth_code": shown.json["code"], "purchase": {"kind": "charge", "amount_fen": world.chance.randint(1, 3_000)}}
    placed = world.send(world.clerks[place], "post", "/v1/shop/charges", body)
    if placed.status_code == 201:
        world.acknowledged.add(placed.json["number"])


def cancel_charge(world: World) -> None:
    found = world.pick("SELECT number, shop_id FROM orders WHERE mall_id = %s AND state = 'held' AND kind = 'charge' ORDER BY id")
    if found is not None:
        world.send(world.clerks[world.shops.index(found[1])], "put", f"/v1/shop/orders/{found[0]}/cancellation")


def refund(world: World) -> None:
    """Whole, by an amount, or by a line; sometimes more than there is, sometimes of what is not paid."""
    chance = world.chance
    found = world.pick(PAID)
    if found is None:
        return
    number, left, shop_id, total = found
    asked: dict[str, Any] = {"reason": "退货"}
    kind = chance.random()
    if kind < 0.5:
        asked["amount_fen"] = chance.choice([1, max(1, left // 3), left, left + 1, chance.randint(1, total)])
    elif kind < 0.7:
        asked["lines"] = [chance.randrange(3)]
    if chance.random() < 0.4:
        place = world.shops.index(shop_id) if shop_id in world.shops else chance.randrange(2)
        if chance.random() < 0.1:
            place = 1 - place
        given = world.send(world.clerks[place], "post", f"/v1/shop/orders/{number}/refunds", asked)
        if given.status_code == 201 and shop_id is not None and shop_id != world.shops[place]:
            world.wrong("a shop gave another one's money back:", number)
    else:
        given = world.send(world.office[0], "post", f"/v1/office/orders/{number}/refunds", asked)
    if given.status_code == 201 and given.json["state"] == "waiting":
        world.waiting.append(given.json["number"])


def decide(world: World) -> None:
    """A second person decides; sometimes it is the first one."""
    if world.waiting:
        number, who = world.chance.choice(world.waiting), world.chance.choice(world.office)
        body = {"approve": world.chance.random() < 0.8, "why": "simulation"}
        world.send(who, "put", f"/v1/office/order-refunds/{number}/decision", body)


def insider_asks(world: World) -> None:
    """One administrator wants points, a package that gives fifty times what it costs, or other limits."""
    chance, me = world.chance, world.insider
    wish = chance.random()
    if wish < 0.5:
        body = {"member_id": chance.choice(world.members).member_id, "points": chance.choice([100, 400, 999, 5_000]), "why": "simulation"}
        world.send(me, "post", "/v1/office/points/adjustments", body)
    elif wish < 0.75:
        offer = {"title_zh": "内购", "title_en": "inside", "pays_fen": 100, "bonus_fen": 5_000, "starts_at": world.now.isoformat()}
        product_id = world.pick("SELECT product_id FROM recharge_packages WHERE mall_id = %s")[0]
        world.send(me, "post", "/v1/office/recharge-packages", offer | {"product_id": product_id})
    else:
        world.send(me, "patch", "/v1/office/policy", {"adjustment_limit_points": 1_000_000, "why": "simulation"})
    if chance.random() < 0.6:
        insider_decides(world)


def insider_decides(world: World) -> None:
    """The same person, by either account, wants to approve what that person asked, whatever it is."""
    me = world.chance.choice([world.insider, world.puppet])
    for table, path in (("approvals", "approvals"), ("points_adjustments", "points/adjustments")):
        waiting = world.pick(f"SELECT id FROM {table} WHERE mall_id = %s AND state = 'proposed' ORDER BY id")
        if waiting is not None:
            world.send(me, "put", f"/v1/office/{path}/{waiting[0]}/approval")


def claim(world: World) -> None:
    """Somebody who paid as a guest has joined."""
    if world.claims:
        number, code = world.chance.choice(world.claims)
        who = world.chance.choice(world.members)
        world.send(who, "post", "/v1/order-claims", {"number": number, "claim_code": code})


def card_trouble(world: World) -> None:
    """A card is lost, found, or replaced."""
    found = world.pick("SELECT id, state FROM cards WHERE mall_id = %s AND state IN ('active', 'frozen') ORDER BY id")
    if found is None:
        return
    with db.unit_of_work(world.mall):
        try:
            card = card_lifecycle.hold(found[0])
            kind = world.chance.random()
            if kind < 0.3:
                card_lifecycle.replace(card, None, by="staff:simulation", why="broken")
            elif card.state == "frozen":
                card_lifecycle.unfreeze(card, by="staff:simulation", why="found")
            elif kind < 0.5:
                card_lifecycle.freeze(card.id, by="staff:simulation", why="lost")
        except WrongState as refusal:
            world.tell("card", found[0], refusal.slug())
    world.tell("card", found[0], "in other hands")


def wallet_of_gateway(world: World) -> None:
    """The merchant has no money for refunds, or has it again."""
    side = world.sides[world.chance.choice(["wechat", "alipay"])]
    for account in (side.store.merchants if side.channel == "wechat" else side.store.apps).values():
        account.can_refund = world.chance.random() < 0.6


def close_refund(world: World) -> None:
    """WeChat closes a refund that it had accepted."""
    store = world.sides["wechat"].store
    open_refunds = [one for one in store.refunds.values() if one.status == "PROCESSING"]
    if open_refunds:
        chosen = world.chance.choice(open_refunds)
        told = world.sides["wechat"].sim(f"refunds/{chosen.out_refund_no}", status="CLOSED", mchid=chosen.order.mchid)
        world.tell("WeChat closed refund", chosen.out_refund_no, told["status_code"])


def send_again(world: World) -> None:
    """Staff send a stuck refund again."""
    found = world.pick("SELECT id FROM payment_refunds WHERE mall_id = %s AND state = 'stuck' ORDER BY id")
    if found is not None:
        world.send(world.office[0], "post", f"/v1/office/payment-refunds/{found[0]}/sendings")


def ask_again(world: World) -> None:
    """A phone that got no answer sends the same again."""
    if world.unanswered and not world.depth:
        sent = world.chance.choice(world.unanswered)
        world.unanswered.remove(sent)
        world.send(sent.who, sent.verb, sent.path, sent.body, key=sent.key)


def look(world: World) -> None:
    """Reading changes nothing, and always works."""
    found = world.pick("SELECT number, member_id, payer_id FROM orders WHERE mall_id = %s ORDER BY id")
    if found is not None and (who := world.by(found[1:])) is not None:
        answer = world.send(who, "get", f"/v1/orders/{found[0]}")
        if answer.status_code != 200:
            world.wrong("an order could not be read", found[0], answer.json)
        elif found[1] is not None and world.chance.random() < 0.3:
            with db.unit_of_work(world.mall):
                wallet.funds(found[1])


_WEIGHED = {
    order: 16, pay: 22, deliver: 14, work: 20, wait: 12, cancel: 4, again: 4, refund: 9, decide: 3, charge: 6, charge_value: 2,
    cancel_charge: 2, give_up_password: 2, recharge: 3, order_of_both: 4, claim: 2, card_trouble: 2, step_clock: 2, deliver_again: 4,
    ask: 2, minute: 3, ask_again: 4, look: 2, wallet_of_gateway: 1, close_refund: 1, send_again: 1, insider_asks: 4, insider_decides: 2,
}  # fmt: skip
VERBS, WEIGHTS = list(_WEIGHED), list(_WEIGHED.values())
