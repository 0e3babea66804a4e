# SPDX-License-Identifier: Apache-2.0
"""DNS and static sources."""
import os

import pytest

from playground import wait
from playground.services import NAMESPACE, VIP, endpoints, from_dns, names, register, static

SERVICE = f"backend.{NAMESPACE}"


@pytest.fixture
def resolved(cloud, ground, agent):
    register(cloud, ground.network, health=False)
    return agent(cloud, services=[from_dns("backend", vip=VIP, shrink_confirm="1h")]).start().wait_backends(SERVICE, 3)


def test_addresses_come_from_a_records(resolved):
    assert set(resolved.ground.reach(VIP, 8080, 9)) == names(resolved.ground.network)


def test_ipv6_addresses_come_from_aaaa_records(cloud, ground, agent):
    cloud.service("six", NAMESPACE, records=[("AAAA", 1)])
    for b in ground.network.backends:
        cloud.register("six", b.name, b.address6)
    agent(cloud, services=[from_dns("six", "AAAA", vip="fd00:254::1")]).start().wait_backends(f"six.{NAMESPACE}", 3)
    assert set(ground.reach("fd00:254::1", 8080, 9)) == names(ground.network)


def test_ports_come_from_srv_records(cloud, ground, agent):
    cloud.service("srv", NAMESPACE, records=[("SRV", 1)])
    for b, port in zip(ground.network.backends, (8080, 8081, 9000)):
        cloud.register("srv", b.name, b.address, port)
    agent(cloud, services=[from_dns("srv", "SRV", vip=VIP)]).start().wait_backends(f"srv.{NAMESPACE}", 3)
    assert set(ground.reach(VIP, 8080, 9)) == names(ground.network)


def test_a_change_is_seen_when_the_ttl_is_over(cloud, resolved):
    cloud.deregister("backend", "i-3")
    resolved.wait_backends(SERVICE, 2)
    cloud.register("backend", "i-3", resolved.ground.network.backends[2].address)
    resolved.wait_backends(SERVICE, 3)


def test_the_ttl_is_obeyed(cloud, ground, agent):
    register(cloud, ground.network, records=[("A", 60)], health=False)
    agent(cloud, services=[from_dns("backend")]).start().wait_backends(SERVICE, 3)
    asked = sum(cloud.stats()["dns"][f"A {SERVICE}"].values())
    wait.holds("no further question", lambda: sum(cloud.stats()["dns"][f"A {SERVICE}"].values()) == asked, during=2)


@pytest.mark.parametrize("kind", ["nxdomain", "nodata"])
def test_a_name_that_vanishes_is_a_shrink(cloud, resolved, kind):
    cloud.fault(kind, channel="dns")
    wait.until("status says that it is held", lambda: resolved.service(SERVICE)["shrink"])
    assert resolved.backends(SERVICE) == 3
    resolved.write(services=[from_dns("backend", vip=VIP, shrink_confirm="0s")])
    resolved.ctl("reload")
    resolved.wait_backends(SERVICE, 0)


def test_a_truncated_answer_is_asked_for_again_over_tcp(cloud, ground, agent):
    register(cloud, ground.network, health=False)
    cloud.fault("truncated", channel="dns")
    agent(cloud, services=[from_dns("backend")]).start().wait_backends(SERVICE, 3)


# --- static -----------------------------------------------------------------------------------------------

@pytest.fixture
def watched_file(ground, agent):
    path = ground.scratch / "endpoints"
    path.write_text("\n".join(endpoints(ground.network)) + "\n", encoding="utf-8")
    mine = agent(services=[{"name": "fixed", "port": 8080, "vip": VIP, "static": {"file": str(path)}}], environment={})
    mine.path = path
    return mine.start().wait_backends("fixed", 3)


def test_static_endpoints_need_nothing_else(ground, agent):
    agent(services=[static("fixed", *endpoints(ground.network), vip=VIP)], environment={}).start()
    assert set(ground.reach(VIP, 8080, 9)) == names(ground.network)


def test_a_file_that_is_rewritten_counts_at_once(watched_file):
    watched_file.path.write_text(endpoints(watched_file.ground.network)[0] + "\n", encoding="utf-8")
    watched_file.wait_backends("fixed", 1)
    assert set(watched_file.ground.reach(VIP, 8080, 4)) == {"backend-1"}


def test_a_file_that_is_replaced_by_renaming_counts_at_once(watched_file):
    for count in (1, 2, 3):
        fresh = watched_file.path.with_suffix(".new")
        fresh.write_text("\n".join(endpoints(watched_file.ground.network)[:count]) + "\n", encoding="utf-8")
        os.rename(fresh, watched_file.path)
        watched_file.wait_backends("fixed", count)


def test_weights_zones_comments_and_blank_lines_are_read(watched_file):
    first, second, _ = endpoints(watched_file.ground.network)
    text = f"# two of them\n\n{first} weight=3 zone=use1-az1\n{second} weight=1\n"
    watched_file.path.write_text(text, encoding="utf-8")
    watched_file.wait_backends("fixed", 2)
    seen = watched_file.ground.reach(VIP, 8080, 40)
    assert seen.count("backend-1") > seen.count("backend-2") > 0


BAD_LINES = {"no-port": "10.0.0.1", "port-zero": "10.0.0.1:0", "port-too-high": "10.0.0.1:99999",
             "nonsense": "nonsense", "weight-zero": "10.0.0.1:8080 weight=0",
             "unknown-word": "10.0.0.1:8080 colour=red",
             "binary": "\x00\x01\x02", "very-long": "x" * 100000}


@pytest.mark.parametrize("name", sorted(BAD_LINES))
def test_a_bad_file_keeps_the_backends_and_is_told(watched_file, name):
    text = f"{endpoints(watched_file.ground.network)[0]}\n{BAD_LINES[name]}\n"
    watched_file.path.write_text(text, encoding="utf-8")
    error = wait.until("status tells it", lambda: watched_file.service("fixed")["error"])
    assert error["message"]
    assert watched_file.backends("fixed") == 3


def test_a_file_that_is_gone_keeps_the_backends_and_may_come_back(watched_file):
    watched_file.path.unlink()
    wait.until("status tells it", lambda: watched_file.service("fixed")["error"])
    assert watched_file.backends("fixed") == 3
    watched_file.path.write_text(endpoints(watched_file.ground.network)[1] + "\n", encoding="utf-8")
    watched_file.wait_backends("fixed", 1)
