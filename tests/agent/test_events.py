# SPDX-License-Identifier: Apache-2.0
"""Connects under way: they end in time and are timed, and nobody pays for that who does not ask."""
import pytest

from playground import wait
from playground.services import static

VIP, DEAF_VIP, DEAF = "127.254.0.10", "127.254.0.11", "127.0.0.9"


@pytest.fixture
def services(ground):
    """services(connect_timeout=...) makes the rows of one service that answers and one that does not."""
    answers = f"{ground.network.backends[0].address}:8080"

    def rows(**asked):
        return [static("good", answers, vip=VIP, **asked), static("deaf", f"{DEAF}:9", vip=DEAF_VIP, **asked)]
    return rows


@pytest.fixture
def steps(ground):
    made = ground.steps()
    assert made.do("deaf", "server", DEAF, 9) == "listening"
    yield made
    made.do("close", "server")


def is_attached(agent):
    return (agent.pins / "link_sock_ops").exists()


def reload(agent, services):
    agent.write(services=services)
    agent.ctl("reload")


def test_a_connect_that_nobody_answers_fails_in_time(agent, services, steps):
    agent = agent(services=services(connect_timeout="300ms")).start()
    assert steps.do("connect", "a", DEAF_VIP, 8080) == "ETIMEDOUT"
    assert steps.do("timeout", "a") == "0"
    wait.until("the failure is counted",
               lambda: agent.metric("shunt_connect_failures_total", service="deaf", reason="timeout") == 1)


def test_an_established_connection_keeps_the_timeout_it_had(agent, services, steps):
    agent(services=services(connect_timeout="5s")).start()
    assert steps.do("connect", "a", VIP, 8080) == f"ok {VIP} 8080"
    assert steps.do("timeout", "a") == "0"
    steps.do("start", "b", DEAF_VIP, 8080)
    assert steps.do("timeout", "b") == "5000"
    steps.do("disconnect", "b")
    assert steps.do("timeout", "b") == "0"


def test_it_is_in_force_without_the_agent_and_after_its_successor_has_come(agent, services, steps):
    agent = agent(services=services(connect_timeout="300ms")).start()
    agent.kill()
    assert steps.do("connect", "a", DEAF_VIP, 8080) == "ETIMEDOUT"
    agent.start()
    assert steps.do("connect", "b", DEAF_VIP, 8080) == "ETIMEDOUT"


def test_the_program_is_attached_only_while_a_service_asks(agent, services, steps):
    agent = agent(services=services()).start()
    assert not is_attached(agent)
    reload(agent, services(connect_timeout="60s"))
    wait.until("it is attached", lambda: is_attached(agent))
    steps.do("start", "a", DEAF_VIP, 8080)
    assert steps.do("timeout", "a") == "60000"
    reload(agent, services())
    wait.until("the new rules are in force", lambda: steps.do("start", "b", DEAF_VIP, 8080) == "started" and
               steps.do("timeout", "b") == "0" and steps.do("close", "b"))
    assert is_attached(agent), "it has yet to give the first socket its own timeout back"
    steps.do("disconnect", "a")
    assert steps.do("timeout", "a") == "0"
    wait.until("it is taken off", lambda: not is_attached(agent))
    assert agent.get("/readyz")[0] == 200 and agent.status()["problems"] == []


def test_a_successor_that_is_not_asked_takes_it_off(agent, services):
    agent = agent(services=services(connect_timing=True)).start()
    assert is_attached(agent)
    assert agent.stop() == 0
    agent.write(services=services())
    agent.start()
    wait.until("it is taken off", lambda: not is_attached(agent))


def test_connects_of_a_service_that_asks_are_timed(agent, services, steps):
    asking, silent = services(connect_timing=True)[0], services()[1]
    agent = agent(services=[asking, silent]).start()
    agent.ground.reach(VIP, 8080, 5)
    samples = agent.metrics()
    assert {labels["service"] for labels, _ in samples["shunt_connect_duration_seconds_bucket"]} == {"good"}
    assert agent.metric("shunt_connect_duration_seconds_count", service="good") == 5
    assert agent.metric("shunt_connect_duration_seconds_bucket", service="good", le="+Inf") == 5
    assert 0 < agent.metric("shunt_connect_duration_seconds_sum", service="good") < 60
    assert agent.stop() == 0
    counters = {c["service"]: c for c in agent.show("counters")["counters"]}
    assert 0 < counters["good"]["connect_p50_us"] <= counters["good"]["connect_p99_us"]
    assert counters["deaf"]["connect_p50_us"] is None


def test_who_is_in_the_way_is_told_and_connects_go_on(agent, ground, services, steps):
    with ground.exclusive("sockops", "sock_ops"):
        agent = agent(services=services(connect_timeout="300ms")).start()
        assert steps.do("connect", "a", VIP, 8080) == f"ok {VIP} 8080"
        problems = agent.status()["problems"]
        assert len(problems) == 1 and "is attached to sock_ops exclusively" in problems[0]
        assert "connect_timeout, connect_timing and limits.pending are not in force" in agent.logged()
    wait.until("it is in force after all", lambda: is_attached(agent))
    wait.until("nothing is wrong any more", lambda: agent.status()["problems"] == [])


def test_only_so_many_connections_may_be_pending(agent, services, steps):
    agent = agent(services=services(limits={"pending": 2})).start()
    steps.do("start", "a", DEAF_VIP, 8080)
    steps.do("start", "b", DEAF_VIP, 8080)
    assert steps.do("connect", "c", DEAF_VIP, 8080) == "ECONNREFUSED"
    assert agent.metric("shunt_connects_total", service="deaf", result="limited") == 1
    steps.do("close", "a")
    wait.until("its place is free", lambda: steps.do("start", "c", DEAF_VIP, 8080) == "started"
               and agent.metric("shunt_connections_active", service="deaf") == 2)


def test_what_is_established_is_not_pending_any_more(agent, services, steps):
    agent = agent(services=services(limits={"pending": 1})).start()
    for name in "abcd":
        assert steps.do("connect", name, VIP, 8080) == f"ok {VIP} 8080"
    assert agent.metric("shunt_connects_total", service="good", result="limited") == 0
    assert agent.metric("shunt_connections_active", service="good") == 4
