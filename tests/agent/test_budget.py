# SPDX-License-Identifier: Apache-2.0
"""How often Cloud Map is called: the budget of a host, and what is in use before what is idle."""
import time

import pytest

from playground import wait
from playground.services import NAMESPACE, VIP, from_cloudmap, register

SERVICE = f"backend.{NAMESPACE}"

SERVICES = 10
LIMIT = 10


def calls(cloud):
    requests = cloud.stats()["requests"]
    return sum(sum(requests.get(o, {}).values()) for o in ("DiscoverInstances", "DiscoverInstancesRevision"))


@pytest.fixture
def one(cloud, ground, agent):
    register(cloud, ground.network)
    row = from_cloudmap(vip=VIP)
    del row["watch"]
    return agent(cloud, services=[row])


def test_an_account_that_has_reached_its_quota_slows_all_calls_down_until_it_has_not(cloud, one):
    one.start().wait_backends(SERVICE, 3)
    cloud.fault("throttle")

    def held_back():
        return one.status()["budget"]["held_back"]
    wait.until("calls are held back", held_back)
    assert one.status()["budget"]["refused"] > 0
    assert "is held back to" in one.ctl("status").stdout
    assert one.backends(SERVICE) == 3
    cloud.heal()
    wait.until("they are not any more", lambda: not held_back(), within=60)
    assert one.service(SERVICE)["error"] is None


def test_a_role_that_may_not_ask_for_revisions_asks_for_all_and_it_is_told(cloud, one):
    cloud.fault("denied", operation="DiscoverInstancesRevision")
    one.start().wait_backends(SERVICE, 3)
    lacking = wait.until("it is told", lambda: one.status()["budget"]["without_revisions"])
    assert lacking == {"sources": 1, "code": "AccessDeniedException"}
    assert "revisions are not told for 1 source (AccessDeniedException)" in one.ctl("status").stdout
    assert one.service(SERVICE)["error"] is None
    cloud.deregister("backend", "i-3")
    one.wait_backends(SERVICE, 2)


def test_a_service_is_in_use_once_a_task_has_connected(cloud, one):
    one.start().wait_backends(SERVICE, 3)
    assert one.service(SERVICE)["use"] == "assumed"
    one.ground.reach(VIP, 8080, 1)
    wait.until("it is seen", lambda: one.service(SERVICE)["use"] == "in use")


@pytest.fixture
def many(cloud, ground, agent):
    """Ten services that are to be asked for five times a second each, which would be 50 calls."""
    for i in range(SERVICES):
        register(cloud, ground.network, f"service-{i}", numbers=(1,))
    return agent(cloud, services=[from_cloudmap(f"service-{i}") for i in range(SERVICES)],
                 budget={"calls_per_second": LIMIT})


def test_no_more_calls_are_made_than_the_budget_has_and_nobody_starves(cloud, many):
    began = time.monotonic()
    many.start(within=30)

    def rounds():
        asked = cloud.stats()["services"]
        return min(sum(asked.get(f"service-{i}", {}).values()) for i in range(SERVICES))
    wait.until("each was asked for three times", lambda: rounds() >= 3)
    assert calls(cloud) <= LIMIT * (time.monotonic() - began + 1)

    many.write(budget={"calls_per_second": 400})
    many.ctl("reload")
    before, began = calls(cloud), time.monotonic()
    wait.until("more calls than were allowed before",
               lambda: calls(cloud) - before > 3 * LIMIT * (time.monotonic() - began + 1))
