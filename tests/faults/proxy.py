"""A real nginx with deploy/nginx.conf put in place as an operator does: ports, certificate and folder of its own."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
from cryptography import x509

from api.settings import ROOT
from deploy import embedded, nginx
from tests import processes, tls


@dataclass
class Proxy:
    """A running nginx: where it is, and the certificate that a client must trust."""

    url: str
    plain: str
    certificate: str

    def session(self) -> requests.Session:
        """A client that trusts its certificate, whatever the machine's own settings say."""
        made = requests.Session()
        made.trust_env, made.verify = False, self.certificate
        return made


@contextlib.contextmanager
def proxy(folder: Path, web_pages: Path, web: tuple[int, int], live: int) -> Iterator[Proxy]:
    """nginx in front of two web processes and the live stream (their ports), with the built pages."""
    program = nginx.ensure()
    folder.mkdir()
    plain, secure = embedded.free_port(), embedded.free_port()
    certificate = tls.certificate(folder, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    told = _changed(
        (ROOT / "deploy/nginx.conf").read_text(),
        {
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{secure} ssl http2;",
            "/etc/ssl/mall.example.com/fullchain.pem": str(certificate),
            "/etc/ssl/mall.example.com/key.pem": str(certificate.with_name("key.pem")),
            "/srv/mallbridge/var/web_pages": str(web_pages),
            "127.0.0.1:8000": f"127.0.0.1:{web[0]}",
            "127.0.0.1:8100": f"127.0.0.1:{web[1]}",
            "127.0.0.1:8001": f"127.0.0.1:{live}",
            "/etc/nginx/mallbridge_pass.conf": str(ROOT / "deploy/nginx_pass.conf"),
        },
    )
    (folder / "mallbridge.conf").write_text(told)
    kept = "".join(f"  {what}_temp_path {folder}/{what};\n" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"{'user root;' if os.geteuid() == 0 else ''}\n"
        f"daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log warn;\n"
        "events { worker_connections 512; }\n"
        f"http {{\n  include {nginx.kinds(program)};\n  access_log off;\n{kept}  include {folder}/mallbridge.conf;\n}}\n"
    )
    command = [str(program), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    running = subprocess.Popen(command, cwd=folder)
    try:
        processes.until(lambda: embedded.port_taken(secure), 10)
        yield Proxy(f"https://127.0.0.1:{secure}", f"http://127.0.0.1:{plain}", str(certificate))
    finally:
        running.terminate()
        running.wait(10)


def _changed(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, f"deploy/nginx.conf no longer says {old}"
        text = text.replace(old, new)
    return text
