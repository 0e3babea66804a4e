# SPDX-License-Identifier: Apache-2.0
"""The last known good: what a start knows that finds nothing in the kernel, and what it makes of a file that is bad."""
import json
import os
import time
import zlib

import pytest

from playground import wait
from playground.services import NAMESPACE, VIP, endpoints, from_cloudmap, names, register

SERVICE = f"backend.{NAMESPACE}"
SOURCE = f"cloudmap us-east-1 {NAMESPACE}/backend"
TEN_MINUTES = 600


@pytest.fixture
def file(ground):
    state = ground.scratch / "state"
    state.mkdir(exist_ok=True)
    return state / "known.jsonl"


def sealed(*lines, version=1):
    """The text of a file with these lines."""
    text = "".join(json.dumps(line) + "\n" for line in ({"version": version, "written": int(time.time())}, *lines))
    return text + f'{{"services":{len(lines)},"checksum":"{zlib.crc32(text.encode()):08x}"}}\n'


def line(*backends, service=SERVICE, source=SOURCE, **more):
    return {"service": service, "source": source, "answered": int(time.time()) - TEN_MINUTES, "backends": list(backends),
            **more}


def rows(file):
    """What it says, as {service: backends}, once it is there."""
    wait.until("it is written", file.exists, within=30)
    first, *lines, last = file.read_text().splitlines(keepends=True)
    before = (first + "".join(lines)).encode()
    assert json.loads(last) == {"services": len(lines), "checksum": f"{zlib.crc32(before):08x}"}
    return {row["service"]: row["backends"] for row in map(json.loads, lines)}


def age(agent):
    return agent.service(SERVICE)["age_s"]


def test_what_is_in_force_is_written_soon_and_outlives_a_crash_of_the_host(cloud, ground, agent, file):
    (file.parent / "vips.json").write_text(f'{{"version": 1, "vips": {{"{SERVICE}": "127.254.77.77"}}}}')
    register(cloud, ground.network)
    cloud.health("backend", "i-3", "UNHEALTHY")
    mine = agent(cloud, services=[from_cloudmap()]).start()
    three = endpoints(ground.network)
    assert rows(file) == {SERVICE: [*three[:2], f"{three[2]} unhealthy"]}
    mine.kill()
    mine.ctl("detach")
    (file.parent / "vips.json").unlink()
    cloud.stop()
    mine.start()
    told = mine.service(SERVICE)
    assert set(ground.reach("127.254.77.77", 8080, 8)) == {"backend-1", "backend-2"}
    assert told["keeping"].startswith("3 backends, last known good, from state_dir, ")
    assert told["last_success_s"] > 0 and 0 <= told["age_s"] < TEN_MINUTES
    wait.until("the reason is told", lambda: mine.service(SERVICE)["keeping"].endswith(" s old: connect"))
    assert "keeping 3 backends, last known good, from state_dir, " in mine.ctl("status").stdout


def test_a_cloud_map_that_hangs_holds_up_nobody_who_is_known(cloud, ground, agent, file):
    register(cloud, ground.network)
    cloud.fault("hang")
    file.write_text(sealed(line(*endpoints(ground.network))))
    mine = agent(cloud, services=[from_cloudmap(vip=VIP)]).start()
    assert "Source failed" not in mine.logged()  # that is a time-out of 5 s
    assert set(ground.reach(VIP, 8080, 9)) == names(ground.network)
    assert mine.service(SERVICE)["keeping"].startswith("3 backends, last known good, from state_dir, 6")
    assert mine.get("/readyz")[0] == 200


def test_the_first_answer_replaces_it_but_a_shrink_must_be_confirmed(cloud, ground, agent, file):
    register(cloud, ground.network, numbers=(1,))
    three = endpoints(ground.network)
    file.write_text(sealed(line(*three, service=f"held.{NAMESPACE}"),
                           line("10.77.0.99:8080", service=f"other.{NAMESPACE}")))
    mine = agent(cloud, services=[
        {**from_cloudmap(vip=VIP), "name": f"held.{NAMESPACE}"},
        {**from_cloudmap(vip="127.254.0.11"), "name": f"other.{NAMESPACE}"}]).start()
    wait.until("the one is as Cloud Map says", lambda: set(mine.states(f"other.{NAMESPACE}")) == {three[0]})
    held = wait.until("the other is held", lambda: mine.service(f"held.{NAMESPACE}")["shrink"])
    assert (held["answered"], held["in_force"]) == (1, 3)
    assert set(mine.states(f"held.{NAMESPACE}")) == set(three)


