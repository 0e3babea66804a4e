# SPDX-License-Identifier: Apache-2.0
"""Namespaces imported whole: their services found and forgotten, and kept through whatever Cloud Map says."""
import json

import pytest

from playground import wait
from playground.agent import SHUNTD
from playground.process import run
from playground.services import NAMESPACE, VIP, from_cloudmap, register, static

SOON = 30
OTHER = "other.internal"
ACCOUNT = "210987654321"


def imported(namespace=NAMESPACE, **more):
    return {"cloudmap": namespace, "poll": "100ms", "shrink_confirm": "1s",
            "defaults": {"port": 8080, "watch": "always", "cloudmap": {"poll": "100ms"}}, **more}


def full(*services, namespace=NAMESPACE):
    return {f"{service}.{namespace}" for service in services}


def known(agent):
    return {s["name"] for s in agent.status()["services"]}


def until_known(agent, *wanted):
    """The agent has these services, and so has the kernel."""
    names = set().union(*wanted)
    wait.until(f"the services are {names}", lambda: known(agent) == names, SOON)
    wait.until(f"the maps have {names}", lambda: {s["name"] for s in agent.show("services")["services"]} == names, SOON)


def namespace(agent, index=0):
    return agent.status()["namespaces"][index]


def vip(agent, name):
    return agent.service(name)["vip"]


def three(cloud, network):
    """Three services of a namespace, each with a backend of its own, and one of another namespace between them."""
    for number, service in enumerate(("one", "two", "three"), 1):
        register(cloud, network, service, [number])
        cloud.service(f"foreign-{number}", OTHER)
    return cloud


@pytest.fixture
def filled(cloud, network):
    return three(cloud, network)


@pytest.fixture(scope="module")
def watching(shared_cloud, shared_ground, shared_agent):
    """An agent that imports one namespace, for tests that leave it as they found it."""
    three(shared_cloud, shared_ground.network)
    mine = shared_agent(shared_cloud, namespaces=[imported()]).start()
    mine.cloud = shared_cloud
    return mine


def test_every_service_of_a_namespace_is_found_and_leads_to_its_backends(watching):
    until_known(watching, full("one", "two", "three"))
    for number, service in enumerate(("one", "two", "three"), 1):
        watching.wait_backends(f"{service}.{NAMESPACE}", 1, SOON)
        seen = watching.ground.reach(vip(watching, f"{service}.{NAMESPACE}"), 8080, 3)
        assert set(seen) == {f"backend-{number}"}
    assert watching.metric("shunt_namespace_services", namespace=NAMESPACE) == 3
    for operation in ("ListNamespaces", "ListServices", "DiscoverInstances"):
        assert watching.metric("shunt_source_requests_total", operation=operation, code="ok") > 0


def test_a_service_is_found_when_it_comes_and_forgotten_when_it_goes(watching):
    before = vip(watching, f"one.{NAMESPACE}")
    ident = watching.cloud.service("four", NAMESPACE)
    until_known(watching, full("one", "two", "three", "four"))
    given = vip(watching, f"four.{NAMESPACE}")
    watching.cloud.call("DeleteService", Id=ident)
    until_known(watching, full("one", "two", "three"))
    ident = watching.cloud.service("four", NAMESPACE)
    until_known(watching, full("one", "two", "three", "four"))
    assert (vip(watching, f"one.{NAMESPACE}"), vip(watching, f"four.{NAMESPACE}")) == (before, given)
    watching.cloud.call("DeleteService", Id=ident)
    until_known(watching, full("one", "two", "three"))


def test_lists_of_many_pages_are_read_to_their_end_past_empty_ones(watching):
    watching.cloud.control(page_max=1, reset_stats=True)
    wait.until("a list of six pages was read", lambda: watching.cloud.asked("ListServices") > 12, SOON)
    assert known(watching) == full("one", "two", "three")
    ident = watching.cloud.service("four", NAMESPACE)
    until_known(watching, full("one", "two", "three", "four"))
    watching.cloud.call("DeleteService", Id=ident)
    until_known(watching, full("one", "two", "three"))
    watching.cloud.control(page_max=100)


