"""Real receivers of RTMP on this machine: libav's own server in a process, and nginx with its rtmp module."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from contextlib import closing
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
