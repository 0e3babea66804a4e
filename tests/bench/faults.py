#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whether a running shuntd loses a backend over thousands of faulty answers of every kind, and a client a connect."""
import argparse
import json
import os
import pathlib
import sys
import tempfile
import time
from collections import Counter

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "agent"))

from playground import wait  # noqa: E402
from playground.agent import Agent  # noqa: E402
from playground.cloud import Cloud  # noqa: E402
from playground.ground import Ground  # noqa: E402
from playground.network import Network  # noqa: E402
from playground.process import private_mounts  # noqa: E402
from playground.services import NAMESPACE, VIP, from_cloudmap, names, register  # noqa: E402

SERVICES, BACKENDS, POLL = 40, 3, "100ms"
CALLS_PER_SECOND = 4000  # the most that can be configured
LIFETIME_S = 8  # of credentials: they are renewed all the while
EACH, SLOW_ROUNDS = 8, 2
ROUND_S = 60
CHANGED = "Backends changed"  # what shuntd logs of each change
FULL, REVISION, CREDENTIALS = "DiscoverInstances", "DiscoverInstancesRevision", "Credentials"

GARBAGE = [{"kind": "garbage", "what": what} for what in (
    "binary", "html", "deep", "huge", "array", "number", "null", "utf8", "nul", "trailing", "cut")]
ANY = [{"kind": kind} for kind in (
    "internal", "unavailable", "bare_status", "redirect", "truncated_body", "huge_length", "reset_midway", "no_answer",
    "reset", "empty_body")] + [{"kind": "error", "code": "Ever'Seen$Before", "status": 418}] + GARBAGE
OF_INSTANCES = [{"kind": kind} for kind in ("denied", "empty_answer", "partial_answer", "no_instances")] + [
    {"kind": "wrong_content", "what": what} for what in (
        "text", "object", "null", "numbers", "no_attributes", "bad_addresses", "bad_ports", "typed_attributes",
        "other_service", "one_bad", "repeated")]
# each costs the time after which the agent gives up
SLOW = [{"kind": "hang"}, {"kind": "half_open"}, {"kind": "drip", "seconds": 0.5}]
# after these it asks less, or no more for revisions: they come last
THROTTLE, DENIED = [{"kind": "throttle"}], [{"kind": "denied"}]


