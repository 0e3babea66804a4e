# SPDX-License-Identifier: Apache-2.0
"""shuntctl drain and undrain: what gets new connections, what is said, and what survives."""
import json

import pytest

from playground import wait
from playground.services import VIP, endpoints, names, static

OTHER_VIP = "127.254.0.11"


@pytest.fixture
def two(ground, agent):
    """Two services, of which the other has the first two backends only."""
    three = endpoints(ground.network)
    return agent(environment={}, services=[static("backend", *three, vip=VIP),
                                           static("other", *three[:2], vip=OTHER_VIP)]).start()


def said(agent, *words, code=0):
    """(stdout, stderr) of a shuntctl that exits like this."""
    ran = agent.ctl(*words, check=False)
    assert ran.returncode == code, ran
    return ran.stdout, ran.stderr


def book(agent):
    return json.loads((agent.ground.scratch / "state" / "drained.json").read_text())


def test_a_drained_backend_gets_no_new_connections_in_any_service_and_keeps_its_old_ones(ground, two):
    first = endpoints(ground.network)[0]
    steps = ground.steps()
    for n in range(3):
        assert steps.do("connect", n, VIP, 8080).startswith("ok")
    assert said(two, "drain", first) == (f"{first} is drained, it gets no new connections: backend, other\n", "")
    assert set(ground.reach(VIP, 8080, 12)) == {"backend-2", "backend-3"}
    assert set(ground.reach(OTHER_VIP, 8080, 6)) == {"backend-2"}
    assert all(int(steps.do("talk", n, 10)) > 0 for n in range(3))
    assert said(two, "undrain", first) == (f"{first} gets new connections again: backend, other\n", "")
    assert set(ground.reach(VIP, 8080, 9)) == names(ground.network)


def test_every_tool_tells_that_it_drains_and_why(ground, two):
    first = endpoints(ground.network)[0]
    two.ctl("drain", first)
    assert two.states("backend")[first] == two.states("other")[first] == "draining"
    assert two.reasons("backend") == two.reasons("other") == {first: ("draining", "drained by shuntctl")}
    assert 0 <= two.service("backend")["states"][0]["age_s"] < 60
    text = two.ctl("status").stdout
    assert text.count(f"    {first} draining: drained by shuntctl ") == 2 and " s ago\n" in text
    assert two.candidates(VIP)[first] == (0, "draining", "not picked: drained by shuntctl")
    assert two.metric("shunt_backends", service="backend", state="draining") == 1
    assert two.metric("shunt_backends", service="backend", state="healthy") == 2
    assert two.status()["drained"] == [{"backend": first, "age_s": pytest.approx(30, abs=30), "services": 2}]
    two.kill()
    assert two.states("backend")[first] == "draining"
    assert two.candidates(VIP)[first][2] == "not picked: drained by shuntctl"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_it_holds_over_a_restart_until_it_is_taken_back(ground, two, end):
    first = endpoints(ground.network)[0]
    two.ctl("drain", first)
    since = book(two)["drained"][first]
    getattr(two, end)()
    two.start()
    assert set(ground.reach(VIP, 8080, 12)) == {"backend-2", "backend-3"}
    assert two.reasons("backend") == {first: ("draining", "drained by shuntctl")}
    assert book(two)["drained"] == {first: since}
    two.ctl("undrain", first)
    two.stop()
    two.start()
    assert two.states("backend")[first] == "healthy" and book(two)["drained"] == {}


def test_it_holds_over_a_boot(ground, two):
    first = endpoints(ground.network)[0]
    two.ctl("drain", first)
    two.stop()
    two.ctl("detach")
    two.start()
    assert two.states("backend")[first] == "draining"


def test_what_was_undrained_while_the_agent_was_away_is_healthy_again(ground, two):
    first = endpoints(ground.network)[0]
    two.ctl("drain", first)
    two.stop()
    (ground.scratch / "state" / "drained.json").unlink()
    two.start()
    assert set(two.states("backend").values()) == {"healthy"} and two.reasons("backend") == {}


def test_it_holds_over_a_reload_and_moves_with_its_directory(ground, two):
    first = endpoints(ground.network)[0]
    two.ctl("drain", first)
    two.write(state_dir=str(ground.scratch / "elsewhere"))
    two.ctl("reload")
    two.stop()
    two.start()
    assert two.states("backend")[first] == "draining"