FAULTS = {
    "throttled": ({"kind": "throttle"}, "RequestLimitExceeded"),
    "failed": ({"kind": "internal"}, "InternalFailure"),
    "denied": ({"kind": "denied"}, "AccessDeniedException"),
    "of HTML": ({"kind": "bare_status", "status": 502}, "http_502"),
    "reset": ({"kind": "reset_midway"}, None),
    "cut": ({"kind": "truncated_body"}, "truncated"),
    "empty text": ({"kind": "empty_body"}, "garbled"),
    "another's": ({"kind": "garbage", "what": "array"}, "garbled"),
    "deep": ({"kind": "garbage", "what": "deep"}, "garbled"),
    "huge": ({"kind": "garbage", "what": "huge"}, "too_large"),
    "without a list": ({"kind": "no_instances"}, "garbled"),
    "going in circles": ({"kind": "same_token"}, "garbled"),
    **{f"of {what}": ({"kind": "wrong_content", "what": what}, "garbled")
       for what in ("text", "object", "null", "numbers", "nameless", "typed_names", "long_names", "strange_names",
                    "too_many")},
}


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_no_service_is_forgotten_through_a_list(watching, name):
    fault, code = FAULTS[name]
    try:
        watching.cloud.control(faults=[{"operation": "ListServices", **fault}])
        error = wait.until("status tells the error", lambda: namespace(watching)["error"], SOON)
        assert code is None or error["code"] == code
        assert known(watching) == full("one", "two", "three")
        assert namespace(watching)["keeping"] == f"3 services: {error['code']}"
    finally:
        watching.cloud.heal()
        watching.ctl("refresh")
        wait.until("the error is gone", lambda: not namespace(watching)["error"], SOON)


@pytest.mark.parametrize("operation", ["ListNamespaces", "ListServices"])
def test_a_list_that_is_suddenly_empty_is_not_believed_at_once(watching, operation):
    try:
        watching.cloud.control(faults=[{"operation": operation, "kind": "empty_answer", "times": 2}])
        wait.until("it was asked twice", lambda: not watching.cloud.http("GET", "/_control/faults")[1].count(b'"times": 2')
                   and b'"times": 0' in watching.cloud.http("GET", "/_control/faults")[1], SOON)
        wait.until("a good list came", lambda: not namespace(watching)["error"] and not namespace(watching)["shrink"],
                   SOON)
        assert known(watching) == full("one", "two", "three")
    finally:
        watching.cloud.heal()


def test_a_service_that_cloud_map_does_not_find_any_more_is_not_forgotten_for_that(watching):
    rule = {"operation": "DiscoverInstances", "service": "two", "kind": "error", "code": "ServiceNotFound"}
    try:
        watching.cloud.control(faults=[rule])
        wait.until("status tells it", lambda: watching.service(f"two.{NAMESPACE}")["error"], SOON)
        before = namespace(watching)["last_success_s"]
        wait.until("it is listed again", lambda: namespace(watching)["last_success_s"] > before, SOON)
        assert watching.backends(f"two.{NAMESPACE}") == 1
    finally:
        watching.cloud.heal()


def test_a_list_that_stays_empty_is_believed_once_it_is_confirmed(filled, agent):
    mine = agent(filled, namespaces=[imported(shrink_confirm="300ms")]).start()
    until_known(mine, full("one", "two", "three"))
    filled.fault("empty_answer", operation="ListServices")
    until_known(mine, set())
    assert namespace(mine)["services"] == 0


# --- names ------------------------------------------------------------------------------------------------

