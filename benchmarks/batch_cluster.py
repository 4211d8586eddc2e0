"""``python -m benchmarks.batch_cluster``: a worker host that fails while it renders, in network namespaces (root).

Three namespaces: a head with the batch, a router, a worker host. Once the host renders, one of these happens to it:

- cut: the router stops forwarding. Packets vanish, no connection is closed, no interface goes down.
- kill: all its processes get kill -9, Ray's too.
- worker: only the process that renders gets kill -9.

The batch must end with every film done, its bytes those of a batch without a cluster, within the time limits of the
batch's own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.batch_films import command, films, run, shorts, written, yes
from benchmarks.portrait import portrait

HEAD, ROUTER, HOST = "mien-head", "mien-router", "mien-host"
HEAD_IP, HOST_IP = "10.77.1.2", "10.77.2.2"
RAY = Path(sys.executable).with_name("ray")
QUIET = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_agent_register_timeout_ms": "300000"}


def main() -> int:
    """Exit status 1 when a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch_cluster")
    parser.add_argument("--jobs", type=int, default=6)
    parser.add_argument("--patience", type=float, default=6.0)
    parser.add_argument("--how", choices=("cut", "kill", "worker", "nothing"), default="cut")
    parser.add_argument("--template", action="store_true", help="shorts of a project, each with files of its own")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mien-cluster-") as name:
        folder = Path(name)
        make = (lambda where, jobs: shorts(where, jobs, 10)) if chosen.template else _batch
        calm, far = make(folder / "calm", chosen.jobs), make(folder / "far", chosen.jobs)
        run(calm)
        with _network(), _cluster(folder):
            good = _harm_and_watch(far, chosen.patience, chosen.how)
        same = films(calm.parent) == films(far.parent)
    print(f"films equal those of a local batch: {yes(same)}")
    return int(not (good and same))


def _harm_and_watch(file: Path, patience: float, how: str) -> bool:
    words = command(file, "--ray", f"{HEAD_IP}:6379", "--json", "--patience", str(patience))
    begun = time.monotonic()
    process = subprocess.Popen(
        ["ip", "netns", "exec", HEAD, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=QUIET,
    )  # fmt: skip
    harmed_at, noticed, outcomes = 0.0, 0.0, []
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "job" and event["what"] != "note":
            outcomes.append((event["id"], event["what"]))
            print(f"{time.monotonic() - begun:6.1f} s  {event['id']}: {event['what']} {event['message']}", flush=True)
        elif event["event"] == "note":
            print(f"{time.monotonic() - begun:6.1f} s  {event['message']}", flush=True)
        going = event.get("films", [])
        if how != "nothing" and not harmed_at and len(going) == 2 and all(film["done"] for film in going):
            _harm(how)
            harmed_at = time.monotonic()
            print(f"{harmed_at - begun:6.1f} s  {how}", flush=True)
        if harmed_at and not noticed and event.get("what") in ("lost", "crashed"):
            noticed = time.monotonic() - harmed_at
    status = process.wait()
    ends = sorted(id for id, what in outcomes if what in ("rendered", "found", "copied"))
    jobs = len((file.read_text(encoding="utf-8")).splitlines())
    once = len(set(ends)) == len(ends)
    print(f"exit status {status}; {len(ends)} of {jobs} done, each once: {yes(once)}")
    if harmed_at:
        print(f"it was noticed after {noticed:.1f} s (limit {patience + 1:.0f} s)")
    unharmed = how == "nothing"
    return status == 0 and once and len(ends) == jobs and (unharmed or 0 < noticed <= patience + 3)


def _harm(how: str) -> None:
    if how == "cut":
        _forward(False)
        return
    found = subprocess.run(["ip", "netns", "pids", HOST], capture_output=True, text=True, check=True).stdout
    for pid in map(int, found.split()):
        with contextlib.suppress(OSError):
            if how == "kill" or b"mien.apps.jobs.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


def _batch(folder: Path, jobs: int) -> Path:
    folder.mkdir()
    rows = [
        {"id": f"f{n}", "portrait": str(portrait()), "text": f"This is film {n}. " + "It goes on for a while. " * 6,
         "output": f"out/f{n}.mp4", "size": "256x256", "encoder": "software"}
        for n in range(jobs)
    ]  # fmt: skip
    return written(folder, rows)


@contextlib.contextmanager
def _network() -> Iterator[None]:
    for space in (HEAD, ROUTER, HOST):
        subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)
        _ip("netns", "add", space)
        _ip("-n", space, "link", "set", "lo", "up")
    try:
        for space, number in ((HEAD, 1), (HOST, 2)):
            _ip("link", "add", f"mr{number}", "netns", ROUTER, "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("-n", space, "addr", "add", f"10.77.{number}.2/24", "dev", "eth0")
            _ip("-n", ROUTER, "addr", "add", f"10.77.{number}.1/24", "dev", f"mr{number}")
            _ip("-n", space, "link", "set", "eth0", "up")
            _ip("-n", ROUTER, "link", "set", f"mr{number}", "up")
            _ip("-n", space, "route", "add", "default", "via", f"10.77.{number}.1")
        _forward(True)
        yield
    finally:
        for space in (HEAD, ROUTER, HOST):
            _ip("netns", "del", space)


@contextlib.contextmanager
def _cluster(folder: Path) -> Iterator[None]:
    common = ["--num-cpus=1", "--object-store-memory=150000000", "--disable-usage-stats", "--block"]
    head = _in(HEAD, str(RAY), "start", "--head", f"--node-ip-address={HEAD_IP}", "--port=6379",
               "--include-dashboard=false", f"--temp-dir={folder}/ray", *common)  # fmt: skip
    _wait_for_nodes(1)
    host = _joined(common)
    try:
        yield
    finally:
        _end(host, HOST)
        _end(head, HEAD)


def _joined(common: list[str], tries: int = 4) -> subprocess.Popen[bytes]:
    """The worker host. On a busy machine Ray may give up its own start."""
    for _ in range(tries):
        host = _in(HOST, str(RAY), "start", f"--address={HEAD_IP}:6379", f"--node-ip-address={HOST_IP}", *common)
        if _wait_for_nodes(2, 60.0):
            return host
        _end(host, HOST)
    raise SystemExit("Ray did not start on the host")


def _wait_for_nodes(count: int, within: float = 120.0) -> bool:
    asks = f"import ray; ray.init('{HEAD_IP}:6379', log_to_driver=False); print(sum(n['Alive'] for n in ray.nodes()))"
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        done = subprocess.run(
            ["ip", "netns", "exec", HEAD, sys.executable, "-c", asks], capture_output=True, text=True, env=QUIET,
            check=False, timeout=within,
        )  # fmt: skip
        if done.stdout.strip().endswith(str(count)):
            return True
        time.sleep(2)
    return False


def _end(process: subprocess.Popen[bytes], space: str) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    found = subprocess.run(["ip", "netns", "pids", space], capture_output=True, text=True, check=False).stdout
    for pid in found.split():
        with contextlib.suppress(OSError):
            os.kill(int(pid), signal.SIGKILL)


def _in(space: str, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["ip", "netns", "exec", space, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=QUIET,
        start_new_session=True,
    )  # fmt: skip


def _forward(on: bool) -> None:
    setting = f"echo {int(on)} > /proc/sys/net/ipv4/ip_forward"
    subprocess.run(["ip", "netns", "exec", ROUTER, "sh", "-c", setting], check=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


if __name__ == "__main__":
    sys.exit(main())
