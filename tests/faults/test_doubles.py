"""The same paper again: from twenty clients at once, and from two members."""

from concurrent.futures import ThreadPoolExecutor

from tests import processes


def test_one_photo_from_twenty_clients_at_once_is_one_sale_and_one_award(town) -> None:
    town.start_web()
    ocr = [town.run.worker("ocr", wait=False), town.common.reader()]
    members = [town.member() for _ in range(20)]
    photo = town.paper(size=24)
    tokens = [town.token(member) for member in members]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda pair: town.send(pair[0], photo, token=pair[1]), zip(members, tokens, strict=True)))
    assert [answer.status_code for answer in answers] == [202] * 20
    ids = [answer.json()["id"] for answer in answers]

    def all_decided() -> bool:
        return not town.rows("SELECT 1 FROM receipts WHERE state IN ('received', 'reading')")

    processes.until(all_decided, 120, every=0.3)
    told = [town.look(member, receipt) for member, receipt in zip(members, ids, strict=True)]
    assert sorted(one["state"] for one in told).count("scored") == 1
    assert all(one["award"] is None and one["sentence"]["zh"] for one in told if one["state"] != "scored")
    assert town.awards() == 1
    assert town.rows("SELECT count(*) FROM sales") == [(1,)]
    assert all(process.running() for process in ocr)


def test_one_tap_sent_ten_times_is_one_receipt(town) -> None:
    town.start_web()
    member, photo, before = town.member(), town.paper(), town.photo_files()
    token = town.token(member)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: town.send(member, photo, "one-tap-0001", token=token), range(10)))
    assert [answer.status_code for answer in answers] == [202] * 10
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert town.rows("SELECT count(*) FROM receipts") == [(1,)]
    assert len(town.photo_files() - before) == 1


def test_two_members_with_two_photos_of_one_paper_get_one_award_and_the_other_is_told(town) -> None:
    town.start_web()
    town.common.reader()
    one, other = town.member(), town.member()
    first = town.sent(one, town.paper(202611223344))
    assert town.decided(one, first)["state"] == "scored"
    second = town.sent(other, town.paper(202611223344, angle=1.5, quality=60, size=30))
    told = town.decided(other, second)
    assert told["state"] != "scored"
    assert told["award"] is None
    assert told["sentence"]["zh"]
    assert town.awards() == 1
    assert town.rows("SELECT count(*) FROM sales") == [(1,)]
