# SPDX-License-Identifier: Apache-2.0
"""Each fault of Cloud Map keeps the last good backends, is shown by its code, and is forgotten when it is over.

One agent watches a service for each fault, all of the same three backends, so that the faults share their waiting.
"""
import pathlib
import subprocess

import pytest

from playground import wait
from playground.services import NAMESPACE, from_cloudmap, names, register

BENCH = pathlib.Path(__file__).resolve().parents[1] / "bench"
# name: (the rule, the error codes that status may show; those of the remote are verbatim)
FAULTS = {
    "throttled": ({"kind": "throttle"}, {"RequestLimitExceeded"}),
    "internal": ({"kind": "internal"}, {"InternalFailure"}),
    "unavailable": ({"kind": "unavailable"}, {"ServiceUnavailable"}),
    "denied": ({"kind": "denied"}, {"AccessDeniedException"}),
    "missing": ({"kind": "error", "code": "ServiceNotFound", "message": "No service exists."}, {"ServiceNotFound"}),
    "strange": ({"kind": "error", "code": "Ever'Seen$Before", "message": "\u001b[31mred\u0007", "status": 418}, None),
    "bare": ({"kind": "bare_status", "status": 502}, None),
    "truncated": ({"kind": "truncated_body"}, None),
    "huge-length": ({"kind": "huge_length"}, None),
    "half-open": ({"kind": "half_open"}, {"timeout"}),
    "reset-midway": ({"kind": "reset_midway"}, None),
    "reset": ({"kind": "reset"}, None),
    "closed": ({"kind": "no_answer"}, None),
    "hanging": ({"kind": "hang"}, {"timeout"}),
    "dripping": ({"kind": "drip", "seconds": 0.1}, {"timeout"}),
    "empty-body": ({"kind": "empty_body"}, None),
    "redirected": ({"kind": "redirect"}, None),
    "no-list": ({"kind": "no_instances"}, None),
    **{f"garbage-{what}": ({"kind": "garbage", "what": what}, None)
       for what in ("binary", "html", "deep", "huge", "array", "number", "null", "trailing", "cut", "nul")},
    **{f"wrong-{what.replace('_', '-')}": ({"kind": "wrong_content", "what": what}, None)
       for what in ("text", "object", "null", "numbers")},
}
# answers that are well-formed and say less than before: held as a shrink, no error
SHRINKS = {
    "empty": {"kind": "empty_answer"},
    "partial": {"kind": "partial_answer", "keep": 1},
    "no-attributes": {"kind": "wrong_content", "what": "no_attributes"},
    "bad-addresses": {"kind": "wrong_content", "what": "bad_addresses"},
}
ALL = {**{name: rule for name, (rule, _) in FAULTS.items()}, **SHRINKS}


def vip(name):
    return f"127.254.1.{sorted(ALL).index(name) + 1}"


def full(name):
    return f"{name}.{NAMESPACE}"


class Record:
    """What was seen of every service while all of the faults were in force, and after."""

    def __init__(self, agent, cloud):
        self.agent, self.cloud = agent, cloud
        cloud.control(faults=[{"operation": "DiscoverInstances", "service": name, **rule}
                              for name, rule in ALL.items()])
        self.slow = wait.until("every fault is told", self.told, within=60, every=0.2)
        self.during = self.services()
        self.backends = {name: agent.backends(full(name)) for name in ALL}
        self.reached = {name: set(agent.ground.reach(vip(name), 8080, 6)) for name in ALL}
        self.text = agent.ctl("status").stdout
        self.requests = agent.metrics()["shunt_source_requests_total"]
        cloud.heal()
        for name in ALL:
            agent.ctl("refresh", full(name))
        wait.until("every fault is forgotten", lambda: not self.erring(), every=0.2)
        self.after = self.services()
        self.backends_after = {name: agent.backends(full(name)) for name in ALL}

    def services(self):
        return {s["name"].removesuffix("." + NAMESPACE): s for s in self.agent.status()["services"]}

    def erring(self):
        return {name for name, s in self.services().items() if s["error"]}

    def told(self):
        return FAULTS.keys() <= self.erring()


@pytest.fixture(scope="module")
def record(shared_cloud, shared_ground, shared_agent):
    for name in ALL:
        register(shared_cloud, shared_ground.network, name)
    agent = shared_agent(shared_cloud, services=[from_cloudmap(name, vip=vip(name)) for name in ALL])
    agent.start()
    for name in ALL:
        agent.wait_backends(full(name), 3)
    return Record(agent, shared_cloud)


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_last_good_backends_stay_in_force(record, name):
    assert record.backends[name] == 3
    assert record.reached[name] == names(record.agent.ground.network)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_status_shows_what_went_wrong(record, name):
    error = record.during[name]["error"]
    expected = FAULTS[name][1]
    assert error["code"], record.during[name]
    assert expected is None or error["code"] in expected


@pytest.mark.parametrize("name", ["throttled", "internal", "unavailable", "denied", "missing"])
def test_the_code_of_the_remote_is_in_the_text_and_the_metrics_too(record, name):
    code, = FAULTS[name][1]
    assert code in record.text
    assert any(labels["code"] == code and value > 0 for labels, value in record.requests)


def test_a_message_from_the_remote_cannot_paint_the_terminal(record):
    assert "\u001b" not in record.text and "\u0007" not in record.text


@pytest.mark.parametrize("name", sorted(SHRINKS))
def test_a_smaller_answer_is_held_and_said_to_be(record, name):
    assert record.during[name]["shrink"], record.during[name]


@pytest.mark.parametrize("name", sorted(ALL))
def test_it_recovers_when_the_fault_is_over(record, name):
    assert record.after[name]["error"] is None and record.backends_after[name] == 3


def test_the_agent_lived_through_all_of_it(record):
    assert record.agent.process.poll() is None
    assert record.agent.get("/healthz")[0] == 200


def test_cloud_map_gone_altogether_keeps_the_backends_and_traffic(cloud, agent, ground):
    register(cloud, ground.network)
    mine = agent(cloud, services=[from_cloudmap(vip=vip("empty"))]).start().wait_backends(full("backend"), 3)
    steady = ground.steady(vip("empty"), 8080)
    cloud.stop()
    wait.until("status tells that nothing answers", lambda: mine.service(full("backend"))["error"])
    wait.holds("three backends", lambda: mine.backends(full("backend")) == 3, during=1)
    seen = steady.finish(names(ground.network))
    assert seen["failed"] == {} and seen["held"] and seen["seen"].keys() == names(ground.network)


def test_every_call_is_bounded_and_asks_as_it_should(cloud, agent, ground):
    register(cloud, ground.network)
    agent(cloud, services=[from_cloudmap()]).start().wait_backends(full("backend"), 3)
    name = {"NamespaceName": NAMESPACE, "ServiceName": "backend"}
    wishes = {"DiscoverInstances": {**name, "HealthStatus": "ALL", "MaxResults": 1000},
              "DiscoverInstancesRevision": name}

    def last_of(operation):
        last = cloud.stats()["last"]
        return last["input"] if last["operation"] == operation else None
    for operation, wish in wishes.items():
        assert wait.until(operation, lambda operation=operation: last_of(operation)) == wish


@pytest.mark.usefixtures("network")
def test_no_backend_is_lost_while_faults_of_every_kind_and_good_answers_alternate():
    """What `make bench` does thousands of times, without the kinds that wait for a time-out."""
    done = subprocess.run(["/usr/bin/python3", BENCH / "faults.py", "--quick", "--answers", "300"],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
