# SPDX-License-Identifier: Apache-2.0
"""Starting, reloading, dying, taking over, detaching."""
import contextlib
import json
import pathlib
import signal
import socket

import pytest

from playground import wait
from playground.process import run
from playground.services import NAMESPACE, VIP, endpoints, from_cloudmap, names, register, static

SERVICE = f"backend.{NAMESPACE}"


@pytest.fixture
def fixed(ground, agent):
    """A running agent with one static service of three backends."""
    return agent(services=[static("fixed", *endpoints(ground.network), vip=VIP)], environment={}).start()


def redirected(agent, service="fixed"):
    return agent.metric("shunt_connects_total", service=service, result="redirected")


def objects(agent):
    """What the kernel holds of this agent, as (kind, id): everything pinned, and what is attached."""
    found = set()
    for pin in [path for path in agent.pins.rglob("*") if path.is_file()]:
        for kind in ("map", "prog", "link"):
            ran = run(["bpftool", "-j", kind, "show", "pinned", pin], check=False)
            if ran.returncode == 0:
                found.add((kind, json.loads(ran.stdout)["id"]))
                break
    attached = json.loads(run(["bpftool", "-j", "cgroup", "show", agent.config["cgroup"]]).stdout or "[]")
    return found | {("prog", row["id"]) for row in attached}


def alive(held):
    return {(kind, ident) for kind, ident in held
            if run(["bpftool", kind, "show", "id", ident], check=False).returncode == 0}


# --- dying ------------------------------------------------------------------------------------------------

def test_kill_9_in_mid_traffic_loses_nothing_and_the_next_start_takes_over(fixed):
    steady = fixed.ground.steady(VIP, 8080)
    wait.until("traffic is counted", lambda: redirected(fixed) > 20)
    fixed.kill()
    fixed.ground.reach(VIP, 8080, 20)
    fixed.start()
    fixed.ground.reach(VIP, 8080, 5)
    seen = steady.finish(names(fixed.ground.network))
    assert seen["failed"] == {} and seen["held"] and seen["seen"].keys() == names(fixed.ground.network)
    total = sum(seen["seen"].values()) + 1 + 20 + 5
    wait.until(f"all of the {total} connects are counted", lambda: redirected(fixed) == total)


def test_a_death_at_any_moment_of_a_change_is_repaired_by_the_next_start(fixed):
    network = fixed.ground.network
    steady = fixed.ground.steady(VIP, 8080)
    for turn in range(6):
        count = 1 + turn % 3
        others = [static(f"other-{i}", "10.9.9.9:80", vip=f"127.254.2.{i + 1}") for i in range(20 * count)]
        fixed.write(services=[static("fixed", *endpoints(network)[:count], vip=VIP), *others])
        fixed.process.send_signal(signal.SIGHUP)
        fixed.kill()
        fixed.start().wait_backends("fixed", count)
        assert len(fixed.show("services")["services"]) == 1 + 20 * count
    seen = steady.finish()
    assert seen["failed"] == {} and seen["held"]


def test_sigterm_leaves_pins_and_traffic(fixed):
    steady = fixed.ground.steady(VIP, 8080)
    assert fixed.stop() == 0
    assert fixed.pins.is_dir()
    assert set(fixed.ground.reach(VIP, 8080, 9)) == names(fixed.ground.network)
    seen = steady.finish()
    assert seen["failed"] == {} and seen["held"]


def test_sigint_ends_it_too(fixed):
    fixed.process.send_signal(signal.SIGINT)
    assert fixed.process.wait(60) == 0


def test_show_works_with_the_agent_dead_and_status_says_that_it_is(fixed):
    fixed.kill()
    shown = {b["address"] for b in fixed.show("backends")["backends"]}
    assert shown == {b.address for b in fixed.ground.network.backends}
    ran = fixed.ctl("status", check=False)
    assert ran.returncode == 69 and ran.stderr


def test_the_counters_outlive_the_agent(fixed):
    fixed.ground.reach(VIP, 8080, 7)
    wait.until("they are counted", lambda: redirected(fixed) == 7)
    fixed.stop()
    fixed.ground.reach(VIP, 8080, 5)
    fixed.start()
    assert redirected(fixed) == 12


def test_the_last_good_backends_are_in_force_before_cloud_map_answers_again(cloud, ground, agent):
    register(cloud, ground.network)
    mine = agent(cloud, services=[from_cloudmap(vip=VIP)]).start().wait_backends(SERVICE, 3)
    mine.kill()
    cloud.fault("hang")
    mine.start()
    assert mine.backends(SERVICE) == 3
    assert set(ground.reach(VIP, 8080, 9)) == names(ground.network)


