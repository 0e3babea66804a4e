# SPDX-License-Identifier: Apache-2.0
"""Clients that connect without end while everything changes under them."""
import itertools
import time

import pytest

from playground import wait
from playground.services import NAMESPACE, VIP, endpoints, from_cloudmap, names, register, static

CHURN_S = 4


def turns():
    """Counts as fast as the caller goes, for CHURN_S."""
    deadline = time.monotonic() + CHURN_S
    return itertools.takewhile(lambda _: time.monotonic() < deadline, itertools.count())


def test_no_connect_fails_while_instances_come_and_go(cloud, ground, agent):
    register(cloud, ground.network, numbers=(1, 2))
    mine = agent(cloud, services=[from_cloudmap(vip=VIP)]).start().wait_backends(f"backend.{NAMESPACE}", 2)
    steady = ground.steady(VIP, 8080)
    for turn in turns():
        gone, come = turn % 3 + 1, (turn + 2) % 3 + 1
        cloud.register("backend", f"i-{come}", ground.network.backends[come - 1].address, 8080)
        cloud.deregister("backend", f"i-{gone}")
        mine.ctl("refresh", f"backend.{NAMESPACE}")
        kept = {f"backend-{n}" for n in (1, 2, 3) if n != gone}
        wait.until("the change is in force", lambda: set(ground.reach(VIP, 8080, 4)) == kept)
    seen = steady.finish(names(ground.network))
    assert seen["failed"] == {} and seen["held"] and seen["seen"].keys() == names(ground.network)


def test_a_removed_backend_gets_no_further_connect(cloud, ground, agent):
    register(cloud, ground.network)
    mine = agent(cloud, services=[from_cloudmap(vip=VIP)]).start().wait_backends(f"backend.{NAMESPACE}", 3)
    cloud.deregister("backend", "i-2")
    mine.wait_backends(f"backend.{NAMESPACE}", 2)
    assert set(ground.reach(VIP, 8080, 60)) == {"backend-1", "backend-3"}


@pytest.mark.parametrize("others", [1, 40])
def test_no_connect_reaches_another_service_while_services_come_and_go(ground, agent, others):
    first, second, third = endpoints(ground.network)
    mine = agent(services=[static("mine", first, vip=VIP)], environment={}).start()
    steady = ground.steady(VIP, 8080)
    for turn in turns():
        wanted = (second, third) if turn % 2 else (third,)
        rest = [static(f"other-{turn}-{i}", *wanted, vip=f"127.254.3.{i + 1}") for i in range(others)]
        mine.write(services=rest + [static("mine", first, vip=VIP)])
        mine.ctl("reload")
        wait.until("the others are in force", lambda: len(mine.show("services")["services"]) == others + 1)
    seen = steady.finish()
    assert seen["failed"] == {} and seen["held"] and seen["seen"].keys() == {"backend-1"}


def test_a_thousand_instances_are_one_set(cloud, ground, agent):
    cloud.service("many", NAMESPACE)
    for i in range(1000):
        cloud.register("many", f"i-{i}", f"10.200.{i // 250}.{i % 250 + 1}", 8080)
    mine = agent(cloud, services=[from_cloudmap("many", vip=VIP)]).start().wait_backends(f"many.{NAMESPACE}", 1000)
    backends = mine.show("backends")["backends"]
    assert len({(b["address"], b["port"]) for b in backends}) == 1000


def test_a_thousand_services_start_and_stop(ground, agent):
    services = [static(f"s{i}", *endpoints(ground.network), vip=f"127.254.{100 + i // 250}.{i % 250 + 1}")
                for i in range(1000)]
    mine = agent(services=services, environment={}).start()
    assert set(ground.reach("127.254.103.250", 8080, 9)) == names(ground.network)
    assert len(mine.show("services")["services"]) == 1000
    mine.write(services=services[:1])
    mine.ctl("reload")
    wait.until("one is left", lambda: len(mine.show("services")["services"]) == 1)
    assert ground.ask("127.254.103.250", 8080)[0] == "ECONNREFUSED"
