# SPDX-License-Identifier: Apache-2.0
"""What shuntctl shows of a running agent, of a dead one, and of none."""
import json
import os
import subprocess

import pytest

from playground import wait
from playground.agent import SHUNTCTL
from playground.process import run

SERVICES = [
    {"name": "backend.internal", "aliases": ["backend"], "vip": "127.254.0.10", "port": 8080,
     "static": {"endpoints": ["10.0.1.54:3000", "10.0.1.91:3000", "[2001:db8::1]:3000"]}},
    {"name": "both.internal", "vip": "127.254.0.11", "port": 53, "protocol": "any",
     "static": {"endpoints": ["10.0.1.54:53"]}},
    {"name": "anyport.internal", "vip": "127.254.0.12", "static": {"endpoints": ["10.0.1.54:80"]}},
    {"name": "empty.internal", "vip": "127.254.0.13", "port": 80, "on_empty": "pass", "static": {"endpoints": []}},
    {"name": "six.internal", "vip": "::2", "port": 80, "static": {"endpoints": ["10.0.1.54:80", "[2001:db8::1]:80"]}},
]


@pytest.fixture(scope="module")
def looked_at(shared_agent):
    return shared_agent(services=SERVICES).start()


def explain(agent, target):
    told = json.loads(agent.ctl("--json", "explain", target).stdout)
    answers = [(a["protocol"], a["verdict"], a["why"]) for a in told["answers"]]
    shares = {(c["protocol"], c["backend"]): c["share_percent"] for c in told["candidates"]}
    return answers, shares


def test_show_reads_as_people_read(looked_at):
    shown = looked_at.ctl("show", "services").stdout.splitlines()
    assert shown[0].split() == ["SERVICE", "VIP", "PORT", "PROTOCOL", "BACKENDS", "ON-EMPTY", "BALANCE",
                                "AFFINITY", "ID"]
    assert [line.split()[:6] for line in shown[1:3]] == [
        ["anyport.internal", "127.254.0.12", "any", "tcp", "1", "refuse"],
        ["backend.internal", "127.254.0.10", "8080", "tcp", "3", "refuse"]]
    shown = looked_at.ctl("show").stdout
    assert [line.split()[0] for line in shown.split("\n") if line.isupper()] == ["SERVICE"] * 3


def test_show_as_json_has_what_was_asked_for(looked_at):
    assert set(looked_at.show("backends")) == {"backends"}
    assert set(json.loads(looked_at.ctl("show", "--json").stdout)) == {"services", "backends", "counters"}
    six = [b for b in looked_at.show("backends")["backends"] if b["service"] == "six.internal"]
    assert [(b["backend"], b["address"], b["port"], b["state"], b["zone"]) for b in six] == [
        ("10.0.1.54:80", "10.0.1.54", 80, "healthy", None),
        ("[2001:db8::1]:80", "2001:db8::1", 80, "healthy", None)]


@pytest.mark.parametrize("target", ["backend", "backend.internal", "127.254.0.10", "127.254.0.10:8080", "backend:8080"])
def test_explain_takes_names_aliases_and_addresses(looked_at, target):
    answers, shares = explain(looked_at, target)
    assert answers == [
        ("tcp", "redirected", "redirected to backend.internal: 2 backends in turn"),
        ("udp", "left alone", "left alone: backend.internal is at 127.254.0.10:8080, tcp")]
    assert shares == {("tcp", "10.0.1.54:3000"): 50, ("tcp", "10.0.1.91:3000"): 50,
                      ("tcp", "[2001:db8::1]:3000"): 0}


@pytest.mark.parametrize("target, answers", [
    ("both.internal", [("any", "redirected", "redirected to both.internal: 1 backend in turn")]),
    ("empty.internal", [("tcp", "passed", 'passed: empty.internal has no backend and on_empty is "pass"; '
                                          "it goes where it was going"),
                        ("udp", "left alone", "left alone: empty.internal is at 127.254.0.13:80, tcp")]),
    ("10.1.2.3", [("any", "left alone", "left alone: no service has 10.1.2.3")]),
    ("10.1.2.3:80", [("any", "left alone", "left alone: no service has 10.1.2.3:80")]),
    ("backend:81", [("any", "left alone", "left alone: backend.internal is at 127.254.0.10:8080, tcp")]),
])
def test_explain_tells_what_a_connect_gets(looked_at, target, answers):
    assert explain(looked_at, target)[0] == answers


def test_an_address_that_is_not_ours_takes_two_lines(looked_at):
    assert looked_at.ctl("explain", "10.1.2.3").stdout == (
        "PROTOCOL  DESTINATION  SERVICE  WHY\n"
        "any       10.1.2.3     -        left alone: no service has 10.1.2.3\n")


