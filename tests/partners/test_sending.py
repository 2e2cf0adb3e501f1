"""The seam: public addresses only in production, a certificate that is the name's, signatures as the document says, nothing in the log."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from api import safety
from api.partners import sending
from tests import tls
from tests.conftest import owner_rows
from tests.partners.conftest import Office, Receiver, serve

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "callbacks.md").read_text()


@pytest.fixture
def production(settings: Any, office: Office) -> Iterator[None]:
    sending.configure(replace(settings, production=True))
    yield
    sending.configure(settings)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
        "::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1",
        "192.0.0.1", "192.0.0.9", "192.0.0.170", "192.88.99.1", "198.18.0.1", "168.63.129.16",
        "fec0::1", "feff::1", "::", "::8.8.8.8", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b:1::808:808", "64:ff9b::c000:1",
        "2002:808:808::1",
        "2001:0:808:808::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "5f00::1", "100::1",
        "2400:3200::5efe:808:808",
    ],
)  # fmt: skip
def test_an_address_inside_or_translated_is_not_public(address: str) -> None:
    assert not safety.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "223.5.5.5", "192.0.1.1", "2400:3200::1", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert safety.is_public(address)


@pytest.mark.parametrize(
    "url",
    ["http://partner.example.com/", "https://localhost/", "https://127.0.0.1/", "https://[::1]:8443/x", "https://169.254.169.254/latest"],
)
def test_production_adds_no_partner_inside_the_house(office: Office, production: None, url: str) -> None:
    answer = office.ask("post", "/partners", {"name": "内网", "url": url, "events": ["sale.recorded"]})
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/partner-address-refused")


@pytest.mark.parametrize("url", ["ftp://a.example.com/", "https://user:pass@a.example.com/", "https://a.example.com/#x", "https://a b/"])
def test_an_address_that_is_none_is_refused(office: Office, url: str) -> None:
    answer = office.ask("post", "/partners", {"name": "CRM", "url": url, "events": ["sale.recorded"]})
    assert answer.status_code == 422 and "url" in answer.json["errors"]


def test_production_judges_what_a_name_stands_for_at_each_sending(
    office: Office, settings: Any, secure: Receiver, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    office.partner(secure.url)
    sending.configure(replace(settings, production=True))
    try:
        office.sell()
        office.due()
    finally:
        sending.configure(settings)
    (shown,) = office.log()
    assert (shown["state"], shown["trouble"]) == ("waiting", "address-refused")
    assert secure.letters == []


def test_an_address_inside_is_not_reached_by_a_name_that_changes_once_it_was_checked(
    production: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, spoken_to = ["8.8.8.8", "127.0.0.1"], []

    def resolve(_host: str, port: int, **_: Any) -> list[Any]:
        return [(0, 0, 0, "", (answers.pop(0), port))]

    def connect(address: tuple[str, int], _timeout: float) -> None:
        spoken_to.append(address)
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    monkeypatch.setattr("socket.create_connection", connect)
    result = sending.post(sending.OutgoingRequest(1, 1, 1, "evt_1", "https://partner.example.com/", "{}", ()))
    assert (result.trouble, spoken_to) == ("unreachable", [("8.8.8.8", 443)])
    assert answers == ["127.0.0.1"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost, with its key beside it."""
    return tls.certificate(tmp_path_factory.mktemp("tls"), x509.DNSName("localhost"))


