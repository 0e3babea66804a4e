#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What shuntd costs by how much it watches: from its start to all in the kernel, memory, a change, and doing nothing."""
import os
import pathlib
import statistics
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "agent"))

from agent import cpu_ms, memory  # noqa: E402
from playground import wait  # noqa: E402
from playground.agent import Agent  # noqa: E402
from playground.cloud import Cloud  # noqa: E402
from playground.ground import Ground  # noqa: E402
from playground.network import Network  # noqa: E402
from playground.process import private_mounts  # noqa: E402
from playground.services import NAMESPACE  # noqa: E402

QUICK = bool(os.environ.get("BENCH_QUICK"))
BACKENDS = 10
STARTS = 2 if QUICK else 5
CHANGES = 30 if QUICK else 200
SETTLED_SECONDS = 2  # what a start takes, the first look at what runs included, is given back
POLLED = 200
POLL_SECONDS = 5
CHANGED = "Backends changed"  # what shuntd logs of each change


def of_maps(pid):
    """kB of the kernel's maps that it has mapped; they are shared with the kernel, and part of RssFile."""
    kb, is_map = 0, False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines():
        if line[0] in "0123456789abcdef":
            is_map = line.endswith("bpf-map")
        elif is_map and line.startswith("Rss:"):
            kb += int(line.split()[1])
    return kb


def spread(values, digits=2):
    """Lowest, median, distance of the quartiles."""
    quartiles = statistics.quantiles(values, n=4)
    return f"{min(values):9.{digits}f} {statistics.median(values):9.{digits}f} {quartiles[2] - quartiles[0]:9.{digits}f}"


def static(count):
    return [{"name": f"service-{i:05}.example.internal", "port": 8080, "static": {
        "endpoints": [f"10.{i >> 8}.{i & 255}.{j + 1}:3000" for j in range(BACKENDS)]}} for i in range(count)]


class Bench:
    """One shuntd on a ground of its own, with these services and one whose backends are in a file."""

    def __init__(self, network, services, cloud=None):
        self.scratch = tempfile.TemporaryDirectory()
        self.ground = Ground(self.scratch.name, network)
        self.file = pathlib.Path(self.scratch.name) / "backends"
        self.replace(0)
        self.agent = Agent(self.ground, cloud, services=[
            *services, {"name": "changing", "port": 8080, "static": {"file": str(self.file)}}])

    def replace(self, number):
        """One of its backends by another."""
        others = [f"10.255.255.{j}:3000" for j in range(1, BACKENDS)]
        new = self.file.with_suffix(".new")
        new.write_text("\n".join([*others, f"10.254.{number >> 8}.{number & 255}:3000", ""]), encoding="utf-8")
        new.rename(self.file)

    def start(self):
        """Seconds until READY=1, and milliseconds of CPU."""
        begun = time.monotonic()
        self.agent.start(within=120)
        return time.monotonic() - begun, cpu_ms(self.pid)

    def idle_ms(self, seconds):
        """Milliseconds of CPU that a second takes."""
        before, begun = cpu_ms(self.pid), time.monotonic()
        time.sleep(seconds)
        return (cpu_ms(self.pid) - before) / (time.monotonic() - begun)

    def changes(self):
        return self.agent.logged().count(CHANGED)

    @property
    def pid(self):
        return self.agent.process.pid

    def close(self):
        self.agent.close()
        self.ground.close()
        self.scratch.cleanup()


def report_starts(network, count):
    walls, cpus, own, maps = [], [], [], []
    for _ in range(STARTS):
        bench = Bench(network, static(count - 1))
        try:
            wall, cpu = bench.start()
            time.sleep(SETTLED_SECONDS)
            rss = memory(bench.pid)
            walls.append(wall * 1e3)
            cpus.append(cpu)
            own.append((rss["RssAnon"] + rss["RssShmem"]) / 1024)
            maps.append(of_maps(bench.pid) / 1024)
        finally:
            bench.close()
    print(f"  {count:6,} x {BACKENDS}: ms until all is in the kernel    {spread(walls, 0)}")
    print(f"               ms of CPU for it               {spread(cpus, 0)}")
    print(f"               MiB (RssAnon + RssShmem)       {spread(own)}    bar {8 if count < 100 else 64}")
    print(f"               MiB of maps, in RssFile        {spread(maps)}")


def report_changes(network, counts):
    """They take turns, so that what else the machine does hits them alike."""
    benches = {count: Bench(network, static(count - 1)) for count in counts}
    taken = {count: [] for count in counts}
    try:
        for bench in benches.values():
            bench.start()
        for number in range(1, CHANGES + 1):
            for count, bench in benches.items():
                known, before = bench.changes(), cpu_ms(bench.pid)
                bench.replace(number)
                wait.until("the change is known", lambda b=bench, n=known: b.changes() > n, 10)
                taken[count].append((cpu_ms(bench.pid) - before) * 1e3)
        for count in counts:
            ratio = statistics.median(taken[count]) / statistics.median(taken[counts[0]])
            print(f"  {count:6,} services                                {spread(taken[count], 0)} {ratio:9.2f}")
    finally:
        for bench in benches.values():
            bench.close()


def report_polling(network):
    with tempfile.TemporaryDirectory() as scratch:
        cloud = Cloud(scratch)
        rows = [{"name": f"polled-{i}.{NAMESPACE}", "port": 8080, "watch": "always", "cloudmap": {
            "namespace": NAMESPACE, "service": f"polled-{i}", "poll": f"{POLL_SECONDS}s"}} for i in range(POLLED)]
        bench = Bench(network, rows, cloud)
        try:
            for i in range(POLLED):
                cloud.service(f"polled-{i}", NAMESPACE)
                for j in range(BACKENDS):
                    cloud.register(f"polled-{i}", f"i-{j}", f"10.1.{i}.{j + 1}", 3000)
            bench.start()
            bench.idle_ms(POLL_SECONDS)  # the first answers are not what follows
            shares = [bench.idle_ms(POLL_SECONDS) / 10 for _ in range(8)]
            rss = memory(bench.pid)
            print(f"  % of a core                                   {spread(shares, 3)}   bar 0.5")
            print(f"  MiB (RssAnon + RssShmem)                      {(rss['RssAnon'] + rss['RssShmem']) / 1024:9.2f}")
        finally:
            bench.close()
            cloud.stop()


def main():
    private_mounts()
    network = Network()
    try:
        print(f"\n{'shuntd from its start, static services':48}{'min':>9} {'median':>9} {'q3-q1':>9}")
        report_starts(network, 50)
        report_starts(network, 10000)
        title = "a backend is replaced in a file, us of CPU"
        print(f"\n{title:48}{'min':>9} {'median':>9} {'q3-q1':>9} {'to 100':>9}")
        report_changes(network, (100, 1000, 10000))
        if QUICK:  # it would take half of its minute
            return
        title = f"{POLLED} services of Cloud Map, {BACKENDS} backends, {POLL_SECONDS} s"
        print(f"\n{title:48}{'min':>9} {'median':>9} {'q3-q1':>9}")
        report_polling(network)
    finally:
        network.close()


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).resolve().parents[2])
    main()
