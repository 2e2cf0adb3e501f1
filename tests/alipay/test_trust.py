"""Certificate mode, key mode, and the days on which one becomes the other or a key becomes the next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alipay.client import AlipayClient
from alipay.errors import Refused, Untrusted
from alipay.notices import read_trade
from alipay.signing import private_key
from alipay.simulator.authority import Authority
from alipay.trust import AppCertificates, Trust, certificate_of, root_number
from tests.alipay.conftest import Mailbox, Simulator
from tests.alipay.test_trades import created, number, paid, wait_for


def certified(simulator: Simulator, *files: str) -> Trust:
    pems = [getattr(simulator.files, name).read_text() for name in files or ("alipay_cert",)]
    return Trust.certificates(*pems, root=simulator.files.alipay_root_cert.read_text())


def named(simulator: Simulator) -> AppCertificates:
    return AppCertificates.of(simulator.files.app_cert.read_text(), simulator.files.alipay_root_cert.read_text())


def certificate_client(simulator: Simulator, **changed: Any) -> AlipayClient:
    return simulator.client(**{"trust": certified(simulator), "certificates": named(simulator), **changed})


@pytest.fixture
def mode(simulator: Simulator) -> Iterator[Any]:
    app_id = simulator.settings.app_id
    yield lambda name: simulator.sim("applications", app_id=app_id, mode=name)
    simulator.sim("applications", app_id=app_id, mode="both")


def works(simulator: Simulator, client: AlipayClient) -> bool:
    return client.query(paid(simulator, client)).is_paid


def test_certificate_mode_names_and_believes_certificates(simulator: Simulator) -> None:
    assert works(simulator, certificate_client(simulator))


def test_both_modes_work_during_a_change_over(simulator: Simulator, mode: Any) -> None:
    either = simulator.trust | certified(simulator)
    old, new = simulator.client(trust=either), certificate_client(simulator, trust=either)
    assert works(simulator, old) and works(simulator, new)
    mode("certificate")
    assert works(simulator, new)
    with pytest.raises(Refused, match="signature-mode"):
        old.query(number())
    mode("key")
    assert works(simulator, old)
    with pytest.raises(Refused, match="signature-mode"):
        new.query(number())


def test_two_keys_are_believed_during_a_rotation(simulator: Simulator) -> None:
    following = simulator.files.next_alipay_public_key.read_text()
    both = simulator.client(trust=simulator.trust | Trust.public_keys(following))
    simulator.sim("sign-mode", mode="mixed")
    assert all(works(simulator, both) for _ in range(3))
    simulator.sim("sign-mode", mode="next")
    assert works(simulator, both) and works(simulator, simulator.client(trust=Trust.public_keys(following)))
    with pytest.raises(Untrusted):
        simulator.client().query(number())


def test_two_certificates_are_believed_during_a_rotation(simulator: Simulator) -> None:
    both = certificate_client(simulator, trust=certified(simulator, "alipay_cert", "next_alipay_cert"))
    simulator.sim("sign-mode", mode="mixed")
    assert all(works(simulator, both) for _ in range(3))
    simulator.sim("sign-mode", mode="next")
    with pytest.raises(Untrusted, match="do not hold"):
        certificate_client(simulator).query(number())


def test_notices_are_proved_with_any_key_that_is_valid(simulator: Simulator, client: AlipayClient, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    simulator.sim("sign-mode", mode="mixed")
    for mail in range(1, 3):
        created_no = created(simulator, simulator.client(trust=certified(simulator, "alipay_cert", "next_alipay_cert")), notify_url=url)
        simulator.sim("pay", out_trade_no=created_no)
        wait_for(lambda mail=mail: len(box.forms) == mail)
        simulator.sim("sign-mode", mode="next")
    keys = Trust.public_keys(simulator.files.alipay_public_key.read_text(), simulator.files.next_alipay_public_key.read_text())
    for form in box.forms:
        for trust in (keys, certified(simulator, "alipay_cert", "next_alipay_cert")):
            assert read_trade(form, trust=trust).is_payment
    with pytest.raises(Untrusted):
        read_trade(box.forms[1], trust=simulator.trust)


def test_another_certificate_or_root_of_ours_is_refused(simulator: Simulator) -> None:
    genuine = named(simulator)
    for wrong in (
        AppCertificates("0" * 32, genuine.alipay_root_cert_sn),
        AppCertificates(genuine.app_cert_sn, "0" * 32),
    ):
        with pytest.raises(Refused, match="cert-sn"):
            certificate_client(simulator, certificates=wrong).query(number())


def test_a_certificate_of_another_authority_is_not_believed(simulator: Simulator) -> None:
    forged = Authority.new().certify(private_key(simulator.files.alipay_key.read_text()), "支付宝")
    with pytest.raises(ValueError, match="root"):
        Trust.certificates(forged, root=simulator.files.alipay_root_cert.read_text())


def test_a_certificate_without_the_one_above_it_is_not_believed(simulator: Simulator) -> None:
    leaf = simulator.files.alipay_cert.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    with pytest.raises(ValueError, match="root"):
        Trust.certificates(leaf, root=simulator.files.alipay_root_cert.read_text())


def test_a_root_bundle_counts_its_rsa_certificates_only(simulator: Simulator) -> None:
    bundle = simulator.files.alipay_root_cert.read_text()
    assert bundle.count("BEGIN CERTIFICATE") == 2
    assert "_" not in root_number(bundle)
    assert root_number(bundle + "\n" + Authority.new().roots).count("_") == 1
    with pytest.raises(ValueError, match="RSA"):
        root_number(bundle[: bundle.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n")


def test_the_first_expiry_is_known_and_keys_have_none(simulator: Simulator) -> None:
    trust = certified(simulator, "alipay_cert", "next_alipay_cert")
    years = timedelta(days=5 * 365)
    assert trust.expires_at is not None and abs(trust.expires_at - datetime.now(UTC) - years) < timedelta(hours=1)
    assert (simulator.trust | trust).expires_at == trust.expires_at
    assert simulator.trust.expires_at is None


@pytest.mark.parametrize("signature", [None, "", 7, "AAAA", "not base64!"])
def test_nothing_is_no_signature(simulator: Simulator, signature: object) -> None:
    with pytest.raises(Untrusted):
        simulator.trust.check("a=1", signature)


def test_nobody_is_believed_by_default() -> None:
    with pytest.raises(Untrusted):
        Trust().check("a=1", "AAAA")


def test_an_older_folder_of_keys_is_completed_and_kept(simulator: Simulator, tmp_path: Any) -> None:
    from alipay.simulator import keys

    first = keys.ensure(tmp_path)
    before = {file.name: file.read_text() for file in (first.app_key, first.alipay_key, first.content_key)}
    for file in (first.app_cert, first.alipay_cert, first.next_alipay_key, first.next_alipay_public_key):
        file.unlink()
    again = keys.ensure(tmp_path)
    assert {name: (tmp_path / name).read_text() for name in before} == before
    certificate = certificate_of(again.alipay_cert.read_text())
    assert certificate.public_key() == private_key(before["alipay_key.pem"]).public_key()
