# SPDX-License-Identifier: Apache-2.0
"""Instances of Cloud Map that have a name in the place of an address: what it leads to is followed."""
import pytest

from playground import wait
from playground.services import NAMESPACE, from_cloudmap

LONG_S = 30
SERVICE = f"app.{NAMESPACE}"
HOSTS = f"hosts.{NAMESPACE}"


@pytest.fixture
def app(cloud, agent):
    """An agent of a service with one address, and one name that leads to two."""
    register_hosts(cloud, 1, 2)
    cloud.service("app", NAMESPACE, records=())
    cloud.register("app", "i-address", "10.77.1.9", 9000)
    cloud.register("app", "i-name", port=9001, AWS_INSTANCE_CNAME=HOSTS, AVAILABILITY_ZONE="z1")
    mine = agent(cloud, dns={"servers": [cloud.dns], "ttl_min": "100ms", "ttl_max": "1s"}, services=[from_cloudmap("app")])
    return mine.start().wait_backends(SERVICE, 3, LONG_S)


def register_hosts(cloud, *numbers):
    cloud.service("hosts", NAMESPACE, records=[("A", 0)], health=False)
    for n in numbers:
        cloud.register("hosts", f"h-{n}", f"10.77.1.{n}")


def backends(agent):
    return {b["backend"]: b["zone"] for b in agent.show()["backends"] if b["service"] == SERVICE}


def fail_dns(cloud, kind="servfail"):
    cloud.control(faults=[{"channel": "dns", "kind": kind, "service": HOSTS}])


def test_an_instance_has_the_addresses_of_its_name(cloud, app):
    assert backends(app) == {"10.77.1.9:9000": None, "10.77.1.1:9001": "z1", "10.77.1.2:9001": "z1"}
    cloud.register("hosts", "h-3", "10.77.1.3")
    cloud.deregister("hosts", "h-1")
    wait.until("its new addresses are in force", lambda: set(backends(app)) == {
        "10.77.1.9:9000", "10.77.1.2:9001", "10.77.1.3:9001"}, LONG_S)
    cloud.health("app", "i-name", "UNHEALTHY")
    wait.until("its health is theirs", lambda: app.states(SERVICE) == {
        "10.77.1.9:9000": "healthy", "10.77.1.2:9001": "unhealthy", "10.77.1.3:9001": "unhealthy"}, LONG_S)
    cloud.register("app", "i-balancer", port=443, AWS_ALIAS_DNS_NAME=HOSTS)
    app.wait_backends(SERVICE, 5, LONG_S)
    cloud.deregister("app", "i-name")
    wait.until("those of the balancer stay", lambda: set(backends(app)) == {
        "10.77.1.9:9000", "10.77.1.2:443", "10.77.1.3:443"}, LONG_S)


def test_a_name_that_cannot_be_looked_up_keeps_its_addresses(cloud, app):
    fail_dns(cloud)
    wait.until("it is told", lambda: app.service(SERVICE)["note"] == f"{HOSTS} stays as it was: SERVFAIL", LONG_S)
    assert app.backends(SERVICE) == 3
    cloud.register("app", "i-more", "10.77.1.8", 9000)
    app.wait_backends(SERVICE, 4, LONG_S)
    app.stop()
    app.start()
    wait.until("it is told who was left out", lambda: app.service(SERVICE)["rejected"], LONG_S)
    assert app.service(SERVICE)["rejected"] == {"count": 1, "why": f"instance i-name: {HOSTS} SERVFAIL"}
    assert app.backends(SERVICE) == 4 and app.service(SERVICE)["shrink"] is None
    cloud.heal()
    wait.until("nothing is left out", lambda: app.service(SERVICE)["rejected"] is None, LONG_S)
    assert app.backends(SERVICE) == 4


def test_a_name_without_an_address_is_left_out_alone(cloud, app):
    cloud.register("app", "i-nowhere", port=1, AWS_INSTANCE_CNAME=f"nowhere.{NAMESPACE}")
    told = wait.until("it is told", lambda: app.service(SERVICE)["rejected"], LONG_S)
    assert told == {"count": 1, "why": f"instance i-nowhere: nowhere.{NAMESPACE} has no address"}
    assert app.backends(SERVICE) == 3


def test_addresses_of_the_other_family_will_do(cloud, app):
    cloud.service("six", NAMESPACE, records=[("AAAA", 0)], health=False)
    cloud.register("six", "h-6", "fd77::6")
    cloud.register("app", "i-six", port=80, AWS_INSTANCE_CNAME=f"six.{NAMESPACE}")
    wait.until("it is in force", lambda: "[fd77::6]:80" in backends(app), LONG_S)
