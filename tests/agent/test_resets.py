# SPDX-License-Identifier: Apache-2.0
"""Connections to backends that have left, or are unhealthy, end where the configuration says so, and live elsewhere."""
import json
import re
from unittest import mock

import pytest

import playground.agent
from playground import wait
from playground.agent import SHUNTD, Agent
from playground.process import run
from playground.services import VIP, endpoints, from_cloudmap, register, static

HOUR = {"after": "1h", "then": "reset"}


def pending(agent):
    """The rows of backends whose connections are to go, or just went."""
    return json.loads(run(["bpftool", "--json", "map", "dump", "pinned", agent.pins / "shunt_resets"]).stdout)


def resets(agent, reason):
    return agent.metric("shunt_connections_reset_total", reason=reason)


class Held:
    """Connections that are kept: one of each kind to each of the backends."""

    def __init__(self, ground, numbers=(1, 2), vip=VIP):
        self.steps, self.sockets = ground.steps(), {}
        wanted = {(kind, f"backend-{n}") for kind in ("connect", "dial") for n in numbers}
        for attempt in range(100):
            kind = ("connect", "dial")[attempt % 2]
            assert self.steps.do(kind, attempt, vip, 8080) == f"ok {vip} 8080"
            key = kind, self.steps.do("who", attempt)
            if key in self.sockets:
                self.steps.do("close", attempt)
            self.sockets.setdefault(key, attempt)
            if wanted <= self.sockets.keys():
                return
        raise AssertionError(f"reached only {self.sockets}")

    def alive(self, number):
        return [self.steps.do("who", self.sockets[kind, f"backend-{number}"]) for kind in ("connect", "dial")] == \
            [f"backend-{number}"] * 2
    def wait_reset(self, number):
        """Both kinds are: what the application gets, TCP or UDP, is ECONNABORTED."""
        left = {"connect", "dial"}

        def ended():
            for kind in tuple(left):
                error = self.steps.do("error", self.sockets[kind, f"backend-{number}"])
                assert error in ("none", "ECONNABORTED")
                left.difference_update([kind] if error == "ECONNABORTED" else [])
            return not left
        wait.until(f"the connections to backend-{number} are reset", ended)


@pytest.fixture
def fleet(ground, cloud, network, agent):
    """fleet(on_removal=...) starts an agent with two backends that Cloud Map has."""
    register(cloud, network, numbers=(1, 2))

    def make(**rules):
        made = agent(cloud, services=[from_cloudmap(vip=VIP, protocol="any", **rules)])
        return made.start().wait_backends("backend.demo.internal", 2)
    return make


def test_connections_to_a_backend_that_leaves_are_reset_and_others_live(fleet, ground, cloud):
    agent = fleet(on_removal="reset")
    held = Held(ground)
    cloud.deregister("backend", "i-1")
    held.wait_reset(1)
    assert held.alive(2)
    wait.until("they are counted, and nothing else", lambda: resets(agent, "removed") == 2)
    assert resets(agent, "unhealthy") == 0
    wait.until("nothing is left to do", lambda: pending(agent) == [])
    assert held.alive(2)


def test_by_default_connections_to_a_backend_that_leaves_live(fleet, ground, cloud):
    agent = fleet()
    held = Held(ground)
    cloud.deregister("backend", "i-1")
    agent.wait_backends("backend.demo.internal", 1)
    assert pending(agent) == []
    wait.holds("they live", lambda: held.alive(1))


def test_an_instance_that_falls_ill_has_not_left(fleet, ground, cloud):
    agent = fleet(on_removal="reset")
    held = Held(ground)
    cloud.health("backend", "i-1", "UNHEALTHY")
    wait.until("it is unhealthy", lambda: agent.metric("shunt_backends", state="unhealthy") == 1)
    assert pending(agent) == [] and agent.backends("backend.demo.internal") == 2
    wait.holds("its connections live", lambda: held.alive(1), during=0.3)
    cloud.deregister("backend", "i-1")
    held.wait_reset(1)
    assert held.alive(2)


def test_a_backend_that_is_back_in_time_keeps_its_connections(fleet, ground, cloud, network):
    agent = fleet(on_removal=HOUR)
    held = Held(ground)
    cloud.deregister("backend", "i-1")
    wait.until("it is noted", lambda: len(pending(agent)) == 1)
    assert held.alive(1)
    cloud.register("backend", "i-1", network.backends[0].address, 8080)
    wait.until("it is reprieved", lambda: pending(agent) == [])
    assert held.alive(1)


def test_connections_are_reset_when_their_time_has_come(fleet, ground, cloud):
    fleet(on_removal={"after": "500ms", "then": "reset"})
    held = Held(ground)
    cloud.deregister("backend", "i-1")
    held.wait_reset(1)
    assert held.alive(2)


def test_connections_to_unhealthy_backends_are_reset(fleet, ground, cloud):
    agent = fleet(on_unhealthy="reset")
    held = Held(ground)
    cloud.health("backend", "i-1", "UNHEALTHY")
    held.wait_reset(1)
    assert held.alive(2)
    cloud.health("backend", "i-2", "UNHEALTHY")
    held.wait_reset(2)
    wait.until("they are counted", lambda: resets(agent, "unhealthy") == 4)
    assert resets(agent, "removed") == 0