# --- one at a time ----------------------------------------------------------------------------------------

def test_a_second_agent_exits_69_and_names_the_first(fixed):
    second = fixed.spawn(*fixed.arguments)
    assert second.wait(60) == 69
    assert str(fixed.process.pid) in fixed.logged().splitlines()[-1]
    assert fixed.ctl("status").returncode == 0
    assert set(fixed.ground.reach(VIP, 8080, 9)) == names(fixed.ground.network)


def test_the_second_may_start_when_the_first_is_gone(fixed):
    fixed.kill()
    fixed.start()
    assert fixed.get("/readyz")[0] == 200


# --- what is in the way -----------------------------------------------------------------------------------

def refused(agent):
    """The exit status of a start that must not succeed, and the last line that it said."""
    return agent.spawn(*agent.arguments).wait(60), agent.logged().splitlines()[-1]


@pytest.fixture
def unstarted(ground, agent):
    return agent(services=[static("fixed", *endpoints(ground.network), vip=VIP)], environment={})


def test_a_foreign_exclusive_program_in_the_way_is_explained(unstarted):
    ground = unstarted.ground
    source, program = ground.scratch / "foreign.bpf.c", ground.bpffs / "foreign"
    source.write_text('__attribute__((section("cgroup/connect4"), used)) int foreign(void *ctx) { return 1; }\n'
                      'char _license[] __attribute__((section("license"), used)) = "GPL";\n', encoding="utf-8")
    run(["clang", "-target", "bpf", "-O2", "-c", source, "-o", source.with_suffix(".o")])
    run(["bpftool", "prog", "load", source.with_suffix(".o"), program])
    run(["bpftool", "cgroup", "attach", ground.cgroup, "connect4", "pinned", program])
    status, said = refused(unstarted)
    assert status == 69 and "connect4" in unstarted.logged(), said
    assert "('foreign') is attached to connect4 exclusively" in said
    run(["bpftool", "cgroup", "detach", ground.cgroup, "connect4", "pinned", program])
    run(["bpftool", "cgroup", "attach", ground.cgroup, "connect4", "pinned", program, "multi"])
    unstarted.start()
    assert set(ground.reach(VIP, 8080, 9)) == names(ground.network)
    (other,) = unstarted.status()["foreign_programs"]
    assert (other["hook"], other["name"], other["cgroup"]) == ("connect4", "foreign", str(ground.cgroup))
    assert f"    also on connect4: program {other['program']} ('foreign') of {ground.cgroup}\n" in \
        unstarted.ctl("status").stdout
    assert f"A program of others is on the same hook, both run hook=connect4 program={other['program']} " \
        in unstarted.logged()
    run(["bpftool", "cgroup", "detach", ground.cgroup, "connect4", "pinned", program])
    program.unlink()
    assert unstarted.status()["foreign_programs"] == []


def test_a_metrics_port_that_is_taken_exits_69_and_names_it(unstarted):
    with socket.create_server(("127.0.0.1", unstarted.port)):
        status, said = refused(unstarted)
    assert status == 69 and str(unstarted.port) in said


def test_a_cgroup_that_is_none_exits_78_and_names_it(unstarted, tmp_path):
    unstarted.write(cgroup=str(tmp_path))
    status, said = refused(unstarted)
    assert status == 78 and str(tmp_path) in said


def test_without_privileges_it_exits_77(unstarted):
    unstarted.wrapper = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
    status, said = refused(unstarted)
    assert status == 77 and said


def patiently(what, probe):
    """Under valgrind, on a busy machine, the agent may take longer for an answer than either side waits for it."""
    def answer():
        with contextlib.suppress(OSError, AssertionError):
            return probe()
    return wait.until(what, answer, within=120)


def test_valgrind_has_nothing_to_say_from_start_to_end(cloud, ground, agent):
    register(cloud, ground.network)
    mine = agent(cloud, services=[from_cloudmap(vip=VIP), static("fixed", *endpoints(ground.network))])
    mine.wrapper = ["valgrind", "--quiet", "--error-exitcode=97", "--leak-check=full",
                    f"--suppressions={pathlib.Path(__file__).with_name('valgrind.supp')}"]
    mine.start(within=300)
    patiently("three backends", lambda: mine.backends(SERVICE) == 3)
    cloud.fault("garbage", what="binary")
    patiently("status tells it", lambda: mine.service(SERVICE)["error"])
    cloud.heal()
    cloud.deregister("backend", "i-1")
    patiently("two backends", lambda: mine.backends(SERVICE) == 2)
    mine.write(services=[from_cloudmap(vip=VIP)])
    patiently("it is reloaded", lambda: mine.ctl("reload").returncode == 0)
    patiently("the other service is gone", lambda: "fixed" not in mine.get()[1])
    process, mine.process = mine.process, None
    process.terminate()
    assert process.wait(120) == 0, mine.logged()
    assert "==" not in mine.logged()


