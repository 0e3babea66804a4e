# SPDX-License-Identifier: Apache-2.0
"""The agent in a container, as the task definition of scripts/deploy runs it, serving another container."""
import json
import os
import pathlib

import pytest

from playground import wait
from playground.container import Container, bind, unified
from playground.ground import BUILD, free_port
from playground.process import run

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "deploy"
VIP, PORT = "127.254.0.10", 8080


@pytest.fixture
def task():
    return json.loads((DEPLOY / "task-definition.json").read_text(encoding="utf-8"))


@pytest.fixture
def containers(ground):
    """containers(rootfs, args, ...) makes one; all of them end with the test."""
    made = []

    def make(*words, **options):
        made.append(Container(ground, *words, **options))
        return made[-1]
    yield make
    for container in made:
        container.close()


@pytest.fixture
def image(ground):
    """What the Dockerfile copies into the empty image."""
    rootfs = ground.scratch / "image"
    run([DEPLOY / "rootfs", rootfs], env={**os.environ, "BUILD": str(BUILD)})
    return rootfs


@pytest.fixture
def busybox(ground):
    rootfs = ground.scratch / "busybox"
    for directory in ("bin", "proc", "dev", "sys"):
        (rootfs / directory).mkdir(parents=True)
    run(["cp", "/bin/busybox", rootfs / "bin"])
    return rootfs


def host_paths(ground):
    """Where the task definition's host paths lie on this ground."""
    own = {"/var/lib/shunt": ground.scratch / "lib", "/run/shunt": ground.scratch / "run"}
    for path in own.values():
        path.mkdir()
    return {"/sys/fs/bpf": ground.bpffs, "/sys/fs/cgroup": unified(ground.cgroup), **own}


def mounts_of(task, paths):
    sources = {volume["name"]: paths[volume["host"]["sourcePath"]] for volume in task["volumes"]}
    return [bind(sources[mount["sourceVolume"]], mount["containerPath"], "ro" if mount.get("readOnly") else "rw")
            for mount in task["containerDefinitions"][0]["mountPoints"]]


def configuration_of(task, cloud, port):
    """SHUNT_CONFIG of the task definition, on the local Cloud Map."""
    (text,) = [v["value"] for v in task["containerDefinitions"][0]["environment"] if v["name"] == "SHUNT_CONFIG"]
    config = json.loads(text)
    config["aws"].update(endpoint=cloud.endpoint, data_endpoint=cloud.endpoint)
    config["dns"] = {"servers": [cloud.dns]}
    config["metrics"] = {"listen": f"127.0.0.1:{port}"}
    config["services"][0]["cloudmap"].update(namespace="demo.internal", poll="1s")
    return config


def test_an_agent_in_a_container_serves_the_connects_of_another(task, ground, network, cloud, image, busybox, containers):
    cloud.service("backend", "demo.internal")
    for backend in network.backends:
        cloud.register("backend", backend.name, backend.address, PORT)
    definition = task["containerDefinitions"][0]
    shuntd = containers(image, ["/usr/sbin/shuntd"], mounts=mounts_of(task, host_paths(ground)),
                        privileged=definition["privileged"], read_only=definition["readonlyRootFilesystem"],
                        environment=[f"SHUNT_CONFIG={json.dumps(configuration_of(task, cloud, free_port()))}",
                                     f"AWS_CONTAINER_CREDENTIALS_FULL_URI={cloud.endpoint}/v2/credentials/task"])
    shuntd.start()

    def healthy():
        return shuntd.execute(*definition["healthCheck"]["command"][1:], check=False).returncode == 0
    wait.until("the health check passes", healthy)

    client = containers(busybox, ["/bin/busybox", "sleep", "600"], netns=f"/proc/{network.holder.pid}/ns/net").start()

    def reached():
        return {client.execute("/bin/busybox", "wget", "-q", "-O-", f"http://{VIP}:{PORT}", check=False).stdout.strip()
                for _ in range(12)}
    wait.until("the client reaches every backend", lambda: reached() == {b.name for b in network.backends})

    assert shuntd.kill() != 0
    assert reached() == {b.name for b in network.backends}, "a dead agent's programs go on"
