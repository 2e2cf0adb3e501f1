from api.kit import db, jobs
from api.kit.db import session
from api.staff.jobs import forget_old_sign_ins
from tests.conftest import bearer, text
from tests.factories import make_mall, make_staff


def _put(mall: int, state: str = "todo", minutes_ago: int = 0) -> int:
    with db.unit_of_work(mall):
        job_id = jobs.defer(forget_old_sign_ins.task, mall_id=mall)
        for step in {"todo": [], "doing": ["doing"], "failed": ["doing", "failed"], "succeeded": ["doing", "succeeded"]}[state]:
            session.execute(text(f"UPDATE procrastinate_jobs SET status = '{step}' WHERE id = :id"), {"id": job_id})
        session.execute(
            text("UPDATE procrastinate_events SET at = at - make_interval(mins => :m) WHERE job_id = :id"), {"m": minutes_ago, "id": job_id}
        )
    return job_id


def test_the_office_sees_what_runs_what_failed_and_what_is_stuck(client, mall, hire) -> None:
    _, header = hire()
    waiting, failed, stuck = _put(mall), _put(mall, "failed"), _put(mall, "doing", minutes_ago=30)
    _put(mall, "succeeded")
    listed = client.get("/v1/office/jobs", headers=header).json["items"]
    assert [(row["id"], row["stuck"]) for row in listed][1:] == [(stuck, True), (failed, False), (waiting, False)]
    assert [row["id"] for row in client.get("/v1/office/jobs?state=stuck", headers=header).json["items"]] == [stuck]
    assert [row["id"] for row in client.get("/v1/office/jobs?state=failed", headers=header).json["items"]] == [failed]
    lines = {line["name"]: line for line in client.get("/v1/office/job-summary", headers=header).json["jobs"]}
    line = lines[forget_old_sign_ins.name]
    assert (line["waiting"], line["running"], line["failed"], line["stuck"], line["last_state"]) == (1, 1, 1, 1, "succeeded")
    assert line["cron"] and line["last_at"]


def test_a_failed_job_is_tried_again_once_with_a_reason(client, mall, hire) -> None:
    _, header = hire()
    job_id = _put(mall, "failed")
    assert client.post(f"/v1/office/jobs/{job_id}/retry", json={}, headers=header).status_code == 422
    again = client.post(f"/v1/office/jobs/{job_id}/retry", json={"why": "the disk was full"}, headers=header)
    assert (again.json["state"], again.json["attempts"]) == ("todo", 0)
    twice = client.post(f"/v1/office/jobs/{job_id}/retry", json={"why": "the disk was full"}, headers=header)
    assert twice.json["type"].endswith("job-not-failed")
    assert client.get("/v1/office/audit?subject_type=job", headers=header).json["items"][0]["why"] == "the disk was full"


def test_a_scheduled_job_is_run_at_once_with_a_reason(client, mall, hire) -> None:
    _, header = hire()
    asked = {"name": forget_old_sign_ins.name, "why": "before the audit"}
    put_in = client.post("/v1/office/jobs", json=asked, headers=header | {"Idempotency-Key": "run-key-1"})
    assert (put_in.status_code, put_in.json["name"], put_in.json["state"]) == (201, forget_old_sign_ins.name, "todo")
    assert client.get("/v1/office/audit?subject_type=job", headers=header).json["items"][0]["did"] == "ran the job"
    for name in ("receipts.read", "nothing"):
        refused = client.post("/v1/office/jobs", json=asked | {"name": name}, headers=header | {"Idempotency-Key": f"run-{name}"})
        assert refused.json["type"].endswith("job-not-found")


def test_another_malls_jobs_are_not_there(client, mall) -> None:
    job_id = _put(mall, "failed")
    with db.unit_of_work():
        other = make_mall().id
    with db.unit_of_work(other):
        stranger = bearer("staff", make_staff().id, other)
    assert client.get("/v1/office/jobs", headers=stranger).json["items"] == []
    assert client.post(f"/v1/office/jobs/{job_id}/retry", json={"why": "try"}, headers=stranger).status_code == 404
