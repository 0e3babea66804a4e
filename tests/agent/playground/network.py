# SPDX-License-Identifier: Apache-2.0
"""A network of its own: a client's namespace, without a default route, and one for each backend, on one link.

The namespaces have no names: they live as long as the processes in them, and those die with the tests.
"""
import json
import pathlib
import signal
import subprocess

from .process import end, run, start

TESTS = pathlib.Path(__file__).resolve().parents[2]
PORTS = (8080, 8081, 9000)
SETTLED = "ip -4 addr replace 10.77.0.{n}/24 dev {dev} && ip -6 addr replace fd77::{n}/64 dev {dev} nodad && " \
          "ip link set {dev} up"


class Backend:
    def __init__(self, number):
        self.name = f"backend-{number}"
        self.address, self.address6 = f"10.77.0.{10 + number}", f"fd77::{10 + number}"
        ports = [word for port in PORTS for word in ("--port", port)]
        self.process = start(["unshare", "-n", TESTS / "fakes" / "backend", "--name", self.name, *ports],
                             stdout=subprocess.PIPE, text=True)
        assert json.loads(self.process.stdout.readline())["name"] == self.name

    def refuse(self, whether):
        """Whether new TCP connections are refused, soon; those that it has live."""
        self.process.send_signal(signal.SIGUSR1 if whether else signal.SIGUSR2)


class Network:
    """Owns the processes that hold the namespaces; `close` ends them."""

    def __init__(self, backends=3):
        self.holder = start(["unshare", "-n", "sh", "-c", "echo ready; exec sleep infinity"],
                            stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "ready\n"
        self.backends = [Backend(i + 1) for i in range(backends)]
        self.inside(["sh", "-c", "ip link set lo up && ip link add lan type bridge && " +
                     SETTLED.format(n=1, dev="lan")])
        for i, backend in enumerate(self.backends):
            pid = backend.process.pid
            self.inside(["sh", "-c", f"ip link add b{i} type veth peer name eth0 netns {pid} && "
                                     f"ip link set b{i} master lan up"])
            run(["nsenter", "-n", "-t", pid, "sh", "-c",
                 "ip link set lo up && " + SETTLED.format(n=10 + i + 1, dev="eth0")])

    def prefix(self):
        """What runs a program as a client in this network."""
        return ["nsenter", "-n", "-t", str(self.holder.pid)]

    def inside(self, argv):
        return run([*self.prefix(), *argv])

    def close(self):
        for process in [self.holder, *(b.process for b in self.backends)]:
            end(process)
            process.stdout.close()
