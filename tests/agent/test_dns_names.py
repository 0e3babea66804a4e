# SPDX-License-Identifier: Apache-2.0
"""What DNS names lead to: records that come and go, and answers that show only some of them."""
import pytest

from playground import wait
from playground.services import NAMESPACE, VIP, from_dns

LONG_S = 30  # far beyond what it takes


def full(service):
    return f"{service}.{NAMESPACE}"


@pytest.fixture(scope="module")
def names(shared_cloud, shared_agent):
    """An agent that asks again after 100 ms, of three services: many, few, srv."""
    for service, kind, count in (("many", "A", 20), ("few", "A", 3), ("srv", "SRV", 12)):
        shared_cloud.service(service, NAMESPACE, records=[(kind, 0)], health=False)
        for n in range(count):
            shared_cloud.register(service, f"i-{n}", f"10.77.1.{n + 1}", 8000 + n)
    return shared_agent(shared_cloud, dns={"servers": [shared_cloud.dns], "ttl_min": "100ms", "ttl_max": "1s"},
                        services=[from_dns("many", vip=VIP), from_dns("few"), from_dns("srv", "SRV")]).start()


def test_more_instances_than_an_answer_shows_are_all_in_force(names):
    names.wait_backends(full("many"), 20, within=LONG_S)
    assert names.service(full("many"))["note"] == \
        "an answer shows 8 at most: all of the last 14 answers are in force"
    assert "    note: an answer shows 8 at most: " in names.ctl("status").stdout
    names.wait_backends(full("srv"), 12, within=LONG_S)
    assert set(names.states(full("srv"))) == {f"10.77.1.{n + 1}:{8000 + n}" for n in range(12)}


def test_one_that_is_never_drawn_any_more_goes(names, shared_cloud):
    names.wait_backends(full("srv"), 12, within=LONG_S)
    shared_cloud.deregister("srv", "i-3")
    names.wait_backends(full("srv"), 11, within=LONG_S)
    assert "10.77.1.4:8003" not in names.states(full("srv"))


def test_answers_of_fewer_are_whole(names, shared_cloud):
    names.wait_backends(full("few"), 3, within=LONG_S)
    shared_cloud.deregister("few", "i-0")
    names.wait_backends(full("few"), 2, within=LONG_S)
    assert names.service(full("few"))["note"] is None


def test_the_bounds_of_ttls_can_be_reloaded(names, shared_cloud):
    names.wait_backends(full("many"), 20, within=LONG_S)
    names.write(dns={"servers": [shared_cloud.dns], "ttl_min": "1h", "ttl_max": "1h"})
    names.ctl("reload")
    wait.until("the next question is an hour away", lambda: (names.service(full("few"))["next_s"] or 0) > 3500, LONG_S)
    assert names.backends(full("many")) == 20
    names.write(dns={"servers": [shared_cloud.dns], "ttl_min": "100ms", "ttl_max": "1s"})
    names.ctl("reload")
    wait.until("it is asked again soon", lambda: (names.service(full("few"))["next_s"] or 9) < 1, LONG_S)
