# SPDX-License-Identifier: Apache-2.0
"""A shrink is held until it has been repeated for shrink_confirm; anything else counts at once."""
import time

import pytest

from playground import wait
from playground.services import NAMESPACE, VIP, from_cloudmap, names, register

SERVICE = f"backend.{NAMESPACE}"
CONFIRM_S = 1


def rows(confirm):
    return [from_cloudmap(vip=VIP, shrink_confirm=confirm)]


@pytest.fixture
def watching(cloud, ground, agent):
    """watching(shrink_confirm) starts an agent that has three backends."""
    register(cloud, ground.network)
    return lambda confirm: agent(cloud, services=rows(confirm)).start().wait_backends(SERVICE, 3)


@pytest.fixture
def watched(watching):
    return watching(f"{CONFIRM_S}s")


@pytest.fixture
def patient(watching):
    """One that believes no shrink while a test lasts."""
    return watching("1h")


def deregister(cloud, watching_agent, *numbers):
    """All of them between two answers."""
    cloud.fault("internal", operation="DiscoverInstances")
    for n in numbers:
        cloud.deregister("backend", f"i-{n}")
    cloud.heal()
    watching_agent.ctl("refresh", SERVICE)


def wait_held(watching_agent):
    return wait.until("status says that it is held", lambda: watching_agent.service(SERVICE)["shrink"])


def test_an_instance_more_or_less_counts_at_once(cloud, patient):
    cloud.deregister("backend", "i-3")
    patient.wait_backends(SERVICE, 2)
    cloud.register("backend", "i-3", patient.ground.network.backends[2].address, 8080)
    patient.wait_backends(SERVICE, 3)


@pytest.mark.parametrize("gone, left", [((1, 2), 1), ((1, 2, 3), 0)])
def test_a_shrink_is_held_and_told(cloud, patient, gone, left):
    deregister(cloud, patient, *gone)
    assert wait_held(patient)["answered"] == left
    wait.holds("three backends", lambda: patient.backends(SERVICE) == 3)
    assert patient.service(SERVICE)["shrink"]


@pytest.mark.parametrize("gone, left", [((1, 2), 1), ((1, 2, 3), 0)])
def test_a_shrink_is_believed_when_it_has_been_repeated_for_long_enough(cloud, watched, gone, left):
    began = time.monotonic()
    deregister(cloud, watched, *gone)
    watched.wait_backends(SERVICE, left)
    assert time.monotonic() - began >= CONFIRM_S
    assert watched.service(SERVICE)["shrink"] is None


def test_a_shrink_that_is_taken_back_is_forgotten(cloud, patient):
    cloud.fault("empty_answer")
    wait_held(patient)
    cloud.heal()
    wait.until("status forgets it", lambda: patient.service(SERVICE)["shrink"] is None)
    assert patient.backends(SERVICE) == 3


def test_an_error_in_between_never_counts_as_a_repetition(cloud, watched):
    cloud.control(faults=[{"operation": "DiscoverInstances", "kind": "empty_answer", "times": 1},
                          {"operation": "DiscoverInstances", "kind": "internal"}])
    wait.until("errors follow", lambda: watched.service(SERVICE)["error"])
    assert cloud.stats()["requests"]["DiscoverInstances"]["empty_answer"] == 1
    wait.holds("three backends", lambda: watched.backends(SERVICE) == 3, during=2 * CONFIRM_S)
    assert set(watched.ground.reach(VIP, 8080, 6)) == names(watched.ground.network)


def test_additions_of_a_shrink_count_at_once(cloud, patient):
    deregister(cloud, patient, 1, 2, 3)
    wait_held(patient)
    cloud.register("backend", "i-9", patient.ground.network.backends[0].address, 8081)
    patient.wait_backends(SERVICE, 4)
    patient.write(services=rows("0s"))
    patient.ctl("reload")
    patient.wait_backends(SERVICE, 1)


def test_health_that_is_lost_everywhere_keeps_everybody(cloud, watched):
    for i in (1, 2, 3):
        cloud.health("backend", f"i-{i}", "UNHEALTHY")
    wait.holds("backends", lambda: set(watched.ground.reach(VIP, 8080, 3)) <= names(watched.ground.network), during=1)


def test_an_unhealthy_instance_gets_no_more_connections(cloud, watched):
    cloud.health("backend", "i-1", "UNHEALTHY")
    others = {"backend-2", "backend-3"}
    wait.until("backend-1 is not reached", lambda: set(watched.ground.reach(VIP, 8080, 6)) == others)
    cloud.health("backend", "i-1", "HEALTHY")
    wait.until("backend-1 is back", lambda: "backend-1" in watched.ground.reach(VIP, 8080, 6))


def test_one_bad_instance_does_not_take_the_others_with_it(cloud, watched):
    cloud.fault("wrong_content", what="one_bad")
    told = wait.until("status tells that one was left out", lambda: watched.service(SERVICE)["rejected"])
    assert told["count"] == 1 and "not an address" in told["why"]
    assert watched.backends(SERVICE) == 3
