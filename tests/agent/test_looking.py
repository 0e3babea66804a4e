# SPDX-License-Identifier: Apache-2.0
"""What people and Prometheus see: metrics, probes, show, status, explain, bpftool."""
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from playground import wait
from playground.process import run
from playground.services import NAMESPACE, VIP, endpoints, from_cloudmap, names, register, static

LAYOUT = Path(__file__).resolve().parents[2] / "include/shunt/layout.h"
SERVICE = f"backend.{NAMESPACE}"
PROMISED = {"shunt_build_info", "shunt_backends", "shunt_connects_total", "shunt_source_requests_total",
            "shunt_source_last_success_timestamp_seconds", "shunt_map_entries", "shunt_map_capacity",
            "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
            "process_start_time_seconds"}


@pytest.fixture(scope="module")
def seen(shared_cloud, shared_ground, shared_agent):
    network = shared_ground.network
    register(shared_cloud, network)
    shared_cloud.health("backend", "i-3", "UNHEALTHY")
    agent = shared_agent(shared_cloud, services=[
        from_cloudmap(vip=VIP, aliases=["backend"]), static("refusing", vip="127.254.0.11"),
        static("passing", port=8080, vip=network.backends[0].address, on_empty="pass"),
        static("fixed", *endpoints(network), port=3000)])
    agent.start()
    wait.until("the backends are known", lambda: agent.backends(SERVICE) >= 2)
    return agent


# --- metrics ----------------------------------------------------------------------------------------------

def test_the_promised_metrics_are_there(seen):
    assert PROMISED - seen.metrics().keys() == set()


