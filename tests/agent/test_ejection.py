# SPDX-License-Identifier: Apache-2.0
"""Backends that fail connections are avoided by the kernel, and limits are kept: as users see it."""
import pytest

from playground import wait
from playground.services import VIP, endpoints, names, static

RULES = {"failures": 5, "within": "30s", "base": "2s", "max": "60s"}
LONG = {**RULES, "base": "60s"}
REFUSED = "ECONNREFUSED"


@pytest.fixture
def serving(ground, agent):
    """An agent with one service, two of whose three backends are real; the other refuses."""
    def serve(**more):
        backends = ground.network.backends
        places = [f"{b.address}:8080" for b in backends[:2]] + [f"{backends[2].address}:9"]
        return agent(environment={}, services=[static("web", *places, vip=VIP, **more)]).start()
    return serve


def refusals(ground, times, cgroup):
    return ground.reach(VIP, 8080, times, cgroup=cgroup).count(REFUSED)


def wait_state(agent, place, state):
    wait.until(f"{place} is {state}", lambda: agent.states("web")[place] == state)


def test_one_task_alone_is_kept_away_from_what_fails_it(ground, serving):
    agent = serving(ejection=LONG)
    one, other = ground.task("one"), ground.task("other")
    assert refusals(ground, 60, one) == 5
    assert refusals(ground, 60, one) == 0
    bad = f"{ground.network.backends[2].address}:9"
    wait.until("status tells it", lambda: agent.reasons("web").get(bad) == (
        "healthy", "1 task avoids it: its connections to it failed"))
    assert agent.metric("shunt_ejections_total", service="web") == 0
    assert refusals(ground, 12, other) == 1
    assert agent.metric("shunt_ejections_total", service="web") == 1


def test_what_two_tasks_agree_on_is_ejected_for_the_host(ground, serving):
    agent = serving(ejection=LONG)
    bad = f"{ground.network.backends[2].address}:9"
    assert refusals(ground, 9, ground.task("one")) + refusals(ground, 60, ground.task("two")) == 5
    assert refusals(ground, 60, ground.task("three")) == 0
    wait_state(agent, bad, "ejected")
    wait.until("status says why", lambda: bad in agent.reasons("web"))
    state, why = agent.reasons("web")[bad]
    assert state == "ejected" and why.startswith("connections to it failed; ejected for 6")
    assert agent.metric("shunt_backends", service="web", state="ejected") == 1
    assert agent.metric("shunt_ejections_total", service="web") == 1
    assert agent.candidates(VIP)[bad] == (0, "ejected", "not picked: ejected, connections to it failed")
    assert f"Backend ejected service=web backend={bad} why='connections to it failed; ejected for" in agent.logged()


def test_an_ejected_backend_is_used_when_its_family_has_no_other(ground, agent):
    bad = f"{ground.network.backends[2].address}:9"
    agent = agent(environment={}, services=[static("web", bad, "[fd00::1]:9", vip=VIP, ejection=LONG)]).start()
    assert refusals(ground, 5, ground.task("one")) + refusals(ground, 5, ground.task("two")) == 10
    wait_state(agent, bad, "ejected")
    assert agent.candidates(VIP)[bad] == (100, "ejected", "picked: too many are ejected")


def test_the_kernel_ejects_while_the_agent_is_dead(ground, serving):
    agent = serving(ejection=LONG)
    agent.kill()
    assert refusals(ground, 9, ground.task("one")) + refusals(ground, 60, ground.task("two")) == 5
    assert refusals(ground, 60, ground.task("three")) == 0
    assert agent.states("web")[f"{ground.network.backends[2].address}:9"] == "ejected"
    agent.start()
    assert agent.metric("shunt_backends", service="web", state="ejected") == 1
    assert refusals(ground, 60, ground.task("four")) == 0


def test_after_its_time_one_connection_tries_it(ground, serving):
    agent = serving(ejection=RULES)
    bad = f"{ground.network.backends[2].address}:9"
    assert refusals(ground, 9, ground.task("one")) + refusals(ground, 60, ground.task("two")) >= 5
    wait_state(agent, bad, "ejected")
    wait.until("it is tried, and fails", lambda: (ground.reach(VIP, 8080, 3, cgroup=ground.tasks[0]),
                                                  agent.metric("shunt_ejections_total", service="web"))[1] == 2,
               within=20)
    assert refusals(ground, 30, ground.tasks[0]) == 0


