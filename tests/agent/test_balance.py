# SPDX-License-Identifier: Apache-2.0
"""Who gets which backend, by "balance" and "affinity"."""
import json

import pytest

from playground import wait
from playground.services import NAMESPACE, VIP, endpoints, from_cloudmap, names, static


@pytest.fixture
def balanced(ground, agent):
    def start(**keys):
        return agent(services=[static("b", *endpoints(ground.network), vip=VIP, **keys)], environment={}).start()
    return start


def test_random_reaches_everybody_and_repeats_itself(ground, balanced):
    balanced(balance="random")
    seen = ground.reach(VIP, 8080, 60)
    assert set(seen) == names(ground.network)
    assert any(a == b for a, b in zip(seen, seen[1:]))


def test_a_task_keeps_its_backend_and_tasks_are_spread(ground, balanced):
    balanced(balance="maglev")
    of_tasks = set()
    for n in range(100):  # by lot: a few are enough
        task = ground.task(f"ecstasks-{n}.slice")
        container = ground.task(f"ecstasks-{n}.slice/docker-{n}.scope")
        seen = set(ground.reach(VIP, 8080, 3, cgroup=task) + ground.reach(VIP, 8080, 3, cgroup=container))
        assert len(seen) == 1
        of_tasks |= seen
        if of_tasks == names(ground.network):
            return
    raise AssertionError(f"all tasks have got {of_tasks}")


def test_a_process_above_all_tasks_keeps_its_backend_too(ground, balanced):
    balanced(balance="maglev", affinity="task")
    assert len(set(ground.reach(VIP, 8080, 12))) == 1


def test_sockets_are_spread_by_their_cookies(ground, balanced):
    balanced(balance="maglev", affinity="socket")
    assert set(ground.reach(VIP, 8080, 60)) == names(ground.network)


def test_a_reload_changes_the_policy_and_all_tools_say_so(ground, balanced):
    agent = balanced()
    assert agent.service("b")["balance"] == "round_robin"
    agent.write(services=[static("b", *endpoints(ground.network), vip=VIP, balance="maglev")])
    agent.ctl("reload")
    assert len(set(ground.reach(VIP, 8080, 6))) == 1
    assert (agent.service("b")["balance"], agent.service("b")["affinity"]) == ("maglev", "task")
    assert "    balance: maglev by task\n" in agent.ctl("status").stdout
    shown = agent.show("services")["services"][0]
    assert (shown["balance"], shown["affinity"]) == ("maglev", "task")
    explained = json.loads(agent.ctl("explain", "b", "--json").stdout)
    assert explained["answers"][0]["why"] == "redirected to b: 3 backends by task"
    for candidate in explained["candidates"]:
        assert candidate["why"] == "picked for its share of the tasks"
        assert 33 <= candidate["share_percent"] <= 34


def test_weights_come_from_an_attribute_of_the_instances(ground, cloud, agent):
    cloud.service("backend", NAMESPACE)
    for n, weight in enumerate(("8", "1", "heavy")):
        cloud.register("backend", f"i-{n + 1}", ground.network.backends[n].address, 8080, WEIGHT=weight)
    mine = agent(cloud, services=[from_cloudmap(vip=VIP, weights={"attribute": "WEIGHT"})]).start()
    mine.wait_backends(f"backend.{NAMESPACE}", 3)
    explained = json.loads(mine.ctl("explain", f"backend.{NAMESPACE}", "--json").stdout)["candidates"]
    assert [(c["weight"], c["share_percent"]) for c in explained] == [(8, 80), (1, 10), (1, 10)]
    seen = ground.reach(VIP, 8080, 40)
    assert seen.count("backend-1") > 20 and set(seen) == names(ground.network)
    assert mine.service(f"backend.{NAMESPACE}")["misweighted"] == {
        "count": 1, "why": "instance i-3: WEIGHT got 'heavy', wanted 1 to 1000"}
    cloud.register("backend", "i-3", ground.network.backends[2].address, 8080, WEIGHT="91")
    wait.until("the new weight counts", lambda: mine.show()["backends"][2]["weight"] == 91)
    assert mine.service(f"backend.{NAMESPACE}")["misweighted"] is None


def test_the_zone_has_everything_while_enough_in_it_are_there(ground, agent):
    path = ground.scratch / "endpoints"
    first, second, third = endpoints(ground.network)
    path.write_text(f"{first} zone=a\n{second} zone=a\n{third} zone=b\n", encoding="utf-8")
    mine = agent(environment={}, services=[{"name": "z", "vip": VIP, "port": 8080, "static": {"file": str(path)},
                                            "zone": {"prefer": "a", "min": 2}}]).start().wait_backends("z", 3)
    assert set(ground.reach(VIP, 8080, 30)) == {"backend-1", "backend-2"}
    assert mine.service("z")["zone"] == {"prefer": "a", "min": 2, "has_all": True}
    why = json.loads(mine.ctl("explain", "z", "--json").stdout)["candidates"][2]["why"]
    assert why == "not picked: enough are in the preferred zone"
    path.write_text(f"{first} zone=a\n{third} zone=b\n", encoding="utf-8")
    mine.wait_backends("z", 2)
    assert set(ground.reach(VIP, 8080, 10)) == {"backend-1", "backend-3"}
    assert not mine.service("z")["zone"]["has_all"]


def test_a_new_backend_gets_its_share_little_by_little(ground, agent):
    path = ground.scratch / "endpoints"
    first, second, third = endpoints(ground.network)
    path.write_text(f"{first}\n{second}\n", encoding="utf-8")

    def rows(slow_start):
        return [{"name": "s", "vip": VIP, "port": 8080, "static": {"file": str(path)}, "slow_start": slow_start}]

    mine = agent(environment={}, services=rows("1m")).start().wait_backends("s", 2)

    def shares():
        return [c["share_percent"] for c in json.loads(mine.ctl("explain", "s", "--json").stdout)["candidates"]]

    assert shares() == [50, 50]
    path.write_text(f"{first}\n{second}\n{third}\n", encoding="utf-8")
    mine.wait_backends("s", 3)
    begun = shares()[2]
    assert begun < 20 and mine.service("s")["slow_starting"] == 1
    wait.until("it has got more", lambda: shares()[2] > begun)
    assert mine.service("s")["slow_starting"] == 1
    mine.write(services=rows("1s"))
    mine.ctl("reload")
    wait.until("it has got all", lambda: not mine.service("s")["slow_starting"])
    wait.until("all have the same", lambda: len(set(shares())) == 1)