def test_what_is_written_goes_before_what_is_imported_and_the_first_namespace_before_the_second(
        filled, ground, agent):
    register(filled, ground.network, "one-more", [2])
    filled.service("two", OTHER)
    filled.service("a.b", OTHER)
    mine = agent(filled, services=[static(f"one.{NAMESPACE}", "10.0.0.1:80", vip=VIP), static("three", "10.0.0.2:80")],
                 namespaces=[imported(short=True), imported(OTHER, short=True, domain=f"b.{NAMESPACE}"),
                             imported(filled.namespace("a.internal"), short=True)]).start()
    written = {f"one.{NAMESPACE}", "three"}
    until_known(mine, written, full("two", "three", "one-more"),
                {f"{s}.b.{NAMESPACE}" for s in ("foreign-1", "foreign-2", "foreign-3", "two", "a.b")})
    assert vip(mine, f"one.{NAMESPACE}") == VIP
    aliases = {s["name"]: s["aliases"] for s in mine.status()["services"]}
    assert aliases[f"two.{NAMESPACE}"] == ["two"]
    assert aliases[f"two.b.{NAMESPACE}"] == []
    assert aliases[f"three.{NAMESPACE}"] == []
    assert aliases[f"a.b.b.{NAMESPACE}"] == ["a.b"]
    skipped = [{row["service"]: row["why"] for row in namespace(mine, i)["skipped"]} for i in range(2)]
    assert skipped == [{f"one.{NAMESPACE}": "services[0] has this name",
                        f"three.{NAMESPACE}": "services[1] has its short name"},
                       {f"two.b.{NAMESPACE}": "a service of namespaces[0] has its short name"}]
    told = mine.ctl("status").stdout
    assert f"    skipped: one.{NAMESPACE}: services[0] has this name\n" in told
    mine.wait_backends(f"two.{NAMESPACE}", 1, SOON)
    assert mine.candidates("two:8080").keys() == mine.candidates(f"two.{NAMESPACE}:8080").keys()


def test_filters_choose_by_the_name_in_the_namespace(filled, agent):
    mine = agent(filled, namespaces=[imported(include=["t*", "ONE"], exclude=["*hree"])]).start()
    until_known(mine, full("one", "two"))
    assert namespace(mine)["filtered"] == 1
    mine.write(namespaces=[imported(exclude=["two"])])
    mine.ctl("reload")
    until_known(mine, full("one", "three"))


def test_a_name_that_is_none_of_dns_is_told_and_the_others_are_there(cloud, agent):
    cloud.namespace("my/apps", dns=False)
    cloud.service("web", "my/apps", records=None)
    mine = agent(cloud, namespaces=[imported("my/apps")]).start()
    wait.until("it is listed", lambda: namespace(mine)["last_success_s"], SOON)
    assert namespace(mine)["skipped"] == [{"service": "web", "why": "got 'web.my/apps', wanted a DNS name"}]
    mine.write(namespaces=[imported("my/apps", domain="apps.internal")])
    mine.ctl("reload")
    until_known(mine, full("web", namespace="apps.internal"))


# --- which namespace --------------------------------------------------------------------------------------

def test_a_namespace_is_told_by_its_id_or_arn_too(filled, network, agent):
    ident = filled.namespace(NAMESPACE)
    arn = filled.call("GetNamespace", Id=ident)["Namespace"]["Arn"]
    for told in (ident, arn):
        mine = agent(filled, namespaces=[imported(told)]).start()
        mine.wait_backends(f"one.{NAMESPACE}", 1, SOON)
        assert known(mine) == full("one", "two", "three")
        assert (namespace(mine)["name"], namespace(mine)["id"]) == (NAMESPACE, ident)
        mine.close()


def test_of_two_namespaces_of_one_name_the_http_name_tells_which(cloud, agent):
    cloud.namespace(NAMESPACE)
    made = cloud.call("CreateHttpNamespace", Name=NAMESPACE)
    ident = cloud.call("GetOperation", OperationId=made["OperationId"])["Operation"]["Targets"]["NAMESPACE"]
    http_name = cloud.call("GetNamespace", Id=ident)["Namespace"]["Properties"]["HttpProperties"]["HttpName"]
    service = cloud.call("CreateService", Name="web", NamespaceId=ident, Type="HTTP")["Service"]["Id"]
    cloud.call("RegisterInstance", ServiceId=service, InstanceId="i-1", Attributes={"AWS_INSTANCE_IPV4": "10.0.0.1"})
    assert http_name != NAMESPACE
    mine = agent(cloud, namespaces=[imported(http_name)]).start().wait_backends(f"web.{NAMESPACE}", 1, SOON)
    assert known(mine) == full("web")


def test_a_namespace_that_is_not_there_is_told_and_found_when_it_comes(cloud, agent):
    mine = agent(cloud, namespaces=[imported("late.internal")]).start()
    assert wait.until("status tells it", lambda: namespace(mine)["error"], SOON)["message"] == \
        "no namespace of this account and region has the HTTP name 'late.internal'"
    cloud.service("web", "late.internal")
    until_known(mine, full("web", namespace="late.internal"))


