# SPDX-License-Identifier: Apache-2.0
"""Clients of several kinds reach a service at its VIP, whatever sockets they open."""
import pytest

from playground import wait
from playground.ground import BUILD, CLIENTS
from playground.services import NAMESPACE, VIP, from_cloudmap, from_dns, names, register, static

ROUNDS = 9
VIP6 = "fd00:254::10"
ONCE = {
    "python": ["/usr/bin/python3", CLIENTS / "once.py"],
    "node": ["node", CLIENTS / "once.js"],
    "dualstack": [BUILD / "clients" / "dualstack"],
}


@pytest.fixture(scope="module")
def fleet(shared_cloud, shared_ground, shared_agent):
    """An agent with services of every kind that clients meet."""
    cloud, network = shared_cloud, shared_ground.network
    register(cloud, network, "backend")
    cloud.service("v6", NAMESPACE, records=[("AAAA", 1)])
    cloud.service("anyport", NAMESPACE)
    for i, b in enumerate(network.backends):
        cloud.register("v6", f"i-{i}", b.address6, 8080)
        cloud.register("anyport", f"i-{i}", b.address)
    any_port = from_cloudmap("anyport", vip="127.254.0.11")
    del any_port["port"]
    udp = static("udp", *[f"{b.address}:9000" for b in network.backends], port=9000, protocol="udp", vip="127.254.0.12")
    remap = static("remap", *[f"{b.address}:8081" for b in network.backends], port=80, vip="127.254.0.13")
    agent = shared_agent(cloud, services=[from_cloudmap(vip=VIP), from_cloudmap("v6", vip=VIP6), any_port, udp, remap])
    agent.start()
    for service in (f"backend.{NAMESPACE}", f"v6.{NAMESPACE}", f"anyport.{NAMESPACE}", "udp", "remap"):
        agent.wait_backends(service, 3)
    return agent


def rounds(ground, *argv):
    return [ground.client(*argv).stdout.split() for _ in range(ROUNDS)]


@pytest.mark.parametrize("client", sorted(ONCE))
def test_every_backend_is_reached_at_the_vip_and_the_vip_is_the_peer(fleet, client):
    seen = rounds(fleet.ground, *ONCE[client], VIP, 8080)
    assert {words[2] for words in seen} == names(fleet.ground.network), seen
    peer = "::ffff:" + VIP if client == "dualstack" else VIP
    assert {(words[0], words[1]) for words in seen} == {(peer, "8080")}


def test_curl_is_spread_over_the_backends(fleet):
    seen = rounds(fleet.ground, "curl", "-s", f"http://{VIP}:8080/")
    assert {words[0] for words in seen} == names(fleet.ground.network)


