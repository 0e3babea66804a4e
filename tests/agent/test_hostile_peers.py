# SPDX-License-Identifier: Apache-2.0
"""Whoever talks to the agent's sockets costs only himself."""
import contextlib
import json
import pathlib
import signal
import socket

import pytest

from playground import wait
from playground.services import VIP, endpoints, names, static


@pytest.fixture(scope="module")
def served(shared_ground, shared_agent):
    return shared_agent(services=[static("fixed", *endpoints(shared_ground.network), vip=VIP)], environment={}).start()


def control(agent):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(1)
    peer.connect(agent.config["control_socket"])
    return peer


def metrics(agent):
    peer = socket.create_connection(("127.0.0.1", agent.port), timeout=30)  # a full backlog costs a SYN its first second
    peer.settimeout(1)
    return peer


def talk(peer, packet):
    """What is answered before the other side closes, or within its second."""
    answer = b""
    with peer, contextlib.suppress(OSError):
        peer.sendall(packet)
        while chunk := peer.recv(65536):
            answer += chunk
    return answer


def still_well(agent):
    assert agent.process.poll() is None
    assert agent.get("/healthz")[0] == 200
    assert [s["name"] for s in agent.status()["services"]] == ["fixed"]
    assert set(agent.ground.reach(VIP, 8080, 9)) == names(agent.ground.network)


REQUESTS = {
    "nothing": b"", "blank": b"\n", "no-json": b"status\n", "binary": bytes(range(256)), "an-array": b"[]\n",
    "no-verb": b"{}\n", "unknown-verb": b'{"verb": "explode"}\n', "a-number": b'{"verb": 1}\n',
    "deep": b"[" * 50000 + b"\n", "long": b'{"verb": "' + b"x" * 200000 + b'"}\n', "nul": b'{"verb": "status\x00"}\n',
    "bad-utf8": b'{"verb": "refresh", "name": "\xff\xfe"}\n', "odd-name": b'{"verb": "refresh", "name": [1]}\n',
    "control": '{"verb": "refresh", "name": "\\u001b[31m"}\n'.encode(),
}


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_a_bad_request_on_the_control_socket_is_answered_with_an_error_or_closed(served, name):
    answer = talk(control(served), REQUESTS[name])
    assert answer == b"" or "error" in json.loads(answer)
    still_well(served)


def test_idle_clients_of_the_control_socket_do_not_keep_others_out_for_long(served):
    with contextlib.ExitStack() as held:
        for _ in range(40):
            with contextlib.suppress(OSError):
                held.enter_context(control(served))
        wait.until("status answers", lambda: served.ctl("status", check=False).returncode == 0)
    still_well(served)


PAGES = {
    "nothing": b"", "binary": bytes(range(256)),
    "post": b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "no-host": b"GET /metrics HTTP/1.1\r\n\r\n",
    "long-path": b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "many-headers": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
    "bad-version": b"GET / HTTP/7.7\r\n\r\n",
    "parent": b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "chunked": b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_bad_request_for_a_page_harms_nobody(served, name):
    assert b"root:" not in talk(metrics(served), PAGES[name])
    still_well(served)


def test_a_flood_of_connections_to_the_metrics_is_over_when_it_ends(served):
    opened = pathlib.Path(f"/proc/{served.process.pid}/fd")
    with contextlib.ExitStack() as held:
        for _ in range(100):
            held.enter_context(metrics(served))
        wait.until("it is at its limit", lambda: len(list(opened.iterdir())) >= 64)
        served.process.send_signal(signal.SIGSTOP)  # so that it sees all of them end at once
    served.process.send_signal(signal.SIGCONT)
    still_well(served)
