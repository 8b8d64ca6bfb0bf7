"""HTTPS on the gateway's port: the official SDK streams over it, commands trust what they are told to, a reload renews it."""

from __future__ import annotations

import signal
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme
from openai import OpenAI
from tests.support.process import Running, tidegate, tidegate_up

HELLO = [{"role": "user", "content": "Say hello."}]


class Certificates:
    """A CA of the test's own, and the files that the gateway reads."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.cert, self.key, self.trusted = folder / "cert.pem", folder / "key.pem", folder / "ca.pem"
        self.authority.cert_pem.write_to_path(self.trusted)
        self.issue()

    def issue(self) -> None:
        leaf = self.authority.issue_cert("127.0.0.1", "localhost")
        self.cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(self.key)
        self.key.chmod(0o600)

    @property
    def config(self) -> str:
        return (
            f"[server]\ntls_cert = '{self.cert}'\ntls_key = '{self.key}'\n[probe]\nenabled = false\n"
            "[backends.home]\nkind = 'fake'\n"
        )

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.trusted)

    def shown(self, port: int) -> bytes | None:
        """The certificate that a new connection is shown."""
        with (
            socket.create_connection(("127.0.0.1", port), timeout=60) as plain,
            self.context().wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            return secure.getpeercert(binary_form=True)


@contextmanager
def official(running: Running, certificates: Certificates) -> Generator[OpenAI]:
    with (
        httpx.Client(verify=certificates.context()) as secure,
        OpenAI(base_url=running.url, api_key="unused", max_retries=0, timeout=60, http_client=secure) as client,
    ):
        yield client


def test_the_official_sdk_streams_and_commands_ask_over_https(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    with tidegate_up(tmp_path, certificates.config, "--no-embedded") as running:
        assert running.url == f"https://127.0.0.1:{running.port}"
        with official(running, certificates) as client:
            whole = client.chat.completions.create(model="home", messages=HELLO)
            parts = list(client.chat.completions.create(model="home", messages=HELLO, stream=True))
        assert whole.choices[0].message.content == "This is the scripted fake backend."
        assert "".join(part.choices[0].delta.content or "" for part in parts) == whole.choices[0].message.content
        for command in (("status",), ("ask", "Hello", "--model", "home")):
            trusting = tidegate(tmp_path, *command, "--url", running.url, SSL_CERT_FILE=str(certificates.trusted))
            assert (trusting.returncode, "home" in trusting.stdout) == (0, True), trusting.stderr
            doubting = tidegate(tmp_path, *command, "--url", running.url)
            assert doubting.returncode == 2
            assert "SSL_CERT_FILE" in doubting.stderr
        assert running.stop() == 0


def test_a_client_without_tls_is_sent_away_and_nothing_else_happens(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    with tidegate_up(tmp_path, certificates.config, "--no-embedded") as running:
        with socket.create_connection(("127.0.0.1", running.port), timeout=60) as plain:
            plain.sendall(b"GET /-/health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert not plain.recv(1000).startswith(b"HTTP/1.1 2")
        with official(running, certificates) as client:
            assert client.chat.completions.create(model="home", messages=HELLO).choices
        assert running.stop() == 0
        assert "Traceback" not in running.output


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has other signals")
def test_a_reload_takes_the_renewed_certificate_and_refuses_a_broken_one(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    with (
        tidegate_up(tmp_path, certificates.config, "--no-embedded") as running,
        official(running, certificates) as client,
    ):
        first = certificates.shown(running.port)
        client.chat.completions.create(model="home", messages=HELLO)
        certificates.key.write_text("no key")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("not reloaded, the configuration before stays in force: [server] tls_cert")
        assert certificates.shown(running.port) == first
        certificates.issue()
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("configuration 2 is in force")
        renewed = certificates.shown(running.port)
        assert renewed is not None
        assert renewed != first
        # The connection from before goes on.
        assert client.chat.completions.create(model="home", messages=HELLO).choices
        assert running.stop() == 0


def test_the_first_prompt_finds_its_own_gateway_under_any_certificate(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    config = certificates.config.partition("[backends.home]")[0]
    with tidegate_up(tmp_path, config) as running:
        running.wait_for("Serving; Ctrl-C stops. Try:")
        assert "first prompt failed" not in running.output
        assert running.stop() == 0