def test_a_namespace_that_another_account_shares_is_imported_by_its_owner(filled, agent):
    ident = filled.namespace(NAMESPACE)
    filled.control(share={ident: ACCOUNT})
    arn = f"arn:aws:servicediscovery:us-east-1:{ACCOUNT}:namespace/{ident}"
    for told in (imported(owner_account=ACCOUNT), imported(arn)):
        mine = agent(filled, namespaces=[told]).start().wait_backends(f"one.{NAMESPACE}", 1, SOON)
        assert known(mine) == full("one", "two", "three")
        mine.close()
    mine = agent(filled, namespaces=[imported()]).start()
    assert wait.until("status tells it", lambda: namespace(mine)["error"], SOON)["code"] == "not_found"


def test_a_service_that_is_written_may_be_of_a_shared_namespace(filled, agent):
    filled.control(share={filled.namespace(NAMESPACE): ACCOUNT})
    arn = f"arn:aws:servicediscovery:us-east-1:{ACCOUNT}:namespace/{filled.namespace(NAMESPACE)}"
    rows = [from_cloudmap("one"), from_cloudmap("two")]
    rows[0]["cloudmap"]["owner_account"] = ACCOUNT
    rows[1]["cloudmap"]["namespace"] = arn
    mine = agent(filled, services=rows).start()
    mine.wait_backends(f"one.{NAMESPACE}", 1, SOON).wait_backends(f"two.{NAMESPACE}", 1, SOON)


# --- over restarts and reloads ----------------------------------------------------------------------------

@pytest.mark.parametrize("remembered", [True, False])
@pytest.mark.parametrize("told", ["name", "id"])
def test_a_start_without_cloud_map_keeps_what_is_in_force(filled, ground, agent, told, remembered):
    named = NAMESPACE if told == "name" else filled.namespace(NAMESPACE)
    mine = agent(filled, namespaces=[imported(named)]).start().wait_backends(f"one.{NAMESPACE}", 1, SOON)
    mine.wait_backends(f"two.{NAMESPACE}", 1, SOON).wait_backends(f"three.{NAMESPACE}", 1, SOON)
    where = vip(mine, f"one.{NAMESPACE}")
    mine.stop()
    filled.fault("denied")
    if not remembered:
        (ground.scratch / "state" / "namespaces.json").unlink()
    mine.start()
    assert known(mine) == full("one", "two", "three")
    assert set(ground.reach(where, 8080, 3)) == {"backend-1"}
    filled.heal()
    wait.until("it is listed", lambda: namespace(mine)["age_s"] is not None and not namespace(mine)["error"], SOON)
    assert known(mine) == full("one", "two", "three")
    assert vip(mine, f"one.{NAMESPACE}") == where


def test_after_a_boot_the_services_are_there_though_nobody_lists_them(filled, ground, agent):
    told = [imported(filled.namespace(NAMESPACE), short=True)]
    mine = agent(filled, namespaces=told).start().wait_backends(f"one.{NAMESPACE}", 1, SOON)
    where = vip(mine, f"one.{NAMESPACE}")
    mine.stop()
    mine.ctl("detach")
    filled.control(faults=[{"operation": operation, "kind": "denied"} for operation in ("GetNamespace", "ListServices")])
    mine.start().wait_backends(f"one.{NAMESPACE}", 1, SOON)
    assert known(mine) == full("one", "two", "three")
    assert mine.service(f"two.{NAMESPACE}")["aliases"] == ["two"]
    assert set(ground.reach(where, 8080, 3)) == {"backend-1"}
    assert namespace(mine)["error"]["code"] == "AccessDeniedException"
    assert namespace(mine)["last_success_s"] > 0


def test_a_damaged_book_of_namespaces_is_set_aside_and_told(filled, ground, agent):
    mine = agent(filled, namespaces=[imported()]).start()
    mine.stop()
    book = ground.scratch / "state" / "namespaces.json"
    book.write_text(book.read_text().replace("two", "tow"))
    mine.start()
    until_known(mine, full("one", "two", "three"))
    assert any("namespaces.json" in problem for problem in mine.status()["problems"])
    assert list(book.parent.glob("namespaces.json.damaged-*"))


