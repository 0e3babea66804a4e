# SPDX-License-Identifier: Apache-2.0
"""The real shuntd and shuntctl on a ground of the test's own."""
import json
import os
import pathlib
import re
import socket
import time
import urllib.error
import urllib.request

from . import wait
from .cloud import KEY, SECRET
from .ground import BUILD, free_port
from .process import end, run, start

SHUNTD, SHUNTCTL = BUILD / "shuntd", BUILD / "shuntctl"
STATIC_KEY = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
INHERITED = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")  # to run a sanitized build, with BUILD=
SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


class Agent:
    """Owns the process of one shuntd at a time, and its configuration file; `close` leaves nothing."""

    def __init__(self, ground, cloud=None, environment=None, **config):
        self.ground, self.process = ground, None
        self.port = free_port()
        self.config = {"cgroup": str(ground.cgroup), "bpffs": str(ground.bpffs),
                       "state_dir": str(ground.scratch / "state"),
                       "control_socket": str(ground.scratch / "control.sock"),
                       "metrics": {"listen": f"127.0.0.1:{self.port}"}, **config}
        if cloud:
            self.config.setdefault("aws", {"region": cloud.told["region"], "endpoint": cloud.endpoint,
                                           "data_endpoint": cloud.endpoint})
            self.config.setdefault("dns", {"servers": [cloud.dns]})
        self.environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self.environment["AWS_EC2_METADATA_DISABLED"] = "true"  # or who has no credentials asks the machine's own
        self.environment.update(STATIC_KEY if environment is None else environment)
        self.file = ground.scratch / "shunt.json"
        self.arguments = ["--config", self.file]
        self.wrapper = []  # a program that runs shuntd, such as valgrind
        self.log = ground.scratch / "shuntd.log"
        self.pins = ground.bpffs / "shunt"
        self.write()

    # --- its life ---

    def write(self, text=None, **changes):
        self.config.update(changes)
        self.file.write_text(json.dumps(self.config, indent=1) if text is None else text, encoding="utf-8")

    def spawn(self, *arguments, **environment):
        """shuntd with these arguments; what it says goes to the log."""
        with open(self.log, "a", encoding="utf-8") as log:
            return start([*self.wrapper, SHUNTD, *arguments], env={**self.environment, **environment},
                         stdout=log, stderr=log)

    def start(self, within=60):
        """Starts it and waits for READY=1 on a NOTIFY_SOCKET."""
        path = str(self.ground.scratch / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
            pathlib.Path(path).unlink(missing_ok=True)
            notified.bind(path)
            notified.settimeout(0.1)
            self.process = self.spawn(*self.arguments, NOTIFY_SOCKET=path)
            deadline = time.monotonic() + within
            while time.monotonic() < deadline:
                assert self.process.poll() is None, f"shuntd exited {self.process.returncode}: {self.logged()}"
                try:
                    if "READY=1" in notified.recv(4096).decode().split("\n"):
                        return self
                except TimeoutError:
                    continue
        raise AssertionError(f"shuntd was not ready within {within} s: {self.logged()}")

    def stop(self):
        """SIGTERM; the exit status."""
        process, self.process = self.process, None
        return end(process)

    def kill(self):
        process, self.process = self.process, None
        process.kill()
        process.wait(30)

    def close(self):
        status = self.stop() if self.process else 0
        if self.pins.exists():
            self.ctl("detach", check=False)
        assert status == 0, f"shuntd ended with {status}: {self.logged()}"

    def logged(self):
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    # --- looking ---

    def ctl(self, *arguments, check=True):
        return run([SHUNTCTL, *self.arguments, *arguments], check=check, env=self.environment)

    def show(self, what="backends"):
        return json.loads(self.ctl("show", what, "--json").stdout)

    def status(self):
        return json.loads(self.ctl("status", "--json").stdout)

    def service(self, name):
        """What `status` says of one service."""
        return next(s for s in self.status()["services"] if s["name"] == name)

    def states(self, service):
        """What the maps say of its backends, as {"10.77.0.11:8080": "healthy"}."""
        return {b["backend"]: b["state"] for b in self.show()["backends"] if b["service"] == service}

    def reasons(self, service):
        """What the agent says of those that are not healthy, as {backend: (state, why)}."""
        return {s["backend"]: (s["state"], s["why"]) for s in self.service(service)["states"]}

    def candidates(self, target):
        """What explain says, as {backend: (share in percent, state, why)}."""
        told = json.loads(self.ctl("explain", target, "--json").stdout)["candidates"]
        return {c["backend"]: (c["share_percent"], c["state"], c["why"]) for c in told}

    def get(self, path="/metrics"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def metrics(self):
        """{name: [(labels, value)]} of the metrics page."""
        found = {}
        for line in self.get()[1].splitlines():
            if line and not line.startswith("#"):
                name, labels, value = SAMPLE.fullmatch(line).groups()
                found.setdefault(name, []).append((dict(LABEL.findall(labels or "")), float(value)))
        return found

    def metric(self, name, **labels):
        """The sum of a metric's samples that have these labels."""
        return sum(value for has, value in self.metrics().get(name, []) if labels.items() <= has.items())

    def backends(self, service):
        return int(self.metric("shunt_backends", service=service))

    def wait_backends(self, service, count, within=30):
        wait.until(f"{service} has {count} backends", lambda: self.backends(service) == count, within)
        return self
