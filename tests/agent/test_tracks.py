# SPDX-License-Identifier: Apache-2.0
"""Redirected connections are counted from connect() to their end, however that comes."""
import pytest

from playground import wait
from playground.services import static

VIP, CLOSED, UDP, HALF = "127.254.0.10", "127.254.0.11", "127.254.0.12", "127.254.0.13"


@pytest.fixture(scope="module")
def fleet(shared_ground, shared_agent):
    backends = shared_ground.network.backends
    agent = shared_agent(services=[
        static("open", f"{backends[0].address}:8080", vip=VIP),
        static("closed", f"{backends[0].address}:9", vip=CLOSED),
        static("datagrams", *[f"{b.address}:9000" for b in backends], port=53, protocol="udp", vip=UDP),
        static("mixed", *[f"{b.address}:9000" for b in backends], port=53, protocol="any", vip=HALF),
    ])
    return agent.start()


class Counted:
    """What the metrics say has changed since the last look."""

    def __init__(self, agent):
        self.agent, self.seen = agent, {}
        self.changes()

    def changes(self):
        now = {}
        for name in ("shunt_connects_total", "shunt_connections_active", "shunt_connect_failures_total",
                     "shunt_bytes_total"):
            for labels, value in self.agent.metrics()[name]:
                labels = dict(labels)
                now[(labels.pop("service"), *labels.values(), *(["active"] if "active" in name else []))] = int(value)
        changed = {key: value - self.seen.get(key, 0) for key, value in now.items() if value != self.seen.get(key, 0)}
        self.seen = now
        return changed


@pytest.fixture
def counted(fleet):
    return Counted(fleet)


@pytest.fixture
def steps(fleet):
    return fleet.ground.steps()


def settled(counted, wanted):
    """The changes add up to `wanted`; ends of connections are seen when the kernel has done with them."""
    total = {}

    def enough():
        for key, value in counted.changes().items():
            total[key] = total.get(key, 0) + value
        return {key: value for key, value in total.items() if value} == wanted

    try:
        wait.until("the counts have changed as they should", enough)
    except AssertionError:
        assert {key: value for key, value in total.items() if value} == wanted


def test_a_connection_is_active_until_it_is_closed_and_then_tells_its_bytes(steps, counted):
    assert steps.do("connect", "a", VIP, 8080) == f"ok {VIP} 8080"
    settled(counted, {("open", "redirected"): 1, ("open", "active"): 1})
    answered = int(steps.do("talk", "a", 1000))
    steps.do("close", "a")
    settled(counted, {("open", "active"): -1, ("open", "sent"): 1001, ("open", "received"): answered})


def test_a_refused_connection_is_a_failure_and_not_active(steps, counted):
    assert steps.do("connect", "a", CLOSED, 8080) == "ECONNREFUSED"
    settled(counted, {("closed", "redirected"): 1, ("closed", "refused"): 1})
    steps.do("close", "a")
    settled(counted, {})


def test_a_refused_non_blocking_connection_is_counted_once(steps, counted):
    steps.do("start", "a", CLOSED, 8080)
    settled(counted, {("closed", "redirected"): 1, ("closed", "refused"): 1})
    steps.do("close", "a")
    settled(counted, {})


def test_a_socket_that_tries_again_elsewhere_is_counted_for_both(steps, counted):
    assert steps.do("connect", "a", CLOSED, 8080) == "ECONNREFUSED"
    assert steps.do("connect", "a", VIP, 8080) == f"ok {VIP} 8080"
    settled(counted, {("closed", "redirected"): 1, ("closed", "refused"): 1, ("open", "redirected"): 1,
                      ("open", "active"): 1})
    steps.do("close", "a")
    settled(counted, {("open", "active"): -1})


def test_a_reset_by_the_client_ends_it(steps, counted):
    steps.do("connect", "a", VIP, 8080)
    steps.do("reset", "a")
    settled(counted, {("open", "redirected"): 1})