@pytest.fixture
def secure(certificate: Path) -> Iterator[Receiver]:
    """A receiver behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    yield from serve(lambda socket: context.wrap_socket(socket, server_side=True))


def test_a_certificate_that_nobody_vouches_for_is_refused(office: Office, secure: Receiver) -> None:
    office.partner(secure.url)
    office.sell()
    office.due()
    assert office.log()[0]["trouble"] == "certificate" and secure.letters == []


def test_a_certificate_must_be_the_names_own(office: Office, secure: Receiver, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    office.partner(secure.url)
    office.partner(secure.url.replace("localhost", "127.0.0.1"))
    office.sell()
    office.due()
    assert sorted(one["state"] for one in office.log()) == ["delivered", "waiting"]
    assert [one["trouble"] for one in office.log("?state=waiting")] == ["certificate"]
    assert len(secure.letters) == 1


def test_the_next_address_is_tried_where_the_first_does_not_answer(receiver: Receiver) -> None:
    wire = sending._Wire(urlsplit(receiver.url), [("127.0.0.1", 9), ("127.0.0.1", receiver.port)])
    wire.request("POST", "/hooks", body=b"{}")
    assert wire.getresponse().status == 204
    wire.close()
    with pytest.raises(OSError):
        sending._Wire(urlsplit(receiver.url), [("127.0.0.1", 9)]).connect()


def test_an_independent_reader_of_the_document_believes_us(office: Office, receiver: Receiver) -> None:
    _, secret = office.partner(receiver.url)
    office.sell()
    office.due()
    (letter,) = receiver.letters
    signed = b".".join([letter.headers["webhook-id"].encode(), letter.headers["webhook-timestamp"].encode(), letter.body])
    key = base64.b64decode(secret[len("whsec_") :])
    assert len(key) == 32
    assert letter.headers["webhook-signature"] == "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _documented() -> Any:
    """The function that the document gives to partners."""
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", DOCUMENT, re.S) if "def genuine" in block]
    told: dict[str, Any] = {}
    exec(code, told)
    return told["genuine"]


def test_the_documents_own_check_holds_with_either_secret_and_refuses_a_changed_body(office: Office, receiver: Receiver) -> None:
    genuine = _documented()
    partner, old = office.partner(receiver.url)
    fresh = office.ask("post", f"/partners/{partner}/secrets", {"rotation": 0}).json["secret"]
    office.sell()
    office.due()
    (letter,) = receiver.letters
    assert old != fresh and genuine(old, letter.headers, letter.body) and genuine(fresh, letter.headers, letter.body)
    assert not genuine(fresh, letter.headers, letter.body.replace(b"paid_fen", b"paid_fem"))
    assert not genuine(sending.new_secret(), letter.headers, letter.body)
    assert not genuine(fresh, letter.headers | {"webhook-timestamp": "1000"}, letter.body)


def test_the_documents_curl_signs_what_the_documents_check_believes(receiver: Receiver) -> None:
    (script,) = [block for block in re.findall(r"```sh\n(.*?)```", DOCUMENT, re.S) if "whsec_" in block]
    ran = subprocess.run(["bash", "-euc", script], env={"RECEIVER": receiver.url, "PATH": "/usr/bin:/bin"}, capture_output=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    (letter,) = receiver.letters
    secret = re.search(r"SECRET=(\S+)", script)
    assert secret and _documented()(secret[1], letter.headers, letter.body)


def test_no_secret_is_stored_in_the_open_or_said_in_a_log(
    office: Office, receiver: Receiver, settings: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    partner, first = office.partner(receiver.url)
    second = office.ask("post", f"/partners/{partner}/secrets", {"rotation": 0}).json["secret"]
    receiver.answers = [500]
    office.sell()
    office.due()
    tables = ("partner_endpoints", "partner_events", "partner_attempts", "audit_entries", "once_keys", "procrastinate_jobs")
    stored = "".join(str(owner_rows(settings, f"SELECT to_jsonb(t)::text FROM {table} t")) for table in tables)
    seen = stored + "".join(capfd.readouterr()) + str(office.shown(partner)) + str(office.ask("get", "/partners").json)
    for secret in (first, second):
        assert secret.removeprefix("whsec_") not in seen
        assert base64.b64decode(secret.removeprefix("whsec_")).hex() not in seen
    assert repr(sending.OutgoingRequest(1, 1, 1, "evt_1", "https://a.example.com", "{}", (first,))).count("whsec_") == 0