@pytest.fixture
def ejecting(ground, network, agent):
    """ejecting(on_unhealthy=...): connections are held to two backends, and the kernel ejects the first."""
    rules = {"failures": 2, "within": "60s", "base": "60s", "max": "60s"}

    def eject(**more):
        mine = agent(environment={}, services=[
            static("backend", *endpoints(network)[:2], vip=VIP, protocol="any", ejection=rules, **more)]).start()
        held, (first, _) = Held(ground), endpoints(network)[:2]
        network.backends[0].refuse(True)
        wait.until("it refuses", lambda: ground.reach(network.backends[0].address, 8080, 1) == ["ECONNREFUSED"])
        for name in ("one", "two"):  # one task alone is kept away from it, two have it ejected
            ground.reach(VIP, 8080, 12, cgroup=ground.task(name))
        wait.until("it is ejected", lambda: mine.states("backend")[first] == "ejected")
        return mine, held
    yield eject
    network.backends[0].refuse(False)
    wait.until("it listens", lambda: ground.reach(network.backends[0].address, 8080, 1) == ["backend-1"])


def test_connections_to_a_backend_that_the_kernel_ejects_are_reset(ejecting):
    agent, held = ejecting(on_unhealthy="reset")
    held.wait_reset(1)
    assert held.alive(2)
    wait.until("they are counted, and nothing else", lambda: resets(agent, "unhealthy") == 2)
    assert resets(agent, "removed") == 0


def test_by_default_connections_to_an_ejected_backend_live(ejecting):
    agent, held = ejecting()
    wait.until("the agent has seen it", lambda: agent.metric("shunt_backends", state="ejected") == 1)
    assert pending(agent) == []
    wait.holds("they live", lambda: held.alive(1) and held.alive(2), during=0.3)
    assert resets(agent, "unhealthy") == 0


def test_an_mptcp_connection_is_reset(ground, network, agent):
    agent = agent(services=[static("backend", *endpoints(network)[:1], vip=VIP, on_removal="reset")]).start()
    steps = ground.steps()
    assert steps.do("mptcp", "a", VIP, 8080).startswith("ok ")
    assert steps.do("who", "a") == "backend-1"
    agent.config["services"][0]["static"]["endpoints"] = endpoints(network)[1:2]
    agent.write()
    agent.ctl("reload")
    wait.until("it is reset", lambda: steps.do("error", "a") in ("ECONNABORTED", "ECONNRESET"))
    assert resets(agent, "removed") == 1


def test_a_drained_backend_keeps_its_connections(fleet, ground, network):
    agent = fleet(on_removal="reset", on_unhealthy="reset")
    held = Held(ground)
    agent.ctl("drain", f"{network.backends[0].address}:8080")
    wait.until("it is drained", lambda: agent.metric("shunt_backends", state="draining") == 1)
    assert pending(agent) == []
    wait.holds("its connections live", lambda: held.alive(1))


def test_what_is_due_outlives_the_agent(fleet, ground, cloud):
    agent = fleet(on_removal={"after": "2s", "then": "reset"})
    held = Held(ground)
    cloud.deregister("backend", "i-1")
    wait.until("it is noted", lambda: len(pending(agent)) == 1)
    agent.kill()
    assert held.alive(1)
    agent.start()
    held.wait_reset(1)
    wait.until("nothing is left to do", lambda: pending(agent) == [])
    assert held.alive(2)


def test_what_nobody_asks_for_any_more_is_forgotten(fleet, ground, cloud):
    agent = fleet(on_removal=HOUR)
    held = Held(ground)
    cloud.deregister("backend", "i-1")
    wait.until("it is noted", lambda: len(pending(agent)) == 1)
    del agent.config["services"][0]["on_removal"]
    agent.write()
    agent.ctl("reload")
    wait.until("it is forgotten", lambda: pending(agent) == [])
    assert held.alive(1)


def test_a_service_that_is_taken_out_of_the_configuration_leaves_its_connections(ground, network, agent):
    agent = agent(services=[static("backend", *endpoints(network)[:2], vip=VIP, protocol="any", on_removal="reset"),
                            static("other", *endpoints(network)[:2], vip="127.254.0.11", on_removal="reset")]).start()
    held = Held(ground)
    agent.write(services=agent.config["services"][1:])
    agent.ctl("reload")
    wait.until("it is gone", lambda: [s["name"] for s in agent.show("services")["services"]] == ["other"])
    wait.holds("its connections live", lambda: held.alive(1) and held.alive(2))


def test_it_may_be_turned_on_by_a_reload(fleet, ground, cloud):
    agent = fleet()
    held = Held(ground)
    agent.config["services"][0]["on_removal"] = "reset"
    agent.write()
    agent.ctl("reload")
    cloud.deregister("backend", "i-1")
    held.wait_reset(1)
    assert held.alive(2)


def test_without_the_privileges_it_says_what_it_cannot_do(ground, network):
    class Confined(Agent):
        def spawn(self, *arguments, **environment):
            with mock.patch.object(playground.agent, "SHUNTD", "setpriv"):
                return super().spawn("--bounding-set", "-all,+bpf,+net_admin,+perfmon", "--no-new-privs", SHUNTD,
                                     *arguments, **environment)
    agent = Confined(ground, services=[static("backend", *endpoints(network)[:2], vip=VIP, on_removal="reset")])
    try:
        agent.start()
        assert re.search(r"Not all connections to backends that are gone can be reset: what='network namespaces: only "
                         r"the agent's own can be entered: Operation not permitted. It needs CAP_SYS_ADMIN and "
                         r"CAP_SYS_PTRACE'", agent.logged().replace("reset what=", "reset: what=")), agent.logged()
    finally:
        agent.close()


def test_the_helper_ends_with_the_agent(fleet):
    agent = fleet()
    children = run(["pgrep", "-P", agent.process.pid, "-x", "shuntd-helper"]).stdout.split()
    assert len(children) == 1
    agent.kill()
    wait.until("it has ended", lambda: run(["pgrep", "-x", "shuntd-helper"], check=False).stdout.split().count(
        children[0]) == 0)
