# SPDX-License-Identifier: Apache-2.0
"""Which backends get new connections, by the states that their source, the operator and probes give them."""
import pytest

from playground import wait
from playground.services import NAMESPACE, VIP, from_cloudmap, names, register

SERVICE = f"backend.{NAMESPACE}"


# --- Cloud Map --------------------------------------------------------------------------------------------

@pytest.fixture
def ailing(cloud, ground, agent):
    """Three backends, all of them unhealthy in Cloud Map."""
    register(cloud, ground.network)
    mine = agent(cloud, services=[from_cloudmap(vip=VIP)]).start().wait_backends(SERVICE, 3)
    for i in (1, 2, 3):
        cloud.health("backend", f"i-{i}", "UNHEALTHY")
    wait.until("all of them are unhealthy", lambda: set(mine.states(SERVICE).values()) == {"unhealthy"})
    return mine


def test_all_are_used_while_none_is_healthy(ailing):
    assert set(ailing.ground.reach(VIP, 8080, 9)) == names(ailing.ground.network)
    assert set(ailing.reasons(SERVICE).values()) == {("unhealthy", "its source says so")}
    assert " unhealthy: its source says so\n" in ailing.ctl("status").stdout
    assert {why for _, _, why in ailing.candidates(VIP).values()} == {"picked: no backend is healthy"}
    assert ailing.metric("shunt_backends", service=SERVICE, state="unhealthy") == 3


def test_the_first_that_is_healthy_gets_everything_and_the_others_stay(cloud, ailing):
    assert ailing.service(SERVICE)["notes"] == ["no IPv4 backend is healthy: all are used"]
    cloud.health("backend", "i-2", "HEALTHY")
    wait.until("backend-2 alone is reached", lambda: set(ailing.ground.reach(VIP, 8080, 6)) == {"backend-2"})
    assert ailing.service(SERVICE)["shrink"] is None and ailing.service(SERVICE)["notes"] == []
    assert ailing.metric("shunt_backends", service=SERVICE, state="unhealthy") == 2
    assert sorted(ailing.states(SERVICE).values()) == ["healthy", "unhealthy", "unhealthy"]
    healthy = f"{ailing.ground.network.backends[1].address}:8080"
    assert {at: told for at, told in ailing.candidates(VIP).items() if at != healthy} == {
        at: (0, "unhealthy", "not picked: others are healthy") for at in ailing.states(SERVICE) if at != healthy}