def test_reloads_and_news_under_traffic_lose_no_connection(filled, ground, agent):
    mine = agent(filled, namespaces=[imported()]).start().wait_backends(f"one.{NAMESPACE}", 1, SOON)
    where = vip(mine, f"one.{NAMESPACE}")
    client = ground.steady(where, 8080)
    ident = filled.service("more", NAMESPACE)
    until_known(mine, full("one", "two", "three", "more"))
    mine.write(namespaces=[imported(short=True), imported(OTHER)])
    mine.ctl("reload")
    until_known(mine, full("one", "two", "three", "more"), full("foreign-1", "foreign-2", "foreign-3", namespace=OTHER))
    filled.call("DeleteService", Id=ident)
    until_known(mine, full("one", "two", "three"), full("foreign-1", "foreign-2", "foreign-3", namespace=OTHER))
    mine.write(namespaces=[imported(filled.namespace(NAMESPACE))])  # the same, told otherwise
    mine.ctl("reload")
    until_known(mine, full("one", "two", "three"))
    mine.write(services=[from_cloudmap("one")], namespaces=[])
    mine.ctl("reload")
    until_known(mine, full("one"))
    mine.write(services=[], namespaces=[imported()])
    mine.ctl("reload")
    until_known(mine, full("one", "two", "three"))
    seen = client.finish()
    assert not seen["failed"] and seen["seen"].keys() == {"backend-1"}, seen
    assert vip(mine, f"one.{NAMESPACE}") == where


def test_what_has_not_changed_is_not_asked_anew(filled, agent):
    slow = {"port": 8080, "watch": "always", "cloudmap": {"poll": "1h"}}
    mine = agent(filled, namespaces=[imported(defaults=slow)]).start()
    asked = filled.asked("DiscoverInstances")
    assert asked == 3
    filled.service("more", NAMESPACE)
    until_known(mine, full("one", "two", "three", "more"))
    wait.until("the new one is asked for", lambda: filled.asked("DiscoverInstances") == 4, SOON)
    mine.write(namespaces=[imported(defaults=slow, short=True)])
    mine.ctl("reload")
    wait.until("short names are there", lambda: mine.service(f"more.{NAMESPACE}")["aliases"] == ["more"], SOON)
    assert filled.asked("DiscoverInstances") == 4


# --- the configuration ------------------------------------------------------------------------------------

CONTRACT = {
    "cgroup": "/sys/fs/cgroup", "bpffs": "/sys/fs/bpf", "state_dir": "/var/lib/shunt",
    "control_socket": "/run/shunt/control.sock", "metrics": {"listen": "127.0.0.1:9464"},
    "vips": {"cidr": "127.254.0.0/16"},
    "aws": {"region": "us-east-1", "endpoint": "https://servicediscovery.us-east-1.amazonaws.com",
            "data_endpoint": "https://data-servicediscovery.us-east-1.amazonaws.com"},
    "dns": {"servers": ["169.254.169.253"]},
    "services": [
        {"name": "backend.internal.myapp", "aliases": ["backend"], "vip": "127.254.0.10", "port": 8080,
         "cloudmap": {"namespace": "internal.myapp", "service": "backend", "poll": "5s"}},
        {"name": "name.internal", "port": 3000, "dns": {"name": "name.internal", "type": "A", "port": 3000}},
        {"name": "cache", "port": 6379, "protocol": "tcp",
         "static": {"endpoints": ["10.0.1.54:6379", "10.0.1.91:6379"]}}],
    "namespaces": [{"cloudmap": "internal.myapp"}],
}


def test_the_configuration_of_the_contract_is_valid_and_runs(tmp_path, cloud, ground, agent):
    path = tmp_path / "contract.json"
    path.write_text(json.dumps(CONTRACT), encoding="utf-8")
    assert run([SHUNTD, "--config", path, "--check"]).stdout == f"{path}: valid, 3 services and 1 namespace\n"
    cloud.service("backend", "internal.myapp")
    cloud.service("orders", "internal.myapp")
    cloud.register("orders", "i-1", ground.network.backends[0].address, 8080)
    cloud.service("name", "internal")
    cloud.register("name", "i-1", ground.network.backends[1].address)
    mine = agent(cloud, services=CONTRACT["services"], namespaces=CONTRACT["namespaces"], vips=CONTRACT["vips"]).start()
    mine.wait_backends("orders.internal.myapp", 1, SOON)
    assert known(mine) == {"backend.internal.myapp", "orders.internal.myapp", "name.internal", "cache"}
    assert set(ground.reach(vip(mine, "orders.internal.myapp"), 8080, 3)) == {"backend-1"}
