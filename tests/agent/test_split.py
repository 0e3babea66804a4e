# SPDX-License-Identifier: Apache-2.0
"""The connections of a service are split between several services of Cloud Map."""
import json

import pytest

from playground import wait
from playground.services import NAMESPACE, POLL, VIP, endpoints, from_cloudmap, register, static

STABLE, CANARY = {"backend-1", "backend-2"}, {"backend-3"}


def part(service, weight):
    return {"weight": weight, "cloudmap": {"namespace": NAMESPACE, "service": service, "poll": POLL}}


def split(*parts, **more):
    return {"name": "app", "vip": VIP, "port": 8080, "watch": "always", "split": [part(*p) for p in parts], **more}


def shares(agent):
    """What each backend gets, in percent, in the order of their addresses."""
    return [c["share_percent"] for c in json.loads(agent.ctl("explain", "app", "--json").stdout)["candidates"]]


def reload(agent, *services):
    agent.write(services=list(services))
    agent.ctl("reload")


@pytest.fixture
def both(cloud, ground):
    register(cloud, ground.network, "stable", numbers=(1, 2))
    return register(cloud, ground.network, "canary", numbers=(3,))


@pytest.fixture
def app(both, agent):
    """agent(parts) on two backends of `stable` and one of `canary`."""
    def start(*parts, **more):
        return agent(both, services=[split(*parts, **more)]).start().wait_backends("app", 3)
    return start


def test_a_part_gets_its_percentage_however_many_backends_it_has(ground, app):
    agent = app(("stable", 90), ("canary", 10))
    assert shares(agent) == [45, 45, 10]
    seen = ground.reach(VIP, 8080, 200)
    assert set(seen) == STABLE | CANARY
    assert 10 <= seen.count("backend-3") <= 30


def test_a_reload_of_weights_counts_at_once_and_asks_nobody(ground, both, app):
    agent = app(("stable", 90), ("canary", 10))
    both.fault("internal")
    wait.until("both fail twice", lambda: all(
        p["error"] and p["error"]["count"] > 1 for p in agent.service("app")["parts"]))
    told = [p["last_success_s"] for p in agent.service("app")["parts"]]
    reload(agent, split(("stable", 50), ("canary", 50)))
    wait.until("half and half", lambda: shares(agent) == [25, 25, 50])
    reload(agent, split(("stable", 0), ("canary", 100)))
    wait.until("all to the canary", lambda: shares(agent) == [0, 0, 100])
    assert set(ground.reach(VIP, 8080, 10)) == CANARY
    parts = agent.service("app")["parts"]
    assert [p["last_success_s"] for p in parts] == told
    assert [(p["weight"], p["backends"]) for p in parts] == [(0, 2), (100, 1)]
    assert all(p["error"]["count"] > 1 for p in parts)  # a source begun anew would count from 1


def test_no_connection_fails_while_the_weights_change(ground, app):
    agent = app(("stable", 100), ("canary", 0))
    steady = ground.steady(VIP, 8080)
    for canary in (10, 90, 100, 0, 50):
        reload(agent, split(("canary", canary), ("stable", 100 - canary)))
        wait.until(f"the canary has {canary} %", lambda share=canary: shares(agent)[2] == share)
    saw = steady.finish(STABLE | CANARY)
    assert saw["failed"] == {} and saw["held"] and set(saw["seen"]) == STABLE | CANARY


def test_an_empty_part_leaves_its_connections_to_the_others(ground, both, app):
    agent = app(("stable", 90), ("canary", 10), shrink_confirm="0s")
    both.deregister("canary", "i-3")
    agent.wait_backends("app", 2)
    assert shares(agent) == [50, 50]
    both.register("canary", "i-3", ground.network.backends[2].address, 8080)
    agent.wait_backends("app", 3)
    assert shares(agent) == [45, 45, 10]


def test_each_part_keeps_what_it_knows_by_itself(both, app):
    agent = app(("stable", 90), ("canary", 10))
    both.deregister("canary", "i-3")
    held = wait.until("the canary is held", lambda: agent.service("app")["parts"][1]["shrink"])
    assert (held["answered"], held["in_force"]) == (0, 1)
    service = agent.service("app")
    assert service["parts"][0]["shrink"] is None and service["backends"] == 3
    assert shares(agent) == [45, 45, 10]


def test_an_unhealthy_part_leaves_its_connections_to_a_healthy_one(both, app):
    agent = app(("stable", 50), ("canary", 50))
    both.health("canary", "i-3", "UNHEALTHY")
    wait.until("the canary gets nothing", lambda: shares(agent) == [50, 50, 0])
    both.health("canary", "i-3", "HEALTHY")
    wait.until("it gets its half again", lambda: shares(agent) == [25, 25, 50])


def test_an_endpoint_of_two_parts_gets_what_both_give_it(ground, both, app):
    agent = app(("stable", 60), ("canary", 40))
    both.register("canary", "i-2", ground.network.backends[1].address, 8080)
    wait.until("backend-2 has 30 and 20", lambda: shares(agent) == [30, 50, 20])
    assert [p["backends"] for p in agent.service("app")["parts"]] == [2, 2]
    assert agent.service("app")["backends"] == 3