def test_twice_is_as_good_as_once(ground, two):
    first = endpoints(ground.network)[0]
    two.ctl("drain", first)
    since = book(two)
    assert said(two, "drain", first) == (f"{first} was drained already\n", "")
    assert book(two) == since
    two.ctl("undrain", first)
    assert said(two, "undrain", first) == (f"{first} was not drained\n", "")


def test_the_last_one_is_drained_with_a_warning(ground, two):
    first, second, _ = endpoints(ground.network)
    two.ctl("drain", first)
    out, err = said(two, "drain", second)
    assert out == f"{second} is drained, it gets no new connections: backend, other\n"
    assert err == ("shuntctl: other has no backend left that takes new connections: they are refused (on_empty)\n")
    assert ground.reach(OTHER_VIP, 8080, 2) == ["ECONNREFUSED"] * 2
    assert set(ground.reach(VIP, 8080, 4)) == {"backend-3"}
    answer = json.loads(two.ctl("explain", "other", "--json").stdout)["answers"][0]
    assert answer["why"] == ('refused: other has no backend that is not drained and on_empty is "refuse"; '
                             "ECONNREFUSED at once")


def test_the_last_one_of_a_family_is_told_of(ground, agent):
    three = endpoints(ground.network)
    mine = agent(environment={}, services=[static("both", three[0], f"[{ground.network.backends[1].address6}]:8080",
                                                  vip=VIP)]).start()
    assert said(mine, "drain", three[0])[1] == "shuntctl: both has no IPv4 backend left that takes new connections\n"


def test_one_that_no_service_has_is_drained_as_soon_as_one_does(ground, two):
    late = f"[{ground.network.backends[0].address6}]:8080"
    out, err = said(two, "drain", late)
    assert out == f"{late} is drained, it gets no new connections\n"
    assert err == f"shuntctl: no service of this host has {late} now; it is drained when one does\n"
    assert f"drained: {late} " in two.ctl("status").stdout and ", of no service now\n" in two.ctl("status").stdout
    two.write(services=[static("six", late, f"[{ground.network.backends[1].address6}]:8080", vip="fd00:254::1")])
    two.ctl("reload")
    assert set(ground.reach("fd00:254::1", 8080, 4)) == {"backend-2"}
    assert "of no service now" not in two.ctl("status").stdout


def test_a_backend_without_a_port_of_its_own_is_named_by_its_address(cloud, ground, agent):
    cloud.service("anyport", "demo.internal")
    for n, backend in enumerate(ground.network.backends):
        cloud.register("anyport", f"i-{n}", backend.address)
    mine = agent(cloud, services=[{"name": "anyport", "vip": VIP, "watch": "always",
                                   "cloudmap": {"namespace": "demo.internal", "service": "anyport", "poll": "200ms"}}])
    mine.start().wait_backends("anyport", 3)
    first = ground.network.backends[0].address
    assert said(mine, "drain", first) == (f"{first} is drained, it gets no new connections: anyport\n", "")
    assert set(ground.reach(VIP, 8081, 6)) == {"backend-2", "backend-3"}
    said(mine, "undrain", first)
    assert set(ground.reach(VIP, 8081, 6)) == names(ground.network)


def test_a_udp_socket_that_is_not_connected_goes_elsewhere(ground, agent):
    three = endpoints(ground.network)
    mine = agent(environment={}, services=[static("datagrams", *three, vip=VIP, protocol="udp")]).start()
    steps = ground.steps()
    before = steps.do("sendto", "s", VIP, 8080).split()[-1]
    assert steps.do("sendto", "s", VIP, 8080).split()[-1] == before
    mine.ctl("drain", three[int(before[-1]) - 1])
    after = steps.do("sendto", "s", VIP, 8080).split()[-1]
    assert after in names(ground.network) - {before}


@pytest.mark.parametrize("text, code, wanted", [
    ("backend", 64, "drain: got 'backend', wanted ADDR:PORT or [IPV6]:PORT"),
    ("10.0.0.1:99999", 64, "drain: got '10.0.0.1:99999', wanted ADDR:PORT or [IPV6]:PORT"),
    ("0.0.0.0:80", 64, "drain: got '0.0.0.0:80', wanted ADDR:PORT or [IPV6]:PORT"),
    ("10.0.0.1", 64, "got '10.0.0.1', wanted ADDR:PORT: no service has a backend of that address without a port of "
                     "its own"),
])
def test_what_is_no_backend_is_refused(two, text, code, wanted):
    assert said(two, "drain", text, code=code) == ("", f"shuntctl: {wanted}\n")
    assert two.status()["drained"] == []


