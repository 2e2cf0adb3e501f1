"""Who somebody is goes along with a merge: identities, phone, consents, vehicles, level; and comes back."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from api.approvals.errors import AnotherPersonNeeded
from api.kit import clock, sealed
from api.kit.db import session
from api.members import phones
from api.members import service as members
from api.members.errors import MemberNotActive, MergeWithSelf
from api.members.models import GrowthEntry, LevelChange, Member, MemberIdentity, MemberSession, Vehicle
from api.members.service import consents, identities, name_index, profile, search, sessions, vehicles
from api.merges import service as merges
from api.merges.errors import MergedOnward, MergeOpen
from api.merges.models import MergeRow
from api.points import service as points
from api.receipts.models import Receipt
from tests.factories import make_member
from tests.merges.conftest import ONE, OTHER, Pair
from tests.points.conftest import days, travel

A, B, C = "+8613800138000", "+8613900139000", "+8613700137000"


def make_known(member_id: int, phone: str | None = None, *, openid: str | None = None, name: str | None = None) -> Member:
    member = members.get(member_id)
    if phone:
        identities.assign_phone(member, phone)
    if openid:
        session.add(MemberIdentity(member_id=member_id, channel="wechat", app_id="wx1", subject=openid, first_seen_at=clock.now()))
    if name:
        profile.change(member_id, nickname=name)
    session.flush()
    return member


def whole(member_id: int) -> dict[str, Any]:
    """All that makes a member, to compare before and after."""
    member = session.get_one(Member, member_id, populate_existing=True)
    facts = {
        name: getattr(member, name) for name in ("state", "nickname", "birthday_on", "phone_key", "growth", "level_rank", "level_until_on")
    }
    facts["phone"] = sealed.unseal(member.phone_sealed) if member.phone_sealed else None
    for table in (MemberIdentity, Vehicle, GrowthEntry):
        facts[table.__tablename__] = sorted(session.scalars(select(table.id).where(table.member_id == member_id)))
    facts["default"] = members.default_plate(member_id)
    facts["consents"] = [(row.document, row.version) for row in consents.of(member_id, None, 100).items]
    return facts


def furnish(pair: Pair) -> tuple[dict[str, Any], dict[str, Any]]:
    make_known(pair.source.id, A, openid="o-source", name="李雷")
    make_known(pair.target.id, B, openid="o-target", name="Li Lei")
    session.get_one(Member, pair.source.id).birthday_on = date(1990, 1, 1)
    for who, plates in ((pair.source, ("京A12345", "沪B99999")), (pair.target, ("京A12345",))):
        for plate in plates:
            vehicles.add(who.id, plate)
    vehicles.make_default(pair.source.id, session.scalars(select(Vehicle.id).where(Vehicle.plate == "沪B99999")).one())
    for document in ("privacy", "marketing"):
        consents.give(pair.source.id, document, "1")
    consents.give(pair.target.id, "privacy", "1")
    members.add_growth(pair.source.id, 1_200, cause="x:1")
    members.add_growth(pair.target.id, 300, cause="x:2")
    return whole(pair.source.id), whole(pair.target.id)


def test_all_that_makes_a_person_goes_along_and_comes_back(pair: Pair) -> None:
    members.seed_levels()
    before = furnish(pair)
    merge = pair.merge()
    survivor = whole(pair.target.id)
    assert (survivor["phone"], survivor["nickname"], survivor["growth"], survivor["level_rank"]) == (B, "Li Lei", 1_500, 1)
    assert survivor["birthday_on"] == date(1990, 1, 1)
    assert len(survivor["member_identities"]) == 4
    assert {document for document, _ in survivor["consents"]} == {"privacy", "marketing"}
    assert whole(pair.source.id)["phone"] is None
    pair.undo(merge)
    assert (whole(pair.source.id), whole(pair.target.id)) == before


def test_the_survivor_may_take_the_others_phone(pair: Pair) -> None:
    before = furnish(pair)
    merge = pair.merge(phone_of_source=True)
    assert whole(pair.target.id)["phone"] == A
    pair.undo(merge)
    assert (whole(pair.source.id), whole(pair.target.id)) == before


def test_a_phone_that_belongs_to_somebody_else_by_now_does_not_come_back(pair: Pair) -> None:
    furnish(pair)
    merge = pair.merge()
    third = make_known(make_member().id)
    identities.assign_phone(third, A)
    assert merges.preview_undo(merge.id).lost == ["phone"]
    undone = pair.undo(merge)
    assert undone.undone is not None and undone.undone["lost"] == ["phone"]
    assert whole(pair.source.id)["phone"] is None and whole(third.id)["phone"] == A


def test_a_vehicle_removed_since_stays_removed(pair: Pair) -> None:
    furnish(pair)
    merge = pair.merge()
    vehicles.remove(pair.target.id, session.scalars(select(Vehicle.id).where(Vehicle.plate == "沪B99999")).one())
    assert merges.preview_undo(merge.id).lost == ["vehicle"]
    pair.undo(merge)
    assert whole(pair.source.id)["default"] is None


def test_marketing_that_the_survivor_took_back_later_does_not_come_back_by_a_merge(pair: Pair) -> None:
    consents.give(pair.source.id, "marketing", "1")
    consents.give(pair.target.id, "marketing", "1")
    travel(clock.now() + days(1))
    consents.withdraw(pair.target.id, "marketing")
    pair.merge()
    assert not members.consent_stands(pair.target.id, "marketing")


def test_sign_ins_end_and_either_identity_leads_to_the_survivor(pair: Pair) -> None:
    make_known(pair.source.id, A, openid="o-source")
    sessions.begin(pair.source.id, "wechat")
    merge = pair.merge()
    assert session.scalars(select(MemberSession.ended_at)).one() is not None
    owner = select(MemberIdentity.member_id).where(MemberIdentity.subject.in_(["o-source", phones.key(A)]))
    assert set(session.scalars(owner)) == {pair.target.id}
    assert members.surviving(pair.source.id) == members.hold(pair.source.id) == pair.target.id
    pair.undo(merge)
    assert members.hold(pair.source.id) == pair.source.id


def test_growth_that_comes_late_finds_whose_purchase_it_is(pair: Pair) -> None:
    from api.points.service.growth import credit

    award = pair.source.buys(100)
    merge = pair.merge()
    credit(pair.source.id, 100, f"points_award:{award.id}")
    assert (whole(pair.target.id)["growth"], whole(pair.source.id)["growth"]) == (100, 0)
    pair.undo(merge)
    assert (whole(pair.target.id)["growth"], whole(pair.source.id)["growth"]) == (0, 100)
    refund_of = pair.source.buys(50)
    credit(pair.target.id, 50, f"points_award:{refund_of.id}")
    assert whole(pair.source.id)["growth"] == 150


def test_a_level_reached_by_both_together_is_lost_when_they_part(pair: Pair) -> None:
    members.seed_levels()
    members.add_growth(pair.source.id, 600, cause="x:1")
    members.add_growth(pair.target.id, 600, cause="x:2")
    merge = pair.merge()
    assert whole(pair.target.id)["level_rank"] == 1
    pair.undo(merge)
    assert [whole(one.id)["level_rank"] for one in (pair.source, pair.target)] == [0, 0]
    assert session.scalars(select(LevelChange.to_rank).order_by(LevelChange.id)).all() == [1, 0]


def test_names_are_found_for_whom_they_are(pair: Pair) -> None:
    make_known(pair.source.id, name="张三丰")
    merge = pair.merge()
    assert [member.id for member in name_index.search("张三丰", None, 20).items] == [pair.target.id]
    pair.undo(merge)
    assert [member.id for member in search.search(by=ONE, q="张三丰").items] == [pair.source.id]


def test_receipts_go_along_and_one_that_scored_since_stays(pair: Pair) -> None:
    for number in range(2):
        session.add(Receipt(state="received", member_id=pair.source.id, sent_at=clock.now(), why="waiting", details={"n": number}))
    session.flush()
    merge = pair.merge()
    first, second = session.scalars(select(Receipt).order_by(Receipt.id).execution_options(populate_existing=True)).all()
    assert {first.member_id, second.member_id} == {pair.target.id}
    second.sale_id = pair.target.buys(10).sale_id
    session.flush()
    pair.undo(merge)
    session.expire_all()
    assert (first.member_id, second.member_id) == (pair.source.id, pair.target.id)


def test_it_takes_two_people_each_time(pair: Pair) -> None:
    asked = merges.propose(pair.source.id, pair.target.id, phone_of_source=False, why="the same person", by=ONE)
    with pytest.raises(AnotherPersonNeeded):
        merges.approve(asked.id, by=ONE)
    with pytest.raises(MergeOpen):
        merges.propose(pair.target.id, pair.source.id, phone_of_source=False, why="the other way", by=OTHER)
    merge = merges.approve(asked.id, by=OTHER)
    merges.propose_undo(merge.id, why="two persons", by=OTHER)
    with pytest.raises(AnotherPersonNeeded):
        merges.approve_undo(merge.id, by=OTHER)
    merges.reject_undo(merge.id, why="one person after all", by=ONE, decides=True)
    assert [step["state"] for step in merges.history(merge.id)] == ["done", "undoing", "done"]


def test_a_merge_is_undone_once(pair: Pair) -> None:
    from api.kit.states import WrongState

    merge = pair.merge()
    pair.undo(merge)
    with pytest.raises(WrongState):
        merges.propose_undo(merge.id, why="once more", by=ONE)
    with pytest.raises(WrongState):
        merges.preview_undo(merge.id)


def test_closed_and_merged_members_are_refused(pair: Pair) -> None:
    closed = make_member().id
    profile.close(closed)
    for source, target, refusal in (
        (closed, pair.target.id, MemberNotActive),
        (pair.source.id, closed, MemberNotActive),
        (pair.source.id, pair.source.id, MergeWithSelf),
    ):
        with pytest.raises(refusal):
            merges.propose(source, target, phone_of_source=False, why="not possible", by=ONE)


def test_of_two_merges_in_a_row_the_last_is_undone_first(pair: Pair) -> None:
    first = pair.merge()
    onward = Pair(pair.target, type(pair.target)(make_member().id, pair.target.shop_id))
    second = onward.merge()
    with pytest.raises(MergedOnward):
        merges.preview_undo(first.id)
    onward.undo(second)
    pair.undo(first)
    assert members.of_any_state(pair.source.id).state == "active"


def test_nothing_of_the_other_is_left_when_the_survivor_closes_the_account(pair: Pair) -> None:
    furnish(pair)
    merge = pair.merge()
    profile.close(pair.target.id)
    session.expire_all()
    assert merges.read(merge.id).kept is None
    with pytest.raises(MergedOnward):
        merges.preview_undo(merge.id)


def test_every_row_that_moved_is_remembered(pair: Pair) -> None:
    furnish(pair)
    pair.source.buys(100)
    merge = pair.merge()
    kinds = set(session.scalars(select(MergeRow.kind).where(MergeRow.merge_id == merge.id)))
    assert kinds == {"batch", "award", "sale", "sighting", "identity", "vehicle", "consent", "growth_entry"}
    assert merge.moved is not None and merge.moved["identity"] == 2


def test_every_table_of_members_is_handed_over_or_stays_for_a_reason() -> None:
    from api.kit.db import Model

    #: Told apart by the member's number for ever, or of no use to the survivor.
    stay = {
        "member_moves", "member_sessions", "member_name_keys", "level_changes", "spent_proofs", "points_cap_uses", "points_alerts",
        "message_wants", "push_grants", "points_rehearsal_members", "card_draws", "pay_codes", "wallet_pins",
    }  # fmt: skip
    go = {
        "member_identities", "member_consents", "vehicles", "growth_entries", "family_members", "messages", "points_awards",
        "points_take_backs", "points_batches", "points_spends", "points_adjustments", "sales", "sale_sightings", "receipts",
        "receipt_reviews", "reviewer_members", "cards", "recharges", "recharge_package_uses", "orders",
    }  # fmt: skip
    tables = {table.name for table in Model.metadata.tables.values() if "member_id" in table.columns}
    assert tables - stay == go
    assert points.holds
