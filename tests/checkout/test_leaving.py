"""Orders when two memberships become one, and when a member leaves."""

from __future__ import annotations

from api.merges import service as merges
from tests.checkout.conftest import Street


def test_an_order_that_waits_goes_along_with_a_merge_and_earns_for_who_stays(street: Street) -> None:
    leaving, staying = street.shopper("li-lei", points_held=1_000, principal_fen=2_000), street.shopper("han-meimei")
    number = leaving.ordered(10_000)["order"]["number"]
    with street.inside():
        merge_id = merges.propose(leaving.id, staying.id, phone_of_source=False, why="same person", by="staff:1").id
        merges.approve(merge_id, by="staff:2")
    staying.pays(number)
    street.due(ahead=10)
    order = staying.read(number)
    assert (order["state"], order["points"]) == ("paid", 90)
    assert staying.points()["balance"] == 90
    street.books_agree()


def test_an_order_given_up_after_a_merge_frees_its_value_for_who_stays(street: Street) -> None:
    leaving, staying = street.shopper("li-lei", points_held=1_000, principal_fen=2_000), street.shopper("han-meimei")
    number = leaving.ordered(10_000)["order"]["number"]
    with street.inside():
        merge_id = merges.propose(leaving.id, staying.id, phone_of_source=False, why="same person", by="staff:1").id
        merges.approve(merge_id, by="staff:2")
    assert staying.send("put", f"/v1/orders/{number}/cancellation").json["state"] == "closed"
    assert (staying.points()["balance"], staying.value()) == (1_000, (2_000, 0))
    street.books_agree()


def test_who_closes_the_account_first_settles_what_waits(street: Street) -> None:
    shopper = street.shopper()
    number = shopper.ordered(1_000)["order"]["number"]
    refused = shopper.send("post", "/v1/me/closure", {})
    assert (refused.status_code, refused.json["type"], refused.json["number"]) == (409, "/problems/order-open", number)