def test_explain_picks_the_family_that_the_programs_pick(looked_at):
    assert explain(looked_at, "[::2]:80")[1] == {("tcp", "10.0.1.54:80"): 0, ("tcp", "[2001:db8::1]:80"): 100}
    text = looked_at.ctl("explain", "six.internal").stdout
    assert "not picked: an IPv6 backend is there" in text


def test_explain_of_a_name_that_is_none_suggests_one(looked_at):
    ran = looked_at.ctl("explain", "backand", check=False)
    assert (ran.returncode, ran.stdout) == (66, "")
    assert ran.stderr == "shuntctl: no service is named 'backand'; did you mean 'backend'?\n"


def test_status_has_a_line_for_each_service(looked_at):
    text = looked_at.ctl("status").stdout
    assert "\nbackend.internal 127.254.0.10:8080/tcp -> 3 backends, answered " in text
    assert "\nanyport.internal 127.254.0.12:any/tcp -> 1 backend, answered " in text
    assert {s["name"] for s in looked_at.status()["services"]} == {s["name"] for s in SERVICES}


def test_the_metrics_page_pleases_promtool(looked_at):
    page = looked_at.get("/metrics")[1]
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True,
                             timeout=30, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    assert looked_at.metric("shunt_backends", service="backend.internal", state="healthy") == 3


def test_refresh_knows_names_and_aliases(looked_at):
    for name in ([], ["backend.internal"], ["backend"]):
        assert looked_at.ctl("refresh", *name).stdout == "the sources are being asked\n"
    ran = looked_at.ctl("refresh", "nobody", check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (66, "", "shuntctl: got 'nobody', wanted a service's name\n")


@pytest.mark.parametrize("words, code, said", [
    (["shwo"], 64, "shuntctl: there is no verb 'shwo'; did you mean 'show'?\n"),
    (["trace"], 64, "shuntctl: there is no verb 'trace'; --help lists them\n"),
    (["drain"], 64, "shuntctl: drain: got no argument, wanted ADDR:PORT\n"),
    ([], 64, "shuntctl: a verb is missing; --help lists them\n"),
    (["explain"], 64, "shuntctl: explain: got no argument, wanted TARGET[:PORT]\n"),
    (["explain", "a", "b"], 64, "shuntctl: explain: got 'b' after 'a', wanted one argument: TARGET[:PORT]\n"),
    (["status", "a"], 64, "shuntctl: status: got 'a', wanted no argument\n"),
    (["show", "all"], 64, "shuntctl: show: got 'all', wanted services, backends or counters\n"),
    (["--config", "/nowhere.json", "show"], 66,
     "shuntctl: /nowhere.json: cannot read the configuration: No such file or directory\n"),
])
def test_what_it_cannot_do_has_a_code_and_a_word(words, code, said):
    ran = run([SHUNTCTL, *words], check=False, env={"PATH": os.environ["PATH"]})
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, "", said)


def test_a_reload_tells_the_faults_and_the_rest_goes_on(agent):
    made = agent(services=SERVICES[:1]).start()
    made.write('{"services": [], "bpffs": "%s", "control_socket": "%s", "frob": 1}'
               % (made.config["bpffs"], made.config["control_socket"]))
    ran = made.ctl("reload", check=False)
    assert (ran.returncode, ran.stdout) == (78, "")
    assert ran.stderr == f"shuntctl: {made.file}: frob: unknown key\n"  # by the agent alone
    ran = made.ctl("status")
    assert "only its bpffs and control_socket are used" in ran.stderr
    assert "refused, the one before stays in force: " in ran.stdout
    assert made.ctl("detach", check=False).returncode == 78
    made.write(text=None)
    assert made.ctl("reload").stdout == "the configuration was read and is in force\n"


def test_without_an_agent_the_maps_still_speak(agent):
    made = agent(services=SERVICES).start()
    before = made.show("backends")
    made.kill()
    assert made.show("backends") == before
    assert explain(made, "backend")[0][0][1] == "redirected"
    ran = made.ctl("status", check=False)
    assert (ran.returncode, ran.stderr) == (69, f"shuntctl: shuntd is not running at {made.config['control_socket']}\n")


def test_detach_leaves_nothing(agent):
    made = agent(services=SERVICES).start()
    pid = made.process.pid
    ran = made.ctl("detach")
    assert ran.stdout == f"removed the programs, links, maps and {made.pins}\n"
    assert ran.stderr == (f"shuntctl: shuntd (pid {pid}) still runs; "
                          "it will not attach again until it is restarted\n")
    assert not made.pins.exists()
    wait.until("status says so", lambda: "NOT attached" in made.ctl("status").stdout)
    made.stop()
    ran = made.ctl("detach", check=False)
    assert (ran.returncode, ran.stdout) == (69, "")
    assert "nothing is pinned" in ran.stderr