def test_json_tells_the_same(ground, two):
    first = endpoints(ground.network)[0]
    assert json.loads(two.ctl("--json", "drain", first).stdout) == {
        "backend": first, "drained": True, "changed": True, "stored": True, "services": ["backend", "other"],
        "warnings": []}
    assert json.loads(two.ctl("--json", "undrain", first).stdout)["drained"] is False


def test_without_an_agent_nothing_is_done(ground, two):
    two.kill()
    first = endpoints(ground.network)[0]
    assert said(two, "drain", first, code=69) == (
        "", f"shuntctl: shuntd is not running at {two.config['control_socket']}\n")


@pytest.mark.parametrize("damage, what", [
    ('{"version": 1, "drained": {"10.0', "1:33: got the end of the text, wanted a closing double quote"),
    ('{"version": 2, "drained": {}}', "version: got 2, wanted 1"),
    ('{"version": 1, "drained": {}, "checksum": "01234567"}',
     'checksum: got "01234567", wanted that of the text before it'),
])
def test_a_damaged_book_is_set_aside_and_said(ground, two, damage, what):
    first = endpoints(ground.network)[0]
    state = ground.scratch / "state"
    two.stop()
    state.mkdir(exist_ok=True)
    (state / "drained.json").write_text(damage)
    two.start()
    problem = two.status()["problems"][0]
    aside, = state.glob("drained.json.damaged-*")
    assert problem == (f"{state}/drained.json: {what}; what it drained gets connections again; "
                       f"the file is now {aside}")
    assert aside.read_text() == damage and str(aside) in two.logged()
    assert f"PROBLEM: {problem}\n" in two.ctl("status").stdout
    two.ctl("drain", first)
    assert list(book(two)["drained"]) == [first] and aside.read_text() == damage


def test_a_book_of_an_agent_before_checksums_is_read(ground, two):
    first = endpoints(ground.network)[0]
    state = ground.scratch / "state"
    two.stop()
    state.mkdir(exist_ok=True)
    (state / "drained.json").write_text(f'{{"version": 1, "drained": {{"{first}": 1763700000}}}}')
    two.start()
    assert two.reasons("backend") == {first: ("draining", "drained by shuntctl")} and two.status()["problems"] == []


def test_what_cannot_be_written_is_in_force_and_fails(ground, two):
    first = endpoints(ground.network)[0]
    state = ground.scratch / "file"
    state.write_text("in the way")
    two.write(state_dir=str(state))
    two.ctl("reload")
    out, err = said(two, "drain", first, code=71)
    assert out == f"{first} is drained, it gets no new connections: backend, other\n"
    assert err == f"shuntctl: {state}: cannot be written: Not a directory; the next start of shuntd will not know of this\n"
    assert set(ground.reach(OTHER_VIP, 8080, 4)) == {"backend-2"}
    state.unlink()
    assert said(two, "drain", first) == (f"{first} was drained already\n", "")
    assert json.loads((state / "drained.json").read_text())["drained"].keys() == {first}


def test_no_connect_fails_while_backends_are_drained_and_undrained(ground, two):
    steady = ground.steady(VIP, 8080)
    for _ in range(5):
        for backend in endpoints(ground.network)[:2]:
            two.ctl("drain", backend)
        for backend in endpoints(ground.network)[:2]:
            two.ctl("undrain", backend)
    seen = steady.finish(names(ground.network))
    assert seen["failed"] == {} and seen["held"] and seen["seen"].keys() == names(ground.network)


def test_maglev_and_weights_leave_a_drained_one_out(ground, agent):
    first = endpoints(ground.network)[0]
    mine = agent(environment={}, services=[static("backend", *endpoints(ground.network), vip=VIP, balance="maglev",
                                                  affinity="socket")]).start()
    mine.ctl("drain", first)
    wait.until("it is out", lambda: mine.candidates(VIP)[first][0] == 0)
    assert set(ground.reach(VIP, 8080, 30)) == {"backend-2", "backend-3"}
