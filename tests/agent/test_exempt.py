# SPDX-License-Identifier: Apache-2.0
"""Whom an agent leaves alone: itself."""
from playground.services import NAMESPACE, VIP, from_cloudmap, from_dns, register, static
from playground.process import run

SERVICE = f"backend.{NAMESPACE}"
NOBODY = "127.0.0.1:1"  # nobody listens there


def test_the_agent_reaches_cloud_map_and_dns_at_addresses_that_are_vips(cloud, ground, agent):
    register(cloud, ground.network, health=False)
    dns_host, dns_port = cloud.dns.rsplit(":", 1)
    taken = [static("api", NOBODY, vip=cloud.host, port=cloud.port),
             static("resolver", NOBODY, vip=dns_host, port=int(dns_port), protocol="udp")]
    mine = agent(cloud, services=taken + [from_cloudmap(vip=VIP), from_dns("backend", name="by-dns")])
    mine.wrapper = ["sh", "-c", f"echo $$ > '{ground.cgroup}/cgroup.procs' && exec \"$@\"", "sh"]
    mine.start().wait_backends(SERVICE, 3).wait_backends("by-dns", 3)
    # both go on being asked while the VIPs are in force, for everybody else
    attempt = f"import socket; socket.create_connection(('{cloud.host}', {cloud.port}))"
    refused = run(["sh", "-c", f"echo $$ > '{ground.cgroup}/cgroup.procs' && exec \"$@\"", "sh",
                   "/usr/bin/python3", "-c", attempt], check=False)
    assert "ConnectionRefusedError" in refused.stderr
    cloud.deregister("backend", "i-3")
    mine.wait_backends(SERVICE, 2).wait_backends("by-dns", 2)