def test_promtool_finds_nothing_to_say(seen):
    if not shutil.which("promtool"):
        pytest.skip("promtool (of Debian's package prometheus) is not installed")
    seen.ground.ask(VIP, 8080)
    ran = subprocess.run(["promtool", "check", "metrics"], input=seen.get()[1], text=True, capture_output=True,
                         timeout=30, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_build_info_tells_version_and_layout(seen):
    labels, value = seen.metrics()["shunt_build_info"][0]
    layout = re.search(r"SHUNT_LAYOUT_VERSION (\d+)", LAYOUT.read_text(encoding="utf-8"))[1]
    assert value == 1 and labels["version"] and labels["layout"] == layout


def test_requests_of_sources_are_counted_by_their_code(seen):
    assert seen.metric("shunt_source_requests_total", source="cloudmap", operation="DiscoverInstances", code="ok") > 0


def test_the_budget_of_calls_is_told(seen):
    assert seen.metric("shunt_budget_calls_per_second") == 100
    assert seen.metric("shunt_budget_calls_total") > 0
    assert seen.metric("shunt_budget_pace_calls_per_second", operation="DiscoverInstancesRevision") == 100
    assert "shunt_budget_waiting" in seen.metrics()
    told = seen.status()["budget"]
    assert (told["calls_per_second"], told["refused"], told["held_back"]) == (100, 0, [])
    assert told["calls"] >= told["in_last_second"] and told["without_revisions"] is None
    assert "calls to Cloud Map: " in seen.ctl("status").stdout


def test_probes_answer(seen):
    assert (seen.get("/healthz")[0], seen.get("/readyz")[0], seen.get("/nowhere")[0]) == (200, 200, 404)


# --- shuntctl ---------------------------------------------------------------------------------------------

def test_show_lists_services_and_backends(seen):
    services = {s["name"]: s for s in seen.show("services")["services"]}
    assert services.keys() == {SERVICE, "refusing", "passing", "fixed"}
    assert (services[SERVICE]["vip"], services[SERVICE]["port"], services[SERVICE]["protocol"]) == (VIP, 8080, "tcp")
    backends = [b for b in seen.show("backends")["backends"] if b["service"] == "fixed"]
    assert {f"{b['address']}:{b['port']}" for b in backends} == set(endpoints(seen.ground.network))
    assert {b["state"] for b in backends} == {"healthy"}


def test_show_as_text_has_a_line_for_each(seen):
    text = seen.ctl("show", "backends").stdout
    for endpoint in endpoints(seen.ground.network):
        assert endpoint in text
    assert SERVICE in seen.ctl("show").stdout


def test_show_counters_counts_what_metrics_count(seen):
    seen.ground.reach(VIP, 8080, 4)
    counters = {c["service"]: c for c in seen.show("counters")["counters"]}
    assert counters[SERVICE]["redirected"] == seen.metric("shunt_connects_total", service=SERVICE, result="redirected")


def test_status_tells_each_source(seen):
    row = seen.service(SERVICE)
    assert row["error"] is None and row["shrink"] is None and row["source"]
    assert SERVICE in seen.ctl("status").stdout


@pytest.mark.parametrize("target", [f"{VIP}:8080", f"{SERVICE}:8080", "backend:8080"])
def test_explain_names_the_service_and_its_candidates(seen, target):
    text = seen.ctl("explain", target).stdout
    assert SERVICE in text
    for backend in seen.ground.network.backends[:2]:
        assert backend.address in text


def test_explain_says_that_an_address_is_not_ours(seen):
    assert "left alone" in seen.ctl("explain", "10.1.2.3:80", check=False).stdout


def test_refresh_asks_at_once_and_an_unknown_name_is_told(seen):
    assert seen.ctl("refresh", SERVICE).returncode == 0
    ran = seen.ctl("refresh", "nobody", check=False)
    assert ran.returncode != 0 and "nobody" in ran.stderr


def test_a_vip_that_was_chosen_is_the_same_after_a_restart_without_state(seen):
    chosen = {s["name"]: s["vip"] for s in seen.show("services")["services"]}["fixed"]
    assert chosen.startswith("127.254.") and set(seen.ground.reach(chosen, 3000, 9)) == names(seen.ground.network)
    seen.stop()
    shutil.rmtree(seen.config["state_dir"], ignore_errors=True)
    seen.start()
    assert {s["name"]: s["vip"] for s in seen.show("services")["services"]}["fixed"] == chosen


# --- empty services ---------------------------------------------------------------------------------------

def test_an_empty_service_refuses_at_once(seen):
    failure, seconds = seen.ground.ask("127.254.0.11", 8080)
    assert failure == "ECONNREFUSED" and seconds < 10  # a SYN that nobody answers takes minutes
    wait.until("it is counted",
               lambda: seen.metric("shunt_connects_total", service="refusing", result="no_backend") > 0)


def test_an_empty_service_lets_pass_when_told_to(seen):
    backend = seen.ground.network.backends[0]
    assert seen.ground.ask(backend.address, 8080) == (backend.address, 8080, backend.name)


# --- bpftool ----------------------------------------------------------------------------------------------

def dump(seen, name):
    return run(["bpftool", "map", "dump", "pinned", seen.pins / name]).stdout


def pin(seen, name):
    """The pin of that name, wherever in the directory it is."""
    return next(p for p in sorted(seen.pins.rglob("*")) if p.name == name).relative_to(seen.pins)


def test_a_map_dump_reads_as_people_read(seen):
    services, backends = dump(seen, pin(seen, "shunt_services")), dump(seen, pin(seen, "shunt_backends"))
    assert f'"{SERVICE}"' in services and "PROTOCOL_TCP" in services and "8080" in services
    assert "STATE_HEALTHY" in backends and "8080" in backends
    assert "ON_EMPTY_PASS" in services


def test_people_look_at_live_entries_only(seen):
    rows = json.loads(run(["bpftool", "-j", "map", "dump", "pinned", seen.pins / pin(seen, "shunt_services")]).stdout)
    assert len(rows) == 4


def test_pins_are_for_their_owner_only(seen):
    for path in [seen.pins, *seen.pins.rglob("*")]:
        assert path.stat().st_mode & 0o027 == 0, path


def test_names_of_programs_and_maps_begin_with_shunt(seen):
    for path in seen.pins.rglob("shunt_*"):
        assert path.name.startswith("shunt_")
    programs = run(["bpftool", "cgroup", "show", seen.config["cgroup"]]).stdout.splitlines()[1:]
    assert programs and all("shunt_" in line for line in programs)
