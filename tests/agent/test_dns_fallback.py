# SPDX-License-Identifier: Apache-2.0
"""DNS stands in for the API of Cloud Map while that fails, and no longer."""
import pytest

from playground import wait
from playground.services import NAMESPACE, VIP, from_cloudmap, names, register

LONG_S = 30
AFTER = "300ms"
TTLS = {"ttl_min": "100ms", "ttl_max": "1s"}


def full(service):
    return f"{service}.{NAMESPACE}"


def falling_back(service, **more):
    row = from_cloudmap(service, **more)
    row["cloudmap"] |= {"dns_fallback": True, "dns_fallback_after": AFTER}
    return row


@pytest.fixture
def start(cloud, ground, agent):
    """start(service row, ...) with DNS answers that are soon asked for again."""
    def make(*services):
        return agent(cloud, dns={"servers": [cloud.dns], **TTLS}, services=list(services)).start()
    return make


def fail(cloud, kind, *more, **rule):
    """Discovery fails; what is registered can be changed all the same."""
    cloud.control(faults=[{"kind": kind, "operation": operation, **rule}
                          for operation in ("DiscoverInstances", "DiscoverInstancesRevision")] + list(more))


def note(agent, service):
    return agent.service(full(service))["note"] or ""


def wait_note(agent, service, part):
    return wait.until(f"the note tells: {part}", lambda: part in note(agent, service) and note(agent, service), LONG_S)


def test_news_comes_by_dns_while_the_api_fails_and_by_the_api_again(cloud, ground, start):
    register(cloud, ground.network, numbers=(1, 2))
    mine = start(falling_back("backend", vip=VIP)).wait_backends(full("backend"), 2, LONG_S)
    assert mine.service(full("backend"))["note"] is None
    fail(cloud, "internal")
    cloud.register("backend", "i-3", ground.network.backends[2].address, 8080)
    mine.wait_backends(full("backend"), 3, LONG_S)
    assert set(ground.reach(VIP, 8080, 9)) == names(ground.network)
    told = mine.service(full("backend"))
    assert told["note"] == f"DNS stands in, A {full('backend')}, because the API fails: InternalFailure"
    assert told["error"]["code"] == "InternalFailure" and told["keeping"] is None
    assert f"    note: {told['note']}\n" in mine.ctl("status").stdout
    answered = told["last_success_s"]
    cloud.deregister("backend", "i-1")
    mine.wait_backends(full("backend"), 2, LONG_S)
    assert mine.service(full("backend"))["last_success_s"] == answered
    cloud.heal()
    wait.until("the API counts again", lambda: not note(mine, "backend"), LONG_S)
    wait.until("no error is told", lambda: mine.service(full("backend"))["error"] is None, LONG_S)
    assert mine.backends(full("backend")) == 2
    asked = []
    wait.until("DNS is not asked any more", lambda: asked.append(cloud.stats()["dns"]) or asked[-1] == asked[-2:][0]
               and len(asked) > 1, LONG_S, every=0.5)
    cloud.register("backend", "i-1", ground.network.backends[0].address, 8080)
    mine.wait_backends(full("backend"), 3, LONG_S)


def test_ports_come_from_srv_records_and_unknown_ones_from_the_api(cloud, start):
    cloud.service("srv", NAMESPACE, records=[("SRV", 0)], health=False)
    cloud.service("odd", NAMESPACE, records=[("A", 0)], health=False)
    for n in (1, 2, 3):
        cloud.register("srv", f"i-{n}", f"10.77.1.{n}", 8000 + n)
        cloud.register("odd", f"i-{n}", f"10.77.1.{n}", 9000)
    mine = start(falling_back("srv"), falling_back("odd"))
    for service in ("srv", "odd"):
        mine.wait_backends(full(service), 3, LONG_S)
    fail(cloud, "unavailable")
    for service, port in (("srv", 8004), ("odd", 9000)):
        cloud.register(service, "i-4", "10.77.1.4", port)
        mine.wait_backends(full(service), 4, LONG_S)
    assert set(mine.states(full("srv"))) == {f"10.77.1.{n}:{8000 + n}" for n in (1, 2, 3, 4)}
    assert set(mine.states(full("odd"))) == {f"10.77.1.{n}:9000" for n in (1, 2, 3, 4)}
    assert "SRV" in note(mine, "srv")


def test_a_start_without_the_api_has_what_dns_knows(cloud, ground, start):
    register(cloud, ground.network)
    fail(cloud, "no_answer")
    mine = start(falling_back("backend", vip=VIP)).wait_backends(full("backend"), 3, LONG_S)
    assert set(ground.reach(VIP, 8080, 9)) == names(ground.network)
    assert mine.service(full("backend"))["last_success_s"] is None


def test_dns_without_records_takes_nothing_away(cloud, start):
    cloud.service("api", NAMESPACE, records=(), health=False)
    for n in (1, 2, 3):
        cloud.register("api", f"i-{n}", f"10.77.1.{n}", 8080)
    mine = start(falling_back("api")).wait_backends(full("api"), 3, LONG_S)
    fail(cloud, "throttle")
    assert wait_note(mine, "api", "DNS cannot stand in") == \
        f"DNS cannot stand in: AAAA {full('api')}: there is nothing, nor of another type"
    assert mine.backends(full("api")) == 3
    assert mine.service(full("api"))["error"]["code"] == "RequestLimitExceeded"


def test_dns_that_fails_as_well_changes_nothing_and_is_told(cloud, ground, start):
    register(cloud, ground.network)
    mine = start(falling_back("backend")).wait_backends(full("backend"), 3, LONG_S)
    fail(cloud, "internal", {"channel": "dns", "kind": "servfail"})
    assert wait_note(mine, "backend", "DNS") == f"DNS cannot stand in: SRV {full('backend')}: SERVFAIL"
    assert mine.backends(full("backend")) == 3


def test_most_backends_missing_in_dns_is_a_shrink_that_is_held(cloud, ground, start):
    register(cloud, ground.network)
    mine = start(falling_back("backend")).wait_backends(full("backend"), 3, LONG_S)
    fail(cloud, "internal")
    wait_note(mine, "backend", "DNS stands in")
    for n in (1, 2):
        cloud.deregister("backend", f"i-{n}")
    held = wait.until("it is held", lambda: mine.service(full("backend"))["shrink"], LONG_S)
    assert held["answered"] == 1 and mine.backends(full("backend")) == 3


def test_a_service_that_is_not_found_is_an_answer(cloud, ground, start):
    register(cloud, ground.network)
    register(cloud, ground.network, "other")
    mine = start(falling_back("backend"), falling_back("other"))
    for service in ("backend", "other"):
        mine.wait_backends(full(service), 3, LONG_S)
    fail(cloud, "error", {"kind": "internal", "service": "other"}, code="ServiceNotFound", message="no", status=400,
         service="backend")
    wait_note(mine, "other", "DNS stands in")
    wait.until("it has failed long enough", lambda: mine.service(full("backend"))["error"]["count"] > 2, LONG_S)
    assert note(mine, "backend") == "" and mine.backends(full("backend")) == 3