class Siege:
    """Owns a network, a Cloud Map, an agent that watches its services, and a client that connects to one of them."""

    def __init__(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.network, self.cloud = Network(BACKENDS), Cloud(self.scratch.name)
        self.ground = Ground(self.scratch.name, self.network)
        self.services = [f"s{i}" for i in range(SERVICES)]
        rows = [from_cloudmap(name, **({"vip": VIP} if name == "s0" else {})) for name in self.services]
        for row in rows:
            row["cloudmap"]["poll"] = POLL
        container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.cloud.endpoint}/v2/credentials/task"}
        self.agent = Agent(self.ground, self.cloud, environment=container, services=rows,
                           budget={"calls_per_second": CALLS_PER_SECOND})
        self.least, self.rounds = BACKENDS, 0
        self.changed, self.steady = 0, None

    def __enter__(self):
        return self

    def begin(self):
        """From here on everything counts."""
        self.cloud.control(credentials={"lifetime_s": LIFETIME_S})
        for name in self.services:
            register(self.cloud, self.network, name)
        self.agent.start()
        wait.until("all backends are in force", lambda: self.in_force() == BACKENDS)
        self.changed = self.changes()
        self.steady = self.ground.steady(VIP, 8080)

    def __exit__(self, *_):
        self.agent.close()
        self.ground.close()
        self.cloud.stop()
        self.network.close()
        self.scratch.cleanup()

    # --- looking ---

    def in_force(self):
        """The smallest number of backends of a service."""
        told = Counter()
        for labels, count in self.agent.metrics().get("shunt_backends", []):
            told[labels["service"]] += int(count)
        return min(told[f"{name}.{NAMESPACE}"] for name in self.services)

    def changes(self):
        """Of the backends of any service, as the agent logs them: what comes between two looks is in there, too."""
        return self.agent.logged().count(CHANGED)

    def answers(self):
        """{operation: Counter(of its answers by kind)}."""
        requests = self.cloud.stats()["requests"]
        return {operation: Counter(requests.get(operation, {})) for operation in (FULL, REVISION, CREDENTIALS)}

    def faulty(self):
        return sum(counted.total() - counted["ok"] for counted in self.answers().values())

    def spent(self):
        self.least = min(self.least, self.in_force())
        rules = json.loads(self.cloud.http("GET", "/_control/faults")[1])
        return all(rule["times"] == 0 for rule in rules if rule["operation"] != CREDENTIALS)

    # --- faults ---

    def credentials_rules(self, kinds):
        """One, if there was a good answer since the last: else none would be left that hold."""
        counted = self.answers()[CREDENTIALS]
        faulty = counted.total() - counted["ok"]
        return [{"operation": CREDENTIALS, "times": 1, **kinds[faulty % len(kinds)]}] if counted["ok"] > faulty else []

    def rules(self, operation, kinds, each):
        """For each service `each` kinds, a good answer after each: faults without end would end in back-off, and less
        and less without end would rightly be believed. The services are spread over the kinds."""
        return [{"operation": operation, "service": name, "times": 1, "skip": turn,
                 **kinds[(i + self.rounds * each + turn) % len(kinds)]}
                for i, name in enumerate(self.services) for turn in range(each)]

    def round(self, of_instances, of_revisions, of_credentials, each=1):
        """Ends when all of them are given and every service has been answered well again."""
        rules = self.rules(FULL, of_instances, each) + self.rules(REVISION, of_revisions, each)
        self.cloud.control(faults=rules + self.credentials_rules(of_credentials))
        if self.rounds % 8 == 4:
            self.cloud.control(credentials={"expire" if self.rounds % 16 == 4 else "revoke": True})
        wait.until("all faults were given", self.spent, ROUND_S, every=0.05)
        well = self.answered_well()
        wait.until("all were answered well again", lambda: self.spent() and all(
            count > well[name] for name, count in self.answered_well().items()), ROUND_S, every=0.05)
        self.rounds += 1

    def answered_well(self):
        told = self.cloud.stats()["services"]
        return {name: told[name].get("ok", 0) for name in self.services}

    def fill(self, wanted, each):
        """Rounds until so many were given; each service gets every kind in turn."""
        while self.faulty() < wanted:
            self.round(ANY + OF_INSTANCES, ANY, ANY + DENIED, each)

    def end(self):
        """The client's account, when all is well again."""
        self.cloud.heal()
        wait.until("all backends are in force", lambda: self.in_force() == BACKENDS)
        return self.steady.finish(names(self.network))


def report(siege, seconds, seen, wanted):
    """Prints it; whether all is as it should be."""
    answers = siege.answers()
    print(f"  {'faulty answers, as Cloud Map counted them':42}{'full':>9} {'revision':>9} {'credent.':>9}")
    for kind in sorted(set().union(*answers.values()) - {"ok"}):
        print(f"    {kind:40}" + " ".join(f"{counted[kind]:9d}" for counted in answers.values()))
    print(f"    {'(good ones)':40}" + " ".join(f"{counted['ok']:9d}" for counted in answers.values()))
    given, changes = siege.faulty(), siege.changes() - siege.changed
    connects, failed = sum(seen["seen"].values()), sum(seen["failed"].values())
    print(f"  faulty answers in all                   {given:9d}    bar {wanted} at least")
    print(f"  backends of a service in force, least   {siege.least:9d}    bar {BACKENDS}")
    print(f"  changes of backends of any service      {changes:9d}    bar 0")
    print(f"  connects meanwhile                      {connects + failed:9d}")
    print(f"  of them failed                          {failed:9d}    bar 0")
    print(f"  seconds                                 {seconds:9.1f}", flush=True)
    kept = siege.least == BACKENDS and changes == 0
    return given >= wanted and kept and connects > 0 and failed == 0 and seen["held"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=10000, metavar="N",
                        help="faulty ones, at least (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="without those that cost the agent's time-out each")
    chosen = parser.parse_args()
    private_mounts()
    began = time.monotonic()
    with Siege() as siege:
        print(f"\nshuntd with {SERVICES} services of {BACKENDS} backends, poll {POLL}, under faulty answers of every kind")
        siege.begin()
        if not chosen.quick:
            for _ in range(SLOW_ROUNDS):
                siege.round(SLOW, SLOW, SLOW)
        siege.fill(chosen.answers, 1 if chosen.quick else EACH)
        siege.round(THROTTLE, THROTTLE, THROTTLE)
        siege.round(DENIED, DENIED, DENIED)
        good = report(siege, time.monotonic() - began, siege.end(), chosen.answers)
    return 0 if good else 1


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).resolve().parents[2])
    sys.exit(main())
