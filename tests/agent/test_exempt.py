# SPDX-License-Identifier: Apache-2.0
"""Whom an agent leaves alone: itself, and tasks in excluded cgroups."""
import json

from playground import wait
from playground.process import run
from playground.services import NAMESPACE, VIP, endpoints, from_cloudmap, from_dns, names, register, static

SERVICE = f"backend.{NAMESPACE}"
NOBODY = "127.0.0.1:1"  # nobody listens there


def test_the_agent_reaches_cloud_map_and_dns_at_addresses_that_are_vips(cloud, ground, agent):
    register(cloud, ground.network, health=False)
    dns_host, dns_port = cloud.dns.rsplit(":", 1)
    taken = [static("api", NOBODY, vip=cloud.host, port=cloud.port),
             static("resolver", NOBODY, vip=dns_host, port=int(dns_port), protocol="udp")]
    mine = agent(cloud, services=taken + [from_cloudmap(vip=VIP), from_dns("backend", name="by-dns")])
    mine.wrapper = ["sh", "-c", f"echo $$ > '{ground.cgroup}/cgroup.procs' && exec \"$@\"", "sh"]
    mine.start().wait_backends(SERVICE, 3).wait_backends("by-dns", 3)
    # both go on being asked while the VIPs are in force, for everybody else
    attempt = f"import socket; socket.create_connection(('{cloud.host}', {cloud.port}))"
    refused = run(["sh", "-c", f"echo $$ > '{ground.cgroup}/cgroup.procs' && exec \"$@\"", "sh",
                   "/usr/bin/python3", "-c", attempt], check=False)
    assert "ConnectionRefusedError" in refused.stderr
    cloud.deregister("backend", "i-3")
    mine.wait_backends(SERVICE, 2).wait_backends("by-dns", 2)


# --- exclude_cgroups --------------------------------------------------------------------------------------

LEFT_ALONE = ["ECONNREFUSED"]  # the VIP is of loopback, where nobody listens


def is_redirected(ground, cgroup=None, vip=VIP):
    return set(ground.reach(vip, 8080, 3, cgroup=cgroup)) <= names(ground.network)


def is_left_alone(ground, cgroup):
    return ground.reach(VIP, 8080, 1, cgroup=cgroup) == LEFT_ALONE


def excluding(ground, agent, **keys):
    services = [static("b", *endpoints(ground.network), vip=VIP, **keys.pop("service", {})),
                static("other", *endpoints(ground.network), vip="127.254.0.11")]
    return agent(services=services, environment={}, **keys)


def test_tasks_that_come_and_go_are_left_alone_from_when_they_are_there(ground, agent):
    slice_, pattern = ground.task("ecstasks.slice"), "ecstasks.slice/ecstasks-1*.slice"
    mine = excluding(ground, agent, exclude_cgroups=[pattern]).start()
    assert mine.status()["exclude_cgroups"] == [{"path": pattern, "cgroups": 0, "error": None}]
    assert f"    excluded: {pattern} (0 cgroups)\n" in mine.ctl("status").stdout

    task = ground.task("ecstasks.slice/ecstasks-12.slice")
    container = ground.task("ecstasks.slice/ecstasks-12.slice/docker-1.scope")
    other = ground.task("ecstasks.slice/ecstasks-2.slice")
    wait.until("the task is found", lambda: mine.status()["exclude_cgroups"][0]["cgroups"] == 1)
    assert is_left_alone(ground, task)
    assert is_left_alone(ground, container)
    for cgroup in (other, slice_, None):
        assert is_redirected(ground, cgroup)
    assert mine.metric("shunt_connects_total", service="b") == 9
    dumped = run(["bpftool", "map", "dump", "pinned", mine.pins / "shunt_excluded"]).stdout
    assert "ecstasks.slice/ecstasks-12.slice" in dumped

    for gone in (container, task):
        gone.rmdir()
        ground.tasks.remove(gone)
    wait.until("the task is forgotten", lambda: mine.status()["exclude_cgroups"][0]["cgroups"] == 0)
    wait.until("the map is empty", lambda: "ecstasks" not in run(
        ["bpftool", "map", "dump", "pinned", mine.pins / "shunt_excluded"]).stdout)


