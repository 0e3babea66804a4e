#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a running shuntd costs its host, how soon news in Cloud Map is in the kernel, and whether it keeps to its budget."""
import os
import pathlib
import random
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "agent"))

from playground import wait  # noqa: E402
from playground.agent import Agent  # noqa: E402
from playground.cloud import Cloud  # noqa: E402
from playground.ground import Ground  # noqa: E402
from playground.network import Network  # noqa: E402
from playground.process import private_mounts  # noqa: E402
from playground.services import NAMESPACE, from_cloudmap, register  # noqa: E402

QUICK = bool(os.environ.get("BENCH_QUICK"))
SLICES, SLICE_S = (2 if QUICK else 6), 5
CHANGES = 10 if QUICK else 50
NEWS_POLL_S = 1
BUDGET = 20


def memory(pid):
    """{"RssAnon": kB, ...} of /proc/PID/status."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("Rss", "VmRSS"))}


def cpu_ms(pid):
    """Milliseconds on a CPU so far, from the scheduler's own nanoseconds of each thread."""
    return sum(int(stat.read_text(encoding="utf-8").split()[0])
               for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6


def cpu_percent(pid):
    before = cpu_ms(pid)
    time.sleep(SLICE_S)  # it is the time that is measured
    return (cpu_ms(pid) - before) / SLICE_S / 10


class Bench:
    """Owns a network, a Cloud Map with `services` of three backends, and an agent that watches them."""

    def __init__(self, services, poll, **config):
        self.scratch = tempfile.TemporaryDirectory()
        self.network, self.cloud = Network(), Cloud(self.scratch.name)
        self.ground = Ground(self.scratch.name, self.network)
        rows = [from_cloudmap(f"s{i}") for i in range(services)]
        for row in rows:
            row["cloudmap"]["poll"] = poll
        self.agent = Agent(self.ground, self.cloud, services=rows, **config)

    def __enter__(self):
        for i in range(len(self.agent.config["services"])):
            register(self.cloud, self.network, f"s{i}")
        self.agent.start(within=60)
        return self

    def __exit__(self, *_):
        self.agent.close()
        self.ground.close()
        self.cloud.stop()
        self.network.close()
        self.scratch.cleanup()


def measure_steady(services, poll):
    with Bench(services, poll) as bench:
        pid = bench.agent.process.pid
        time.sleep(2)  # what the start has left
        used = sorted(cpu_percent(pid) for _ in range(SLICES))
        rss = memory(pid)
    print(f"\nshuntd with {services} services of 3 backends in use, poll {poll}, {SLICES} times {SLICE_S} s")
    print(f"  CPU, of a core      {used[0]:8.3f} % at least, {used[len(used) // 2]:.3f} % in the middle")
    print(f"  memory of its own   {rss['RssAnon'] + rss['RssShmem']:8d} kB (RssAnon + RssShmem)")
    print(f"  files and maps      {rss['RssFile']:8d} kB (RssFile: libraries, and what it touched of the maps)")


def measure_news():
    """From before an instance is registered, or taken away, until the agent counts it as in the kernel."""
    delays = []
    with Bench(3, f"{NEWS_POLL_S}s") as bench:
        for i in range(CHANGES):
            time.sleep(random.random() * NEWS_POLL_S)  # changes come at any moment of a poll
            began = time.monotonic()
            if i % 2:
                bench.cloud.deregister("s0", "i-9")
            else:
                bench.cloud.register("s0", "i-9", bench.network.backends[0].address, 9000)
            wait.until("it is in the kernel",
                       lambda: bench.agent.backends(f"s0.{NAMESPACE}") == (3 if i % 2 else 4), within=30, every=0.001)
            delays.append((time.monotonic() - began) * 1000)
    delays.sort()
    print(f"\nnews in Cloud Map to the kernel, poll {NEWS_POLL_S} s, {CHANGES} changes")
    print(f"  p50 {delays[len(delays) // 2]:.0f} ms, p99 {delays[-1 - len(delays) // 100]:.0f} ms; "
          f"bar: {NEWS_POLL_S * 1000 + 50} ms")


def measure_budget():
    with Bench(60, "1s", budget={"calls_per_second": BUDGET}) as bench:
        time.sleep(SLICES * SLICE_S)  # it is the time that is measured
        stats = bench.cloud.stats()
    print(f"\na budget of {BUDGET} calls a second, 60 services that are due every second")
    print(f"  in the busiest second, as Cloud Map sees them: {stats['busiest_second']} calls; bar: {BUDGET}")


def main():
    private_mounts()
    measure_steady(3, "1s")
    measure_news()
    measure_budget()


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).resolve().parents[2])
    main()
