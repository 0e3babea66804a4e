# SPDX-License-Identifier: Apache-2.0
"""Each fault of DNS keeps the last good backends, is told by status, and is forgotten when it is over.

One agent watches a name for each fault, all of the same three backends, so that the faults share their waiting.
"""
import pytest

from playground import wait
from playground.services import NAMESPACE, from_dns, names, register

KINDS = ["servfail", "refused", "notimp", "silence", "garbage", "empty", "cut", "pointer_loop", "wrong_id",
         "wrong_question", "truncated_tcp"]


def name_of(kind):
    return f"{kind.replace('_', '-')}.{NAMESPACE}"


def vip(kind):
    return f"127.254.1.{KINDS.index(kind) + 1}"


def errors(agent):
    return {s["name"]: s["error"] for s in agent.status()["services"] if s["error"]}


@pytest.fixture(scope="module")
def record(shared_cloud, shared_ground, shared_agent):
    """What was seen of every name while all of the faults were in force, and after."""
    services = []
    for kind in KINDS:
        register(shared_cloud, shared_ground.network, kind.replace("_", "-"), health=False)
        services.append(from_dns(kind.replace("_", "-"), vip=vip(kind)))
    agent = shared_agent(shared_cloud, services=services).start()
    for kind in KINDS:
        agent.wait_backends(name_of(kind), 3)
    shared_cloud.control(faults=[{"channel": "dns", "kind": kind, "service": name_of(kind)} for kind in KINDS])
    wait.until("every fault is told", lambda: len(errors(agent)) == len(KINDS), within=60, every=0.2)
    seen = {"during": errors(agent), "backends": {kind: agent.backends(name_of(kind)) for kind in KINDS},
            "reached": {kind: set(shared_ground.reach(vip(kind), 8080, 6)) for kind in KINDS}}
    shared_cloud.heal()
    for kind in KINDS:
        agent.ctl("refresh", name_of(kind))
    wait.until("every fault is forgotten", lambda: not errors(agent), every=0.2)
    seen["after"] = {kind: agent.backends(name_of(kind)) for kind in KINDS}
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_a_dns_fault_keeps_the_backends_and_is_told(record, network, kind):
    assert record["during"][name_of(kind)]["code"]
    assert record["backends"][kind] == 3 and record["reached"][kind] == names(network)


@pytest.mark.parametrize("kind, code", [("servfail", "SERVFAIL"), ("refused", "REFUSED"),
                                        ("silence", "timeout")])
def test_a_dns_fault_is_told_by_its_name(record, kind, code):
    assert record["during"][name_of(kind)]["code"] == code


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_recovers_when_the_fault_is_over(record, kind):
    assert record["after"][kind] == 3