def test_a_name_in_the_hosts_file_is_enough(fleet, tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{VIP} backend.{NAMESPACE}\n", encoding="utf-8")
    ran = fleet.ground.client("unshare", "-m", "sh", "-c", f"mount --bind '{hosts}' /etc/hosts && exec \"$@\"", "sh",
                              "curl", "-s", f"http://backend.{NAMESPACE}:8080/")
    assert ran.stdout.strip() in names(fleet.ground.network)


def test_round_robin_spreads_evenly(fleet):
    seen = fleet.ground.reach(VIP, 8080, 60)
    assert {name: seen.count(name) for name in set(seen)}.keys() == names(fleet.ground.network)
    assert min(seen.count(name) for name in names(fleet.ground.network)) >= 10, seen


def test_a_service_of_ipv6_backends_is_reached_at_its_ipv6_vip(fleet):
    seen = fleet.ground.reach(VIP6, 8080, ROUNDS)
    assert set(seen) == names(fleet.ground.network)
    assert fleet.ground.ask(VIP6, 8080)[:2] == (VIP6, 8080)


def test_connected_udp_is_redirected(fleet):
    seen = [fleet.ground.ask("127.254.0.12", 9000, "udp") for _ in range(5 * ROUNDS)]  # by lot
    assert {words[2] for words in seen} == names(fleet.ground.network)
    assert {words[:2] for words in seen} == {("127.254.0.12", 9000)}


def test_a_udp_service_leaves_tcp_alone_and_the_other_way_round(fleet):
    assert fleet.ground.ask("127.254.0.12", 9000)[0] == "ECONNREFUSED"
    before = fleet.metric("shunt_connects_total", service=f"backend.{NAMESPACE}", result="redirected")
    assert fleet.ground.ask(VIP, 8080, "udp")[0] == "ECONNREFUSED"
    assert fleet.metric("shunt_connects_total", service=f"backend.{NAMESPACE}", result="redirected") == before


def test_an_instance_without_a_port_keeps_the_port_of_the_client(fleet):
    for port in (8080, 8081, 9000):
        peer, seen_port, name = fleet.ground.ask("127.254.0.11", port)
        assert (peer, seen_port) == ("127.254.0.11", port) and name in names(fleet.ground.network)


def test_the_port_of_the_backend_need_not_be_that_of_the_service(fleet):
    assert set(fleet.ground.reach("127.254.0.13", 80, ROUNDS)) == names(fleet.ground.network)
    assert fleet.ground.ask("127.254.0.13", 80)[:2] == ("127.254.0.13", 80)


def test_another_port_of_a_vip_is_not_ours(fleet):
    assert fleet.ground.ask(VIP, 8081)[0] == "ECONNREFUSED"


def test_an_address_that_is_not_ours_is_left_alone(fleet):
    backend = fleet.ground.network.backends[1]
    assert fleet.ground.ask(backend.address, 8080) == (backend.address, 8080, backend.name)


def test_a_process_outside_the_cgroup_is_left_alone(fleet):
    ran = fleet.ground.network.inside(["sh", "-c", f"/usr/bin/python3 '{CLIENTS}/once.py' {VIP} 8080 || true"])
    assert ran.stdout.startswith("ECONNREFUSED")


def test_connects_are_counted(fleet):
    service = f"backend.{NAMESPACE}"
    before = fleet.metric("shunt_connects_total", service=service, result="redirected")
    fleet.ground.reach(VIP, 8080, 10)
    wait.until("ten more are counted", lambda: fleet.metric(
        "shunt_connects_total", service=service, result="redirected") == before + 10)


def test_an_instance_registered_by_the_command_line_is_reached(shared_cloud, fleet):
    cloud, network = shared_cloud, fleet.ground.network
    namespace = cloud.namespace(NAMESPACE)
    service = cloud.aws("create-service", "--name", "late", "--namespace-id", namespace, "--dns-config",
                        "DnsRecords=[{Type=A,TTL=1}]")["Service"]["Id"]
    services = fleet.config["services"]
    fleet.write(services=[*services, from_cloudmap("late", vip="127.254.0.20")])
    fleet.ctl("reload")
    try:
        cloud.aws("register-instance", "--service-id", service, "--instance-id", "i-1", "--attributes",
                  f"AWS_INSTANCE_IPV4={network.backends[0].address},AWS_INSTANCE_PORT=8080")
        wait.until("the new instance answers", lambda: fleet.ground.ask("127.254.0.20", 8080)[-1] == "backend-1")
    finally:
        fleet.write(services=services)
        fleet.ctl("reload")


def test_srv_records_bring_their_ports(shared_cloud, fleet):
    cloud, network = shared_cloud, fleet.ground.network
    cloud.service("srv", NAMESPACE, records=[("SRV", 1)])
    for b, port in zip(network.backends, (8080, 8081, 9000)):
        cloud.register("srv", b.name, b.address, port)
    services = fleet.config["services"]
    fleet.write(services=[*services, from_dns("srv", "SRV", vip="127.254.0.21")])
    fleet.ctl("reload")
    try:
        fleet.wait_backends(f"srv.{NAMESPACE}", 3)
        shown = {(b["address"], b["port"]) for b in fleet.show("backends")["backends"]
                 if b["service"] == f"srv.{NAMESPACE}"}
        assert shown == {(b.address, port) for b, port in zip(network.backends, (8080, 8081, 9000))}
        assert set(fleet.ground.reach("127.254.0.21", 8080, ROUNDS)) == names(network)
    finally:
        fleet.write(services=services)
        fleet.ctl("reload")