def test_a_drained_backend_does_not_count_among_those_that_are_ejected(ground, agent):
    bad = [f"{ground.network.backends[2].address}:{port}" for port in (9, 10)]
    good = endpoints(ground.network)[:2]
    agent = agent(environment={}, services=[static("web", *good, *bad, vip=VIP, ejection=LONG)]).start()
    for task in ("one", "two"):
        refusals(ground, 60, ground.task(task))
    for place in bad:
        wait_state(agent, place, "ejected")
    watching = ground.task("three")
    assert refusals(ground, 30, watching) == 0  # two of four are left: no panic yet
    agent.ctl("drain", bad[0])
    assert refusals(ground, 30, watching) == 0  # and two of three
    assert agent.candidates(VIP)[bad[1]][2] == "not picked: ejected, connections to it failed"
    agent.ctl("drain", good[0])
    assert refusals(ground, 30, watching) == 0  # one of two
    agent.ctl("undrain", bad[0])
    assert refusals(ground, 30, watching) > 0  # one of three: all are used
    assert agent.candidates(VIP)[bad[1]][2] == "picked: too many are ejected"


def test_without_ejection_nothing_is_avoided(ground, serving):
    serving(ejection=False)
    # the turns are those of a CPU, and a client may change it
    assert 16 <= refusals(ground, 60, ground.task("one")) <= 24
    assert 16 <= refusals(ground, 60, ground.task("two")) <= 24


def test_a_reload_ends_ejections_that_are_not_wanted_any_more(ground, serving):
    agent = serving(ejection=LONG)
    bad = f"{ground.network.backends[2].address}:9"
    assert refusals(ground, 9, ground.task("one")) + refusals(ground, 60, ground.task("two")) == 5
    wait_state(agent, bad, "ejected")
    agent.write(services=[dict(agent.config["services"][0], ejection=False)])
    agent.ctl("reload")
    assert refusals(ground, 30, ground.task("three")) >= 7
    wait_state(agent, bad, "healthy")
    assert agent.metric("shunt_backends", service="web", state="ejected") == 0


def test_after_ejection_was_off_a_backend_is_ejected_anew(ground, serving):
    agent = serving(ejection=LONG)
    bad = f"{ground.network.backends[2].address}:9"
    assert refusals(ground, 9, ground.task("one")) + refusals(ground, 60, ground.task("two")) == 5
    wait_state(agent, bad, "ejected")
    for ejection, state in ((False, "healthy"), (LONG, "healthy")):
        agent.write(services=[dict(agent.config["services"][0], ejection=ejection)])
        agent.ctl("reload")
        wait_state(agent, bad, state)
    assert refusals(ground, 9, ground.task("three")) + refusals(ground, 60, ground.task("four")) == 5
    wait_state(agent, bad, "ejected")


@pytest.fixture
def limited(ground, agent):
    def serve(limits):
        return agent(environment={}, services=[
            static("web", *endpoints(ground.network), vip=VIP, limits=limits)]).start()
    return serve


def test_connections_beyond_the_limit_are_refused_at_once(ground, limited):
    agent = limited({"connections": 2})
    steps = ground.steps()
    assert [steps.do("connect", name, VIP, 8080).split()[0] for name in "abc"] == ["ok", "ok", REFUSED]
    assert agent.metric("shunt_connects_total", service="web", result="limited") == 1
    assert agent.metric("shunt_connects_total", service="web", result="no_backend") == 0
    steps.do("close", "a")
    wait.until("its place is free", lambda: steps.do("connect", "c", VIP, 8080).startswith("ok"))


def test_a_backend_that_has_all_it_may_is_passed_over(ground, limited):
    agent = limited({"per_backend": 2})
    steps = ground.steps()
    for number in range(6):
        assert steps.do("connect", f"s{number}", VIP, 8080).startswith("ok")
    assert sorted(steps.do("who", f"s{number}") for number in range(6)) == sorted(2 * list(names(ground.network)))
    assert steps.do("connect", "more", VIP, 8080) == REFUSED
    assert agent.metric("shunt_connects_total", service="web", result="limited") == 1


def test_least_connections_fills_up_the_one_that_has_fewer(ground, agent):
    agent(environment={}, services=[
        static("web", *endpoints(ground.network), vip=VIP, balance="least_connections")]).start()
    steps = ground.steps()
    for number in range(60):
        assert steps.do("connect", f"s{number}", VIP, 8080).startswith("ok")
    reached = [steps.do("who", f"s{number}") for number in range(60)]
    assert all(16 <= reached.count(name) <= 24 for name in names(ground.network)), reached
