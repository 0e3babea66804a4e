# SPDX-License-Identifier: Apache-2.0
"""How often Cloud Map is called: the budget of a host, and what is in use before what is idle."""
import time

import pytest

from playground import wait
from playground.services import NAMESPACE, from_cloudmap, register

SERVICES = 20
LIMIT = 15


def calls(cloud):
    requests = cloud.stats()["requests"]
    return sum(sum(requests.get(o, {}).values()) for o in ("DiscoverInstances", "DiscoverInstancesRevision"))


@pytest.fixture
def many(cloud, ground, agent):
    """Twenty services that are to be asked for five times a second each, which would be 100 calls."""
    for i in range(SERVICES):
        register(cloud, ground.network, f"service-{i}")
    return agent(cloud, services=[from_cloudmap(f"service-{i}") for i in range(SERVICES)],
                 budget={"calls_per_second": LIMIT})


def test_no_more_calls_are_made_than_the_budget_has_and_nobody_starves(cloud, many):
    began = time.monotonic()
    many.start(within=30)

    def rounds():
        asked = cloud.stats()["services"]
        return min(sum(asked.get(f"service-{i}", {}).values()) for i in range(SERVICES))
    wait.until("each was asked for three times", lambda: rounds() >= 3, within=30)
    assert calls(cloud) <= LIMIT * (time.monotonic() - began + 1)

    many.write(budget={"calls_per_second": 400})
    many.ctl("reload")
    before, began = calls(cloud), time.monotonic()
    wait.until("more calls than were allowed before",
               lambda: calls(cloud) - before > 3 * LIMIT * (time.monotonic() - began + 1), within=30)
