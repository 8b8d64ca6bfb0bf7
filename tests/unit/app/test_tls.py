"""HTTPS out of the options: what cannot serve is refused by the option's name, and a renewed certificate is taken."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tidegate.app.tls import Certificate, Tls, certificate_of, trusting
from tidegate.config import parse_config
from tidegate.core.errors import Misconfigured

CA = trustme.CA()


def issued(folder: Path, name: str = "gateway.test") -> tuple[Path, Path]:
    """Paths of a certificate and its key."""
    leaf = CA.issue_cert(name)
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    key.write_bytes(leaf.private_key_pem.bytes())
    key.chmod(0o600)
    return cert, key


def made(**server: Any) -> Certificate | None:
    return certificate_of(parse_config({"server": {name: str(value) for name, value in server.items()}}))


def shaken(server: ssl.SSLContext, client: ssl.SSLContext, name: str | None = None) -> ssl.SSLObject:
    """The client's side of a handshake in memory."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asks = client.wrap_bio(back, there, server_hostname=name)
    answers = server.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for side in (asks, answers):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert asks.cipher() is not None
    return asks


def names(connection: ssl.SSLObject) -> Any:
    return [value for _, value in (connection.getpeercert() or {})["subjectAltName"]]


def test_without_the_options_http_is_served() -> None:
    assert made() is None


def test_a_certificate_and_its_key_serve(tmp_path: Path) -> None:
    cert, key = issued(tmp_path)
    found = made(tls_cert=cert, tls_key=key)
    assert found is not None
    assert (found.path, found.warning, found.context.minimum_version) == (cert, None, ssl.TLSVersion.TLSv1_2)
    together = tmp_path / "both.pem"
    together.write_bytes(cert.read_bytes() + key.read_bytes())
    assert made(tls_cert=together) is not None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tls_key": "KEY"}, r"\[server\] tls_cert is missing"),
        ({"tls_cert": "CERT"}, r"\[server\] tls_key is missing"),
        ({"tls_cert": "/nowhere.pem", "tls_key": "KEY"}, r"\[server\] tls_cert: file /nowhere.pem does not exist"),
        ({"tls_cert": "CERT", "tls_key": "/nowhere.key"}, r"\[server\] tls_key: file /nowhere.key does not exist"),
        ({"tls_cert": "CERT", "tls_key": "/"}, r"\[server\] tls_key: file / cannot be read \(IsADirectoryError\)"),
        ({"tls_cert": "CERT", "tls_key": "OTHER"}, r"tls_key: the key in .* does not belong to the certificate"),
        ({"tls_cert": "KEY", "tls_key": "CERT"}, r"\[server\] tls_cert: .* are no PEM certificate and its key"),
        ({"tls_cert": "CERT", "tls_key": "LOCKED"}, r"\[server\] tls_key: .* has a password"),
    ],
)
def test_what_cannot_serve_names_its_option(tmp_path: Path, options: dict[str, str], says: str) -> None:
    cert, key = issued(tmp_path)
    locked = tmp_path / "locked.key"
    secret = load_pem_private_key(key.read_bytes(), None)
    locked.write_bytes(
        secret.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"word"))
    )
    paths = {"CERT": cert, "KEY": key, "OTHER": issued(tmp_path, "other.test")[1], "LOCKED": locked}
    with pytest.raises(Misconfigured, match=says) as refused:
        made(**{name: paths.get(value, value) for name, value in options.items()})
    assert "PRIVATE" not in refused.value.message


def test_a_key_that_everybody_can_read_is_warned_of(tmp_path: Path) -> None:
    cert, key = issued(tmp_path)
    key.chmod(0o644)
    found = made(tls_cert=cert, tls_key=key)
    assert found is not None
    assert found.warning is not None
    assert "chmod 600" in found.warning


def test_a_renewed_certificate_is_shown_from_the_next_handshake_on(tmp_path: Path) -> None:
    one, two = (made(tls_cert=c, tls_key=k) for c, k in (issued(tmp_path, "one.test"), issued(tmp_path, "two.test")))
    assert one is not None
    assert two is not None
    client = ssl.create_default_context()
    client.check_hostname = False
    CA.configure_trust(client)
    serving = Tls(one)
    for current, name in ((one, "one.test"), (two, "two.test")):
        serving.take(current)
        for asked in (None, "one.test"):
            assert names(shaken(serving.context, client, asked)) == [name]


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_versions_are_refused(tmp_path: Path, version: str) -> None:
    cert, key = issued(tmp_path)
    found = made(tls_cert=cert, tls_key=key)
    assert found is not None
    client = trusting(found)
    client.minimum_version = client.maximum_version = ssl.TLSVersion[version]
    client.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match=r"(?i)version|protocol"):
        shaken(Tls(found).context, client)


def test_the_first_question_trusts_this_certificate_and_no_other(tmp_path: Path) -> None:
    own, other = (made(tls_cert=c, tls_key=k) for c, k in (issued(tmp_path, "own.test"), issued(tmp_path, "two.test")))
    assert own is not None
    assert other is not None
    assert names(shaken(Tls(own).context, trusting(own), "127.0.0.1")) == ["own.test"]
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(Tls(other).context, trusting(own), "127.0.0.1")
