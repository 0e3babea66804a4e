# SPDX-License-Identifier: Apache-2.0
"""Active probes: the agent connects to the backends of a service that asks for it."""
import json
import subprocess

import pytest

from playground import wait
from playground.network import TESTS
from playground.process import end, start
from playground.services import VIP, from_cloudmap, names, static

PORT = 7000  # where nobody listens but for a test
RULES = {"interval": "1s", "timeout": "1s", "failures": 2, "successes": 2}
REFUSED = ("unhealthy", "probe: connection refused, 2 in a row")


class Listeners:
    """At PORT of each backend one that can be ended and started again."""

    def __init__(self, network):
        self.network, self.running = network, {}
        self.places = [f"{b.address}:{PORT}" for b in network.backends]

    def start(self, *numbers):
        for n in numbers:
            backend = self.network.backends[n]
            self.running[n] = start(["nsenter", "-n", "-t", backend.process.pid, TESTS / "fakes" / "backend",
                                     "--name", backend.name, "--port", PORT], stdout=subprocess.PIPE, text=True)
            assert json.loads(self.running[n].stdout.readline())["name"] == backend.name

    def end(self, *numbers):
        for n in numbers:
            process = self.running.pop(n)
            end(process)
            process.stdout.close()


@pytest.fixture
def listeners(network):
    made = Listeners(network)
    made.start(0, 1, 2)
    yield made
    made.end(*list(made.running))


@pytest.fixture
def probing(ground, agent, listeners):
    """A service of three backends, probed by an agent that lives in the backends' network."""
    mine = agent(environment={}, services=[static("probed", *listeners.places, vip=VIP, probe=RULES)])
    mine.wrapper = ground.network.prefix()
    return mine.start()


def wait_reasons(agent, wanted):
    wait.until(f"unhealthy: {wanted}", lambda: agent.reasons("probed") == wanted)


def test_one_that_refuses_gets_nothing_until_it_answers_again(ground, probing, listeners):
    first = listeners.places[0]
    listeners.end(0)
    wait_reasons(probing, {first: REFUSED})
    assert probing.states("probed")[first] == "unhealthy"
    assert set(ground.reach(VIP, 8080, 12)) == {"backend-2", "backend-3"}
    assert probing.candidates(VIP)[first] == (0, "unhealthy", "not picked: others are healthy")
    text = probing.ctl("status").stdout
    assert "    probe: 1 of 3 fails, every 1.0 s\n" in text
    assert f"    {first} unhealthy: probe: connection refused, " in text
    assert f"A backend fails its probes, it gets no connections while others do not service=probed backend={first} " \
           "why='probe: connection refused, 2 in a row'" in probing.logged()
    listeners.start(0)
    wait_reasons(probing, {})
    assert set(ground.reach(VIP, 8080, 9)) == names(ground.network)
    assert f"A backend answers its probes again service=probed backend={first}" in probing.logged()


def test_one_that_does_not_answer_is_unhealthy_as_well(ground, probing, listeners):
    silent = "10.77.0.200:7000"
    probing.write(services=[static("probed", *listeners.places, silent, vip=VIP, probe=RULES)])
    probing.ctl("reload")
    wait_reasons(probing, {silent: ("unhealthy", "probe: timed out, 2 in a row")})
    assert set(ground.reach(VIP, 8080, 9)) == names(ground.network)


def test_when_more_than_half_fail_the_probes_are_ignored(ground, probing, listeners):
    listeners.end(0)
    wait_reasons(probing, {listeners.places[0]: REFUSED})
    listeners.end(1)
    wait.until("a panic", lambda: probing.service("probed")["probe"]["panic"])
    wait_reasons(probing, {})
    assert set(ground.reach(VIP, 8080, 6)) == {"ECONNREFUSED", "backend-3"}
    assert "    probe: 2 of 3 fail, every 1.0 s; these are more than half, so probes are ignored\n" \
        in probing.ctl("status").stdout
    assert "More than half of the backends fail their probes, ignoring the probes service=probed" in probing.logged()
    listeners.start(1)
    wait.until("it is over", lambda: set(probing.states("probed").values()) == {"healthy", "unhealthy"})
    assert set(ground.reach(VIP, 8080, 6)) == {"backend-2", "backend-3"}


def test_what_was_found_outlives_the_agent(ground, probing, listeners):
    first = listeners.places[0]
    listeners.end(0)
    wait_reasons(probing, {first: REFUSED})
    probing.kill()
    probing.start()
    assert probing.states("probed")[first] == "unhealthy"
    assert set(ground.reach(VIP, 8080, 6)) == {"backend-2", "backend-3"}
    wait_reasons(probing, {first: ("unhealthy", "probe: connection refused, 1 in a row")})
    listeners.start(0)
    wait_reasons(probing, {})


def test_without_the_key_nobody_is_probed(ground, probing, listeners):
    listeners.end(0)
    wait_reasons(probing, {listeners.places[0]: REFUSED})
    probing.write(services=[static("probed", *listeners.places, vip=VIP, probe=False)])
    probing.ctl("reload")
    wait_reasons(probing, {})
    assert probing.service("probed")["probe"] is None and set(probing.states("probed").values()) == {"healthy"}


def test_the_operator_stands_over_the_probes(probing, listeners):
    first = listeners.places[0]
    probing.ctl("drain", first)
    listeners.end(0)
    wait.until("it fails", lambda: probing.service("probed")["probe"]["failing"] == 1)
    assert probing.reasons("probed") == {first: ("draining", "drained by shuntctl")}
    probing.ctl("undrain", first)
    wait_reasons(probing, {first: REFUSED})


def test_one_that_leaves_is_forgotten(probing, listeners):
    first = listeners.places[0]
    listeners.end(0)
    wait_reasons(probing, {first: REFUSED})
    for places in (listeners.places[1:], listeners.places):
        probing.write(services=[static("probed", *places, vip=VIP, probe=RULES)])
        probing.ctl("reload")
        assert probing.reasons("probed") == {}
    wait_reasons(probing, {first: REFUSED})


def test_backends_without_a_port_are_told_of_and_not_probed(cloud, ground, agent):
    cloud.service("anyport", "demo.internal")
    cloud.register("anyport", "i-1", ground.network.backends[0].address)
    mine = agent(cloud, services=[from_cloudmap("anyport", vip=VIP, probe=RULES)])
    del mine.config["services"][0]["port"]
    mine.write()
    mine.start().wait_backends("anyport.demo.internal", 1)
    assert mine.service("anyport.demo.internal")["probe"] == {
        "interval_s": 1, "round_s": None, "backends": 0, "failing": 0, "panic": False, "portless": 1, "error": None}
    assert "; 1 without a port of its own cannot be probed\n" in mine.ctl("status").stdout


def test_only_so_many_are_probed_at_once(ground, probing):
    silent = [f"10.77.0.{n}:{PORT}" for n in range(20, 254)]
    probing.write(services=[static("probed", *silent, vip=VIP, probe={**RULES, "timeout": "1s", "failures": 100})])
    probing.ctl("reload")

    def under_way():
        return len(ground.network.inside(["ss", "-Htn", "state", "syn-sent"]).stdout.splitlines())
    wait.until("nearly as many as may be are under way", lambda: under_way() > 100)
    wait.holds("no more than may be", lambda: under_way() <= 128, during=3)