def test_a_service_leaves_its_own_tasks_alone_also_while_no_agent_runs(ground, agent):
    task = ground.task("proxied")
    mine = excluding(ground, agent, service={"exclude_cgroups": [str(task)]}).start()
    assert mine.service("b")["exclude_cgroups"] == [{"path": str(task), "cgroups": 1, "error": None}]
    assert mine.service("other")["exclude_cgroups"] == []

    def only_b_leaves_it_alone():
        return is_left_alone(ground, task) and is_redirected(ground, task, "127.254.0.11")
    assert only_b_leaves_it_alone()
    mine.kill()
    assert only_b_leaves_it_alone()
    mine.start()
    assert only_b_leaves_it_alone()

    mine.write(services=[static("b", *endpoints(ground.network), vip=VIP)])
    mine.ctl("reload")
    assert is_redirected(ground, task)
    mine.write(exclude_cgroups=["proxied"])
    mine.ctl("reload")
    assert is_left_alone(ground, task)


def test_a_service_that_takes_the_id_of_another_has_none_of_its_exclusions(ground, agent):
    task = ground.task("proxied")
    mine = agent(services=[static("a", *endpoints(ground.network), vip=VIP, exclude_cgroups=["proxied"])],
                 environment={}).start()
    assert is_left_alone(ground, task)
    mine.kill()
    mine.write(services=[static("z", *endpoints(ground.network), vip="127.254.0.11")])
    mine.start()
    assert is_redirected(ground, task, "127.254.0.11")


def test_explain_names_those_who_are_left_alone(ground, agent):
    for name in ("everywhere", "proxied", "sidecar"):
        ground.task(name)
    mine = agent(services=[static("b", *endpoints(ground.network), vip=VIP, exclude_cgroups=["sidecar", "proxied"]),
                           static("other", *endpoints(ground.network), vip="127.254.0.11", exclude_cgroups=["proxied"])],
                 environment={}, exclude_cgroups=["everywhere"]).start()

    def excluded(target):
        return [(e["service"], e["cgroup"], e["why"])
                for e in json.loads(mine.ctl("explain", target, "--json").stdout)["excluded"]]
    by_all = (None, "everywhere", "its tasks are left alone by all services")
    by_one = "its tasks are left alone by this service"
    assert excluded("b") == [by_all, ("b", "proxied", by_one), ("b", "sidecar", by_one)]
    assert excluded("127.254.0.11") == [by_all, ("other", "proxied", by_one)]
    assert excluded("10.1.2.3:80") == []  # nobody is redirected there
    assert mine.ctl("explain", "other").stdout.endswith(
        "\n\n"
        "SERVICE  CGROUP      WHY\n"
        "-        everywhere  its tasks are left alone by all services\n"
        "other    proxied     its tasks are left alone by this service\n")
    mine.write(services=[static("b", *endpoints(ground.network), vip=VIP)], exclude_cgroups=[])
    mine.ctl("reload")
    assert excluded("b") == [] and "CGROUP" not in mine.ctl("explain", "b").stdout


def test_a_path_elsewhere_is_told_and_harms_nobody(ground, agent):
    mine = excluding(ground, agent, exclude_cgroups=["/ecstasks.slice"]).start()
    assert mine.status()["exclude_cgroups"] == [
        {"path": "/ecstasks.slice", "cgroups": 0, "error": "not below the cgroup that is attached to"}]
    assert "An excluded cgroup is not below the one that is attached to, ignoring it path='/ecstasks.slice'" in \
        mine.logged()
    assert is_redirected(ground)