# --- reloading --------------------------------------------------------------------------------------------

def reload_by_signal(agent):
    agent.process.send_signal(signal.SIGHUP)


def reload_by_command(agent):
    agent.ctl("reload", check=False)


RELOADS = pytest.mark.parametrize("reload", [reload_by_signal, reload_by_command])


@RELOADS
def test_a_reload_brings_and_takes_services(fixed, reload):
    network = fixed.ground.network
    steady = fixed.ground.steady(VIP, 8080)
    fixed.write(services=[static("fixed", *endpoints(network), vip=VIP),
                          static("second", endpoints(network)[1], vip="127.254.0.11")])
    reload(fixed)
    wait.until("the second answers", lambda: fixed.ground.ask("127.254.0.11", 8080)[-1] == "backend-2")
    fixed.write(services=[static("fixed", *endpoints(network), vip=VIP)])
    reload(fixed)
    wait.until("the second is gone", lambda: fixed.ground.ask("127.254.0.11", 8080)[0] == "ECONNREFUSED")
    seen = steady.finish()
    assert seen["failed"] == {} and seen["held"]


def test_a_bad_file_keeps_the_running_configuration_and_says_so(fixed):
    fixed.write(text='{"services": [{"name": "fixed", "prt": 1}], "nonsense": true}')
    reload_by_signal(fixed)
    logged = wait.until("the log tells it", lambda: "nonsense" in fixed.logged() and fixed.logged())
    assert "prt" in logged
    assert set(fixed.ground.reach(VIP, 8080, 9)) == names(fixed.ground.network)
    assert fixed.process.poll() is None


def test_the_reload_command_tells_what_is_wrong_and_exits_78(fixed):
    fixed.write(services=[{**static("fixed", vip=VIP), "colour": "red"}])
    ran = fixed.ctl("reload", check=False)
    assert ran.returncode == 78 and "colour" in ran.stderr
    assert fixed.process.poll() is None
    assert set(fixed.ground.reach(VIP, 8080, 9)) == names(fixed.ground.network)


def test_a_reload_keeps_counters(fixed):
    fixed.ground.reach(VIP, 8080, 5)
    wait.until("they are counted", lambda: redirected(fixed) == 5)
    fixed.write(services=[static("fixed", endpoints(fixed.ground.network)[0], vip=VIP)])
    fixed.ctl("reload")
    fixed.wait_backends("fixed", 1)
    assert redirected(fixed) == 5


# --- detaching --------------------------------------------------------------------------------------------

def test_detach_leaves_nothing(fixed):
    held = objects(fixed)
    assert {kind for kind, _ in held} == {"map", "prog", "link"} and alive(held) == held
    fixed.stop()
    assert alive(held) == held
    fixed.ctl("detach")
    assert not fixed.pins.exists()
    wait.until("the kernel has let go of everything", lambda: not alive(held))
    assert fixed.ground.ask(VIP, 8080)[0] == "ECONNREFUSED"


def test_detach_without_anything_there_says_so(fixed):
    fixed.stop()
    fixed.ctl("detach")
    again = fixed.ctl("detach", check=False)
    assert again.returncode == 69 and "nothing is pinned" in again.stderr


def test_a_start_after_a_detach_is_a_fresh_one(fixed):
    fixed.ground.reach(VIP, 8080, 5)
    fixed.stop()
    fixed.ctl("detach")
    fixed.start()
    assert redirected(fixed) == 0
    assert set(fixed.ground.reach(VIP, 8080, 9)) == names(fixed.ground.network)


def test_both_programs_run_on_shunt_config_alone(ground, agent):
    mine = agent(services=[static("fixed", *endpoints(ground.network), vip=VIP)], environment={})
    mine.file.unlink()
    mine.arguments = []
    mine.environment["SHUNT_CONFIG"] = json.dumps(mine.config)
    mine.start()
    assert set(ground.reach(VIP, 8080, 9)) == names(ground.network)
    assert [s["name"] for s in mine.show("services")["services"]] == ["fixed"]
    assert mine.ctl("status").returncode == 0