def test_a_socket_that_is_disconnected_and_connected_directly_counts_for_nobody(steps, counted, fleet):
    direct = fleet.ground.network.backends[0].address
    steps.do("connect", "a", VIP, 8080)
    assert steps.do("disconnect", "a") == "0"
    assert steps.do("connect", "a", direct, 8080) == f"ok {direct} 8080"
    steps.do("talk", "a", 500)
    steps.do("close", "a")
    settled(counted, {("open", "redirected"): 1})


def test_a_killed_client_leaves_nothing_active(fleet, counted):
    steps = fleet.ground.steps()
    for n in range(50):
        steps.do("connect", n, VIP, 8080)
    settled(counted, {("open", "redirected"): 50, ("open", "active"): 50})
    steps.process.kill()
    settled(counted, {("open", "active"): -50})


def test_a_connection_of_a_service_that_is_gone_counts_for_nobody(ground, agent):
    address = ground.network.backends[0].address
    agent = agent(services=[static("old", f"{address}:8080", vip=VIP)]).start()
    steps = ground.steps()
    steps.do("connect", "a", VIP, 8080)
    agent.write(services=[static("new", f"{address}:8080", vip=VIP)])
    agent.ctl("reload")
    wait.until("the new name is in force", lambda: [s["name"] for s in agent.show("services")["services"]] == ["new"])
    steps.do("close", "a")
    assert steps.do("connect", "b", VIP, 8080) == f"ok {VIP} 8080"
    wait.holds("one connection of the new name", lambda: agent.metric("shunt_connections_active") == 1)


def test_tcp_fast_open_is_redirected(steps, counted):
    assert steps.do("fastopen", "a", VIP, 8080) == f"ok {VIP} 8080"
    settled(counted, {("open", "redirected"): 1, ("open", "active"): 1})


def test_mptcp_is_redirected_and_shows_the_backend_as_its_peer(steps, counted, fleet):
    """The hooks run on the subflow, and getpeername() asks the MPTCP socket above it, which is another."""
    assert steps.do("mptcp", "a", VIP, 8080) == f"ok {fleet.ground.network.backends[0].address} 8080"
    settled(counted, {("open", "redirected"): 1, ("open", "active"): 1})
    steps.do("close", "a")
    settled(counted, {("open", "active"): -1})


def test_datagrams_of_one_socket_go_to_one_backend_and_answers_come_from_the_vip(steps, counted):
    seen = {steps.do("sendto", "a", UDP, 53) for _ in range(5)}
    assert len(seen) == 1
    assert seen.pop().split()[:2] == [UDP, "53"]
    settled(counted, {("datagrams", "redirected"): 1})


def test_sockets_spread_datagrams_over_the_backends(steps, fleet):
    seen = {steps.do("sendto", n, UDP, 53).split()[2] for n in range(60)}
    assert seen == {b.name for b in fleet.ground.network.backends}


def test_a_datagram_of_a_dual_stack_socket_is_redirected(steps):
    assert steps.do("sendto", "a", f"::ffff:{UDP}", 53).split()[:2] == [f"::ffff:{UDP}", "53"]


def test_one_socket_may_ask_several_services(steps):
    for _ in range(3):
        assert steps.do("sendto", "a", UDP, 53).split()[:2] == [UDP, "53"]
        assert steps.do("sendto", "a", HALF, 53).split()[:2] == [HALF, "53"]


def test_a_socket_that_sends_for_ever_moves_off_a_backend_that_is_gone(ground, agent):
    addresses = [b.address for b in ground.network.backends]
    endpoints = [f"{a}:9000" for a in addresses]
    agent = agent(services=[static("datagrams", *endpoints, port=53, protocol="udp", vip=UDP)]).start()
    steps = ground.steps()
    gone = steps.do("sendto", "a", UDP, 53).split()[2]
    left = [e for e, b in zip(endpoints, ground.network.backends) if b.name != gone]
    agent.write(services=[static("datagrams", *left, port=53, protocol="udp", vip=UDP)])
    agent.ctl("reload")
    wait.until("the backend is gone", lambda: agent.backends("datagrams") == 2)
    assert steps.do("sendto", "a", UDP, 53).split()[2] != gone


def test_a_udp_connect_to_a_service_of_any_protocol_is_not_counted(fleet, counted):
    fleet.ground.ask(HALF, 53, "udp")
    settled(counted, {})
