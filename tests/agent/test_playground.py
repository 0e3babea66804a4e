# SPDX-License-Identifier: Apache-2.0
"""The playground itself: if it were wrong, every other test here would prove nothing."""
import pathlib

import pytest

from playground.ground import BUILD, CLIENTS, Ground

ONCE = {
    "python": ["/usr/bin/python3", CLIENTS / "once.py"],
    "node": ["node", CLIENTS / "once.js"],
    "dualstack": [BUILD / "clients" / "dualstack"],
}


@pytest.mark.parametrize("client", sorted(ONCE))
def test_a_client_reaches_a_backend_by_its_own_address(ground, client):
    backend = ground.network.backends[0]
    words = ground.client(*ONCE[client], backend.address, 8080).stdout.split()
    assert words[0] in (backend.address, "::ffff:" + backend.address)
    assert words[1:] == ["8080", backend.name, "hello"]


def test_curl_reaches_a_backend_over_ipv4_and_ipv6(ground):
    backend = ground.network.backends[2]
    assert ground.client("curl", "-s", f"http://{backend.address}:8081/").stdout == backend.name + "\n"
    assert ground.client("curl", "-s", f"http://[{backend.address6}]:8081/").stdout == backend.name + "\n"


def test_udp_reaches_a_backend(ground):
    backend = ground.network.backends[1]
    assert ground.ask(backend.address, 9000, "udp") == (backend.address, 9000, backend.name)
    assert ground.ask(backend.address6, 9000, "udp") == (backend.address6, 9000, backend.name)


def test_an_address_that_is_nobodys_is_not_reached(ground):
    assert ground.ask("10.99.0.1", 80)[0] == "ENETUNREACH"
    assert ground.ask("127.254.0.10", 8080)[0] == "ECONNREFUSED"


def test_a_client_is_in_the_cgroup(ground):
    assert ground.client("cat", "/proc/self/cgroup").stdout.splitlines()[-1].endswith("/" + ground.cgroup.name)


def test_steady_traffic_tells_what_it_reached(ground):
    steady = ground.steady(ground.network.backends[0].address, 8080)
    seen = steady.finish()
    assert seen["failed"] == {} and seen["held"] and set(seen["seen"]) <= {"backend-1"}


def test_the_ground_is_taken_away(tmp_path, network):
    ground = Ground(tmp_path, network)
    ground.close()
    assert not ground.cgroup.exists()
    assert str(ground.bpffs) not in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8")
