#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a running shuntd costs its host with three Cloud Map services of three backends, asked every second."""
import os
import pathlib
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "agent"))

from playground.agent import Agent  # noqa: E402
from playground.cloud import Cloud  # noqa: E402
from playground.ground import Ground  # noqa: E402
from playground.network import Network  # noqa: E402
from playground.process import private_mounts  # noqa: E402
from playground.services import from_cloudmap, register  # noqa: E402

SERVICES = ("backend", "orders", "users")
SECONDS = 4 if os.environ.get("BENCH_QUICK") else 10


def memory(pid):
    """{"RssAnon": kB, ...} of /proc/PID/status."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("Rss", "VmRSS"))}


def cpu_ms(pid):
    """Milliseconds on a CPU so far, from the scheduler's own nanoseconds of each thread."""
    return sum(int(stat.read_text(encoding="utf-8").split()[0])
               for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6


def main():
    private_mounts()
    with tempfile.TemporaryDirectory() as scratch:
        network, cloud = Network(), Cloud(scratch)
        ground = Ground(scratch, network)
        agent = Agent(ground, cloud, services=[
            {**row, "cloudmap": {**row["cloudmap"], "poll": "1s"}} for row in map(from_cloudmap, SERVICES)])
        try:
            for service in SERVICES:
                register(cloud, network, service)
            agent.start()
            before = cpu_ms(agent.process.pid)
            time.sleep(SECONDS)  # it is the time that is measured
            used = cpu_ms(agent.process.pid) - before
            rss = memory(agent.process.pid)
        finally:
            agent.close()
            ground.close()
            cloud.stop()
            network.close()
    print(f"\nshuntd with {len(SERVICES)} services of 3 backends, asked every second, over {SECONDS} s")
    print(f"  CPU                 {used / SECONDS:8.2f} ms a second ({used / SECONDS / 10:.3f} % of a core)")
    print(f"  memory of its own   {rss['RssAnon'] + rss['RssShmem']:8d} kB (RssAnon + RssShmem)")
    print(f"  files and maps      {rss['RssFile']:8d} kB (RssFile: libraries, and what it touched of the maps)")


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).resolve().parents[2])
    main()