def test_weights_of_instances_and_the_zone_count_within_a_part(ground, both, app):
    agent = app(("stable", 80), ("canary", 20), weights={"attribute": "WEIGHT"}, zone={"prefer": "a", "min": 1})
    address = [b.address for b in ground.network.backends]
    both.register("stable", "i-1", address[0], 8080, WEIGHT="3")
    wait.until("three to one", lambda: shares(agent) == [60, 20, 20])
    both.register("stable", "i-1", address[0], 8080, AVAILABILITY_ZONE="a")
    wait.until("the zone has all of its part", lambda: shares(agent) == [80, 0, 20])
    assert not agent.service("app")["zone"]["has_all"]
    both.register("canary", "i-3", address[2], 8080, AVAILABILITY_ZONE="a")
    wait.until("and of the other", lambda: agent.service("app")["zone"]["has_all"])


def test_a_service_becomes_a_split_and_back_without_losing_a_backend(ground, both, agent):
    plain = {"name": "app", "vip": VIP, "port": 8080, "watch": "always"}
    before = {**plain, "cloudmap": part("stable", 1)["cloudmap"]}
    mine = agent(both, services=[before]).start().wait_backends("app", 2)
    both.fault("internal")
    wait.until("nobody answers", lambda: mine.service("app")["error"])
    reload(mine, split(("stable", 90), ("canary", 10)))
    assert mine.backends("app") == 2 and shares(mine) == [50, 50]
    reload(mine, split(("stable", 0), ("canary", 100)))  # which has never answered
    assert shares(mine) == [50, 50] and set(ground.reach(VIP, 8080, 6)) == STABLE
    both.heal()
    wait.until("the canary has all", lambda: shares(mine) == [0, 0, 100])
    both.fault("internal")
    wait.until("nobody answers", lambda: all(p["error"] for p in mine.service("app")["parts"]))
    reload(mine, {**plain, "cloudmap": part("canary", 1)["cloudmap"]})
    assert mine.service("app")["parts"] is None
    wait.until("only the canary", lambda: mine.backends("app") == 1)
    assert set(ground.reach(VIP, 8080, 6)) == CANARY


def test_another_source_keeps_the_backends_until_it_answers(ground, both, agent):
    first = static("app", *endpoints(ground.network)[:2], vip=VIP)
    mine = agent(both, services=[first]).start().wait_backends("app", 2)
    both.fault("internal")
    reload(mine, split(("canary", 10), ("none", 90)))
    assert set(ground.reach(VIP, 8080, 6)) == STABLE
    both.heal()
    wait.until("the canary's backend", lambda: set(ground.reach(VIP, 8080, 3)) == CANARY)
    parts = wait.until("the other part fails", lambda: [
        p for p in mine.service("app")["parts"] if p["error"] and p["error"]["code"] == "ServiceNotFound"])
    assert [p["weight"] for p in parts] == [90]


def test_a_start_takes_the_parts_over_while_nobody_answers(ground, both, app):
    agent = app(("stable", 90), ("canary", 10))
    assert agent.stop() == 0
    both.fault("internal")
    agent.start()
    assert shares(agent) == [45, 45, 10]
    reload(agent, split(("stable", 50), ("canary", 50)))
    wait.until("half and half", lambda: shares(agent) == [25, 25, 50])
    both.heal()
    wait.until("both answer", lambda: all(p["error"] is None for p in agent.service("app")["parts"]))
    assert shares(agent) == [25, 25, 50]


def test_explain_tells_of_which_parts_a_backend_is(ground, both, app):
    agent = app(("stable", 90), ("canary", 10))
    both.register("canary", "i-2", ground.network.backends[1].address, 8080)
    parts = ["split[0] 90", "split[0] 90, split[1] 10", "split[1] 10"]
    told = wait.until("backend-2 is of both", lambda: [
        c for c in json.loads(agent.ctl("explain", "app", "--json").stdout)["candidates"] if c["split"] == parts[1]])
    assert [c["backend"] for c in told] == [f"{ground.network.backends[1].address}:8080"]
    explained = agent.ctl("explain", "app")
    assert [c["split"] for c in json.loads(agent.ctl("explain", "app", "--json").stdout)["candidates"]] == parts
    for part_ in parts:
        assert f"  {part_}  " in explained.stdout
    agent.write(services=[static("app", *endpoints(ground.network)[:1], vip=VIP)])  # and not told yet
    assert [c["split"] for c in json.loads(agent.ctl("explain", "app", "--json").stdout)["candidates"]] == [
        None, "split[0], split[1]", "split[1]"]


def test_status_and_metrics_tell_of_the_parts(both, app):
    agent = app(("stable", 90), ("canary", 10))
    service = agent.service("app")
    assert (service["source"], service["target"], service["backends"]) == ("split", None, 3)
    assert [(p["weight"], p["source"], p["target"], p["backends"]) for p in service["parts"]] == [
        (90, "cloudmap", f"{NAMESPACE}/stable", 2), (10, "cloudmap", f"{NAMESPACE}/canary", 1)]
    text = agent.ctl("status").stdout
    assert "    source: split\n" in text
    assert f"    split[0]: weight 90, cloudmap {NAMESPACE}/stable -> 2 backends, answered " in text
    assert agent.metric("shunt_source_last_success_timestamp_seconds", service="app") == min(
        p["last_success_s"] for p in agent.service("app")["parts"])