def test_what_is_in_the_kernel_counts_and_the_file_knows_how_old_it_is(cloud, ground, agent, file):
    register(cloud, ground.network)
    mine = agent(cloud, services=[from_cloudmap(vip=VIP)]).start().wait_backends(SERVICE, 3)
    mine.stop()
    assert rows(file) == {SERVICE: endpoints(ground.network)}
    file.write_text(sealed(line("10.77.0.99:8080")))
    cloud.stop()
    mine.start()
    assert set(mine.states(SERVICE)) == set(endpoints(ground.network))
    told = mine.service(SERVICE)
    assert told["keeping"].startswith("3 backends of an earlier run, 6") and told["age_s"] >= TEN_MINUTES


def test_of_another_source_or_service_it_knows_nothing(cloud, ground, agent, file):
    file.write_text(sealed(line("10.77.0.99:8080", source="cloudmap us-east-1 staging/backend"),
                           line("10.77.0.99:8080", service="gone")))
    cloud.stop()
    mine = agent(cloud, services=[from_cloudmap(vip=VIP)]).start()
    assert mine.states(SERVICE) == {} and mine.status()["problems"] == []
    assert mine.service(SERVICE)["keeping"] == "nothing, for there has been no answer yet: connect"


def cut(file):
    file.write_text(sealed(line("10.77.0.99:8080"))[:-12])
    return "the end: got '{\"services\":1,\"checksum\":', wanted its checksum: it is cut off or damaged"


def other_version(file):
    file.write_text(sealed(line("10.77.0.99:8080"), version=2))
    return "version: got 2, wanted 1"


def huge(file):
    with open(file, "w", encoding="utf-8") as sparse:
        sparse.truncate(100 << 20)
    return "File too large"


def pipe(file):
    os.mkfifo(file)
    return "kind: got no regular file, wanted one"


@pytest.mark.parametrize("damage", [cut, other_version, huge, pipe])
def test_a_file_that_is_none_is_set_aside_and_told_of(cloud, ground, agent, file, damage):
    register(cloud, ground.network)
    what = damage(file)
    mine = agent(cloud, services=[from_cloudmap(vip=VIP)]).start().wait_backends(SERVICE, 3)
    aside, = file.parent.glob("known.jsonl.damaged-*")
    assert mine.status()["problems"] == [f"{file}: {what}; services that were not in the kernel waited for answers; "
                                         f"the file is now {aside}"]
    assert rows(file) == {SERVICE: endpoints(ground.network)}


def test_a_line_that_is_none_does_not_take_the_others_with_it(cloud, ground, agent, file):
    file.write_text(sealed(line("10.77.0.99:8080 color=red"), line(*endpoints(ground.network)), 5))
    cloud.stop()
    mine = agent(cloud, services=[from_cloudmap(vip=VIP)]).start()
    assert set(mine.states(SERVICE)) == set(endpoints(ground.network))
    assert ("Some of the last known good is left out lines=2 first='line 2: backends: got \"10.77.0.99:8080 color=red\", "
            "wanted a place, weight=N, zone=Z'") in mine.logged()


def test_a_directory_that_cannot_be_written_is_told_of(cloud, ground, agent):
    register(cloud, ground.network)
    state = ground.scratch / "in-the-way"
    state.write_text("")
    mine = agent(cloud, state_dir=str(state), services=[from_cloudmap(vip=VIP)]).start().wait_backends(SERVICE, 3)
    problem = f"{state}/known.jsonl: cannot be written: Not a directory; a start after a boot would know what was in " \
              f"force before"
    wait.until("it is told", lambda: problem in mine.status()["problems"], within=30)
    assert set(ground.reach(VIP, 8080, 9)) == names(ground.network)


def test_a_reload_is_written_too(cloud, ground, agent, file):
    register(cloud, ground.network)
    register(cloud, ground.network, "other", numbers=(1, 2))
    mine = agent(cloud, services=[from_cloudmap(vip=VIP), from_cloudmap("other")]).start()
    mine.wait_backends(SERVICE, 3).wait_backends(f"other.{NAMESPACE}", 2)
    mine.write(services=[from_cloudmap("other")])
    mine.ctl("reload")
    mine.stop()
    assert rows(file) == {f"other.{NAMESPACE}": endpoints(ground.network)[:2]}


def test_services_of_a_namespace_outlive_a_boot_too(cloud, ground, agent, file):
    register(cloud, ground.network)
    wish = {"cloudmap": NAMESPACE, "defaults": {"port": 8080, "watch": "always"}}
    mine = agent(cloud, services=[], namespaces=[wish]).start()
    assert rows(file) == {SERVICE: endpoints(ground.network)}
    vip = mine.service(SERVICE)["vip"]
    mine.kill()
    mine.ctl("detach")
    cloud.stop()
    mine.start()
    assert set(ground.reach(vip, 8080, 9)) == names(ground.network)
    assert mine.service(SERVICE)["keeping"].startswith("3 backends, last known good, from state_dir, ")
