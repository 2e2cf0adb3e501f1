"""An act that equals a two-person act: a new phone for an account, then its stored value spent, by the service desk alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from api.kit import clock, db, sealed
from api.kit.db import session
from api.members.models import Member
from api.members.service import identities
from api.wallet import service as wallet
from api.wallet.errors import CardNotUsable, WalletResting
from api.wallet.models import Card
from api.wallet.service import card_lifecycle, pins, resting
from tests.conftest import bearer
from tests.factories import make_member, make_shop, make_staff
from tests.wallet.conftest import Holder

pytestmark = pytest.mark.attack

OLD, NEW = "+8613800138000", "+8613911112222"


@pytest.fixture
def holder(mall: int) -> Holder:
    """A member, and a shop that takes stored value."""
    with db.unit_of_work(mall):
        return Holder(make_member().id, make_shop().id)


@pytest.fixture
def recovered(holder: Holder, mall: int) -> Holder:
    """Somebody with a PIN and ¥500 whose account the desk gave a new phone."""
    with db.unit_of_work(mall):
        session.execute(
            update(Member).where(Member.id == holder.id).values(phone_sealed=sealed.seal(OLD), phone_key=sealed.find_key(f"phone:{OLD}"))
        )
        holder.recharges(50_000)
        pins.set_pin(holder.id, "258036")
    with db.unit_of_work(mall):
        identities.recover(holder.id, NEW)
    return holder


def test_stored_value_rests_after_the_desk_gave_an_account_a_new_phone(recovered: Holder, mall: int, client: FlaskClient) -> None:
    with db.unit_of_work(mall):
        assert {card.refusal for card in wallet.funds(recovered.id)} == {"resting"}
        drawn = [wallet.Drawn(recovered.card_id, 100, 0)]
        with pytest.raises(CardNotUsable) as refused:
            wallet.draw(recovered.id, drawn, cause_type="order_hold", cause_id=1, shop_id=recovered.shop_id)
        assert refused.value.facts["reason"] == "resting"
    shown = client.get("/v1/wallet", headers=bearer("member", recovered.id, mall)).json
    assert shown["rests_until_at"] is not None and shown["cards"][0]["refusal"] == "resting"
    with db.unit_of_work(mall):
        session.execute(update(Card).values(rests_until_at=clock.now() - timedelta(seconds=1)))
    with db.unit_of_work(mall):
        wallet.draw(recovered.id, drawn, cause_type="order_hold", cause_id=1, shop_id=recovered.shop_id)


def test_a_card_that_replaces_a_resting_one_rests_too(recovered: Holder, mall: int) -> None:
    with db.unit_of_work(mall):
        card_lifecycle.freeze(recovered.card_id, by="staff:1", why="reported lost")
        card_lifecycle.replace(card_lifecycle.hold(recovered.card_id), None, by="staff:1", why="a new card")
        assert {funds.refusal for funds in wallet.funds(recovered.id)} == {"resting"}


def test_the_new_phone_gives_no_pin_while_it_rests(recovered: Holder, mall: int, client: FlaskClient) -> None:
    me = bearer("member", recovered.id, mall)
    for proof in ({"code": "000000"}, {"js_code": "0123456789"}, {}):
        refused = client.put("/v1/wallet/pin", json={"pin": "147036"} | proof, headers=me)
        assert (refused.status_code, refused.json["type"]) == (409, "/problems/wallet-resting")
    assert client.put("/v1/wallet/pin", json={"pin": "147036", "old_pin": "258036"}, headers=me).status_code == 204


def test_the_owner_ends_the_rest_with_the_pin_from_before(recovered: Holder, mall: int, client: FlaskClient) -> None:
    me = bearer("member", recovered.id, mall)
    assert client.put("/v1/wallet/rest/end", json={"pin": "111222"}, headers=me).json["type"] == "/problems/pin-wrong"
    assert client.put("/v1/wallet/rest/end", json={"pin": "258036"}, headers=me).status_code == 204
    assert client.get("/v1/wallet", headers=me).json["rests_until_at"] is None
    again = client.put("/v1/wallet/rest/end", json={"pin": "258036"}, headers=me)
    assert (again.status_code, again.json["type"]) == (409, "/problems/not-resting")
    with db.unit_of_work(mall):
        assert {funds.refusal for funds in wallet.funds(recovered.id)} == {None}


def test_who_has_no_pin_waits(holder: Holder, mall: int) -> None:
    with db.unit_of_work(mall):
        holder.recharges(50_000)
        resting.rest(holder.id, "the desk gave the account a new phone")
        with pytest.raises(WalletResting):
            resting.refuse_resting(holder.id)


def test_the_desk_alone_moves_no_account_to_another_phone(recovered: Holder, mall: int, client: FlaskClient) -> None:
    with db.unit_of_work(mall):
        clerk = bearer("staff", make_staff("service_desk").id, mall)
        before = session.scalar(select(Member.phone_key).where(Member.id == recovered.id))
    body = {"phone": "13911113333", "code": "123456", "recognised_by": "identity_card", "reason": "lost the phone"}
    refused = client.put(f"/v1/office/members/{recovered.id}/phone", json=body, headers=clerk)
    assert refused.status_code == 401  # the code was not read out
    with db.unit_of_work(mall):
        assert session.scalar(select(Member.phone_key).where(Member.id == recovered.id)) == before
