# SPDX-License-Identifier: Apache-2.0
"""The ground an agent stands on: a throw-away cgroup, a private bpffs, directories, and clients on it."""
import contextlib
import itertools
import json
import os
import pathlib
import socket
import subprocess

from . import wait
from .network import TESTS
from .process import end, run, start

CLIENTS = TESTS / "clients"
BUILD = TESTS.parent / os.environ.get("BUILD", "build")
_counter = itertools.count()
_ports = itertools.count(10000 + os.getpid() % 200 * 100)


def cgroup2_mount():
    for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        left, right = line.split(" - ")
        if right.split()[0] == "cgroup2":
            return pathlib.Path(left.split()[4])
    raise AssertionError("no cgroup2 is mounted on this machine")


def free_port():
    """One that nobody listens at, and that the kernel gives to nobody who asks for any."""
    while True:
        with socket.socket() as listener, contextlib.suppress(OSError):
            port = next(_ports)
            listener.bind(("127.0.0.1", port))
            return port


class Ground:
    """Owns the cgroup, the bpffs mount and the clients started on it; `close` takes all of it away."""

    def __init__(self, scratch, network):
        self.network = network
        name = f"shunt-test-{os.getpid()}-{next(_counter)}"
        self.scratch = pathlib.Path(scratch) / name
        self.bpffs = self.scratch / "bpf"
        self.bpffs.mkdir(parents=True)
        self.cgroup = cgroup2_mount() / name
        self.clients, self.tasks = [], []
        run(["mount", "-t", "bpf", "-o", "mode=0700", "none", self.bpffs])
        self.cgroup.mkdir()

    def close(self):
        for client in self.clients:
            end(client)
        run(["umount", self.bpffs])
        for pid in (self.cgroup / "cgroup.procs").read_text().split():
            os.kill(int(pid), 9)
        wait.until("the cgroup is empty", lambda: not (self.cgroup / "cgroup.procs").read_text())
        for task in reversed(self.tasks):
            wait.until(f"{task} is empty", lambda path=task: not (path / "cgroup.procs").read_text())
            task.rmdir()
        self.cgroup.rmdir()

    def task(self, name):
        """A cgroup below: what ECS makes for a task, or for a container of one."""
        self.tasks.append(self.cgroup / name)
        self.tasks[-1].mkdir()
        return self.tasks[-1]

    def in_cgroup(self, argv, cgroup=None, which_cpu=min):
        """The words that run a program in the cgroup and in the client's network. It stays on one CPU: each has a round
        robin of its own, and a test may tell whose turn it is only of connects from one."""
        return ["sh", "-c", f"echo $$ > '{cgroup or self.cgroup}/cgroup.procs' && exec \"$@\"", "sh", *self.network.prefix(),
                "taskset", "-c", str(which_cpu(os.sched_getaffinity(0))), *map(str, argv)]

    def client(self, *argv, timeout=120, cgroup=None):
        return run(self.in_cgroup(argv, cgroup), timeout=timeout, check=False)

    def ask(self, address, port, kind="tcp"):
        """One connect by Python: (peer, port, backend's name), or (errno's name, seconds)."""
        words = self.client("/usr/bin/python3", CLIENTS / "once.py", address, port, kind).stdout.split()
        return (words[0], int(words[1]), words[2]) if len(words) > 3 else (words[0], float(words[1]))

    def reach(self, address, port, times, cgroup=None):
        """The names of the backends that `times` connects reached."""
        script = f"import sys; sys.path.insert(0, '{CLIENTS}'); import once\n" \
                 f"for _ in range({times}): once.main('{address}', {port})"
        lines = self.client("/usr/bin/python3", "-c", script, cgroup=cgroup).stdout.splitlines()
        return [line.split()[2] if len(line.split()) > 3 else line.split()[0] for line in lines]

    @contextlib.contextmanager
    def exclusive(self, section, hook):
        """Somebody else's program on the cgroup, which allows none beside it; its name is `foreign`."""
        source, program = self.scratch / "foreign.bpf.c", self.bpffs / "foreign"
        source.write_text(f'__attribute__((section("{section}"), used)) int foreign(void *ctx) {{ return 1; }}\n'
                          'char _license[] __attribute__((section("license"), used)) = "GPL";\n', encoding="utf-8")
        run(["clang", "-target", "bpf", "-O2", "-c", source, "-o", source.with_suffix(".o")])
        run(["bpftool", "prog", "load", source.with_suffix(".o"), program])
        run(["bpftool", "cgroup", "attach", self.cgroup, hook, "pinned", program])
        try:
            yield
        finally:
            run(["bpftool", "cgroup", "detach", self.cgroup, hook, "pinned", program])
            program.unlink()

    def steps(self):
        return Steps(self)

    def steady(self, address, port):
        return Steady(self, address, port)


class Steps:
    """A client that does what `do` says: see tests/clients/steps.py."""

    def __init__(self, ground):
        self.process = start(ground.in_cgroup(["/usr/bin/python3", CLIENTS / "steps.py"]),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ground.clients.append(self.process)

    def do(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


class Steady:
    """Connects without end until `finish`, which gives what it saw; it waits for the backends that are expected."""

    def __init__(self, ground, address, port):
        self.process = start(ground.in_cgroup(["/usr/bin/python3", CLIENTS / "steady.py", address, port], which_cpu=max),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ground.clients.append(self.process)
        assert self.process.stdout.readline() == "connected\n"

    def finish(self, expected=()):
        out, _ = self.process.communicate(" ".join(expected), timeout=60)
        return json.loads(out)
