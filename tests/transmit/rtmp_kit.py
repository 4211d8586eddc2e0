"""Real receivers of RTMP on this machine: libav's own server in a process, and nginx with its rtmp module."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from tests.transmit.live_kit import wait_for

KEY = "live_secret_0815"
NGINX = Path("/usr/sbin/nginx")
MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")

_LISTEN = """
import json, sys
import av, av.error, av.logging
try:
    options = {"listen": "1", "analyzeduration": "500000", "probesize": "32000"}
    file = av.open(sys.argv[1], format="flv", options=options)
    for packet in file.demux():
        if packet.pts is None:
            continue
        row = [packet.stream.type, float(packet.pts * packet.time_base), packet.is_keyframe, 0]
        try:
            for frame in packet.decode():
                if packet.stream.type == "video":
                    row[3] = int(frame.to_ndarray(format="gray").mean())
        except av.error.InvalidDataError:
            row[3] = -1
        print(json.dumps(row), flush=True)
except av.error.FFmpegError:
    pass
"""


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        return int(one.getsockname()[1])


class Receiver:
    """libav's RTMP server (``listen=1``): takes one stream, tells its packets: (kind, seconds, key, mean)."""

    def __init__(self, port: int) -> None:
        url = f"rtmp://127.0.0.1:{port}/live/{KEY}"
        command = [sys.executable, "-c", _LISTEN, url]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.got: list[Any] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.got.append(json.loads(line))

    def kill(self) -> None:
        self._process.kill()

    def packets(self) -> list[Any]:
        """All it got; waits for its end."""
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._thread.join()
        self._process.wait()
        return self.got


class Nginx:
    """nginx-rtmp on a port of this machine; writes each stream it gets to a file of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        (folder / "logs").mkdir(exist_ok=True)
        self._folder, self._port = folder, port
        self._config = folder / "nginx.conf"
        self._config.write_text(
            f"load_module {MODULE};\ndaemon off; master_process off; pid {folder}/pid; error_log {folder}/log info;\n"
            "events { worker_connections 64; }\n"
            f"rtmp {{ server {{ listen 127.0.0.1:{port}; application live {{ live on; record all;"
            f" record_path {folder}; record_unique on; }} }} }}\n"
        )
        self.start()

    def start(self) -> None:
        command = [str(NGINX), "-c", str(self._config), "-p", str(self._folder), "-e", f"{self._folder}/log"]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        assert wait_for(self._listens)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def films(self) -> list[Path]:
        return sorted(self._folder.glob("*.flv"), key=lambda p: p.stat().st_mtime)

    def _listens(self) -> bool:
        with closing(socket.socket()) as one:
            return one.connect_ex(("127.0.0.1", self._port)) == 0


class TlsDoor:
    """Takes TLS connections under a certificate of its own for 127.0.0.1, and passes what they say on to a port."""

    def __init__(self, folder: Path, to: int) -> None:
        self.certificate = folder / "certificate.pem"
        _write_certificate(self.certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self._server = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
        self.port = int(self._server.getsockname()[1])
        self._to = to
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                try:
                    guest, _ = self._server.accept()
                except ssl.SSLError:
                    continue
                with suppress(OSError):
                    host = socket.create_connection(("127.0.0.1", self._to))
                    for pair in ((guest, host), (host, guest)):
                        threading.Thread(target=_relay, args=pair, daemon=True).start()
                    continue
                guest.close()


def _relay(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


def _write_certificate(file: Path) -> None:
    """A key and a certificate that it signed itself, for 127.0.0.1, good for a day."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
    )
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
