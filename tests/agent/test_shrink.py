# SPDX-License-Identifier: Apache-2.0
"""A shrink is held until it has been repeated for shrink_confirm; anything else counts at once."""
import time

import pytest

from playground import wait
from playground.services import NAMESPACE, VIP, from_cloudmap, names, register

SERVICE = f"backend.{NAMESPACE}"
CONFIRM_S = 2


@pytest.fixture
def watched(cloud, ground, agent):
    register(cloud, ground.network)
    mine = agent(cloud, services=[from_cloudmap(vip=VIP, shrink_confirm=f"{CONFIRM_S}s")])
    return mine.start().wait_backends(SERVICE, 3)


def deregister(cloud, *numbers):
    for n in numbers:
        cloud.deregister("backend", f"i-{n}")


def test_an_instance_more_or_less_counts_at_once(cloud, watched):
    deregister(cloud, 3)
    watched.wait_backends(SERVICE, 2, within=2)
    cloud.register("backend", "i-3", watched.ground.network.backends[2].address, 8080)
    watched.wait_backends(SERVICE, 3, within=2)


@pytest.mark.parametrize("gone, left", [((1, 2), 1), ((1, 2, 3), 0)])
def test_a_shrink_is_held_and_then_believed(cloud, watched, gone, left):
    deregister(cloud, *gone)
    began = time.monotonic()
    held = wait.until("status says that it is held", lambda: watched.service(SERVICE)["shrink"])
    assert held["answered"] == left
    wait.holds("three backends", lambda: watched.backends(SERVICE) == 3, during=CONFIRM_S - 0.5)
    watched.wait_backends(SERVICE, left, within=3)
    assert time.monotonic() - began >= CONFIRM_S - 0.3
    assert watched.service(SERVICE)["shrink"] is None


def test_a_shrink_that_is_taken_back_is_forgotten(cloud, watched):
    cloud.fault("empty_answer")
    wait.until("status says that it is held", lambda: watched.service(SERVICE)["shrink"])
    cloud.heal()
    wait.until("status forgets it", lambda: watched.service(SERVICE)["shrink"] is None, within=2)
    wait.holds("three backends", lambda: watched.backends(SERVICE) == 3, during=CONFIRM_S)


def test_an_error_in_between_never_counts_as_a_repetition(cloud, watched):
    cloud.fault("empty_answer", times=1)
    wait.until("the empty answer was given", lambda: cloud.stats()["requests"]["DiscoverInstances"].get("empty_answer"))
    cloud.fault("internal")
    wait.holds("three backends", lambda: watched.backends(SERVICE) == 3, during=CONFIRM_S + 1)
    assert set(watched.ground.reach(VIP, 8080, 6)) == names(watched.ground.network)


def test_additions_of_a_shrink_count_at_once(cloud, watched):
    deregister(cloud, 1, 2, 3)
    wait.until("status says that it is held", lambda: watched.service(SERVICE)["shrink"])
    cloud.register("backend", "i-9", watched.ground.network.backends[0].address, 8081)
    watched.wait_backends(SERVICE, 4, within=2)
    watched.wait_backends(SERVICE, 1, within=CONFIRM_S + 2)


def test_health_that_is_lost_everywhere_keeps_everybody(cloud, watched):
    for i in (1, 2, 3):
        cloud.health("backend", f"i-{i}", "UNHEALTHY")
    wait.holds("backends", lambda: set(watched.ground.reach(VIP, 8080, 3)) <= names(watched.ground.network), during=1)


def test_an_unhealthy_instance_gets_no_more_connections(cloud, watched):
    cloud.health("backend", "i-1", "UNHEALTHY")
    others = {"backend-2", "backend-3"}
    wait.until("backend-1 is not reached", lambda: set(watched.ground.reach(VIP, 8080, 6)) == others, within=2)
    cloud.health("backend", "i-1", "HEALTHY")
    wait.until("backend-1 is back", lambda: "backend-1" in watched.ground.reach(VIP, 8080, 6), within=2)


def test_one_bad_instance_does_not_take_the_others_with_it(cloud, watched):
    cloud.fault("wrong_content", what="one_bad")
    told = wait.until("status tells that one was left out", lambda: watched.service(SERVICE)["rejected"])
    assert told["count"] == 1 and "not an address" in told["why"]
    assert watched.backends(SERVICE) == 3
