# SPDX-License-Identifier: Apache-2.0
"""Series of single backends: only where the configuration asks for them."""
from playground import wait
from playground.services import VIP, endpoints, static

NAMES = {"shunt_backend_connections_active", "shunt_backend_connects_total", "shunt_backend_connect_failures_total",
         "shunt_backend_bytes_total", "shunt_backend_retransmits_total"}


def service(ground):
    refusing = f"{ground.network.backends[0].address}:9"
    return static("web", endpoints(ground.network)[1], refusing, vip=VIP, ejection=False)


def test_each_backend_is_counted_on_its_own_on_request(ground, agent):
    mine = agent(environment={}, services=[service(ground)])
    mine.write(metrics={**mine.config["metrics"], "per_backend": True})
    mine.start()
    good, refusing = (service(ground)["static"]["endpoints"])
    steps = ground.steps()
    answers = [steps.do("connect", f"s{n}", VIP, 8080).split()[0] for n in range(4)]
    assert sorted(answers) == ["ECONNREFUSED", "ECONNREFUSED", "ok", "ok"]

    def of(name, backend, **labels):
        return mine.metric(name, service="web", backend=backend, **labels)

    assert of("shunt_backend_connects_total", good) == of("shunt_backend_connects_total", refusing) == 2
    assert of("shunt_backend_connections_active", good) == 2
    assert of("shunt_backend_connections_active", refusing) == 0
    assert of("shunt_backend_connect_failures_total", refusing) == 2
    assert of("shunt_backend_connect_failures_total", good) == 0
    for n in range(4):
        if answers[n] == "ok":
            steps.do("talk", f"s{n}", 100)
        steps.do("close", f"s{n}")
    wait.until("bytes are counted", lambda: of("shunt_backend_bytes_total", good, direction="sent") == 202)
    assert of("shunt_backend_connections_active", good) == 0


def test_without_a_request_there_is_none(ground, agent):
    mine = agent(environment={}, services=[service(ground)]).start()
    assert not NAMES & set(mine.metrics())
