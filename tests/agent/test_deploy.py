# SPDX-License-Identifier: Apache-2.0
"""What scripts/deploy holds is what AWS and systemd take, checked by their own tools and by the agent."""
import json
import os
import pathlib
import re
import subprocess
from unittest import mock

import pytest

import playground.agent
from playground import wait
from playground.agent import SHUNTD, Agent
from playground.cloud import AWS
from playground.ground import BUILD

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "scripts" / "deploy"

# Botocore checks names and types of parameters, but not that a value is one of an enumeration's.
ENUMERATIONS = {
    "networkMode": {"bridge", "host", "awsvpc", "none"},
    "pidMode": {"host", "task"},
    "launchType": {"EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"},
    "schedulingStrategy": {"REPLICA", "DAEMON"},
    "propagateTags": {"TASK_DEFINITION", "SERVICE", "NONE"},
}


def validate(command, path):
    """Has the AWS command line check the parameters, without a request; returns (status, its words)."""
    environment = dict(os.environ, AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="none",
                       AWS_SECRET_ACCESS_KEY="none", AWS_EC2_METADATA_DISABLED="true")
    done = subprocess.run([AWS, "ecs", command, "--cli-input-json", f"file://{path}",
                           "--generate-cli-skeleton", "output"], env=environment, text=True,
                          capture_output=True, timeout=60)
    return done.returncode, done.stderr


def task_definition():
    return json.loads((DEPLOY / "task-definition.json").read_text())


def enumeration_faults(node):
    if isinstance(node, list):
        return [fault for each in node for fault in enumeration_faults(each)]
    if not isinstance(node, dict):
        return []
    own = [f"{key}: {node[key]}" for key in ENUMERATIONS.keys() & node.keys()
           if node[key] not in ENUMERATIONS[key]]
    return own + [fault for each in node.values() for fault in enumeration_faults(each)]


@pytest.mark.parametrize("command, name", [("register-task-definition", "task-definition.json"),
                                           ("create-service", "service.json")])
def test_the_aws_command_line_takes_it(command, name):
    assert validate(command, DEPLOY / name) == (0, "")
    assert enumeration_faults(json.loads((DEPLOY / name).read_text())) == []


def test_the_aws_command_line_would_have_found_a_mistake(tmp_path):
    wrong = task_definition()
    wrong["containerDefinitions"][0]["previleged"] = True
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    status, words = validate("register-task-definition", tmp_path / "wrong.json")
    assert status != 0
    assert 'Unknown parameter in containerDefinitions[0]: "previleged"' in words


def test_every_volume_is_mounted_and_every_mount_has_its_volume():
    task = task_definition()
    volumes = {volume["name"] for volume in task["volumes"]}
    mounts = {mount["sourceVolume"] for mount in task["containerDefinitions"][0]["mountPoints"]}
    assert volumes == mounts


def test_the_configuration_in_the_task_definition_is_one_the_agent_takes():
    variables = task_definition()["containerDefinitions"][0]["environment"]
    environment = dict(os.environ, **{v["name"]: v["value"] for v in variables})
    done = subprocess.run([BUILD / "shuntd", "--check"], env=environment, text=True, capture_output=True, timeout=10)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_agent_may_ask_for_endpoints_and_for_nothing_else():
    policy = json.loads((DEPLOY / "iam-policy.json").read_text())
    actions = [action for statement in policy["Statement"] for action in statement["Action"]]
    assert actions == ["servicediscovery:DiscoverInstances", "servicediscovery:DiscoverInstancesRevision"]
    assert all(statement["Effect"] == "Allow" for statement in policy["Statement"])


def test_the_role_is_for_ecs_tasks_of_one_account():
    (statement,) = json.loads((DEPLOY / "iam-trust.json").read_text())["Statement"]
    assert statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert re.fullmatch(r"\d{12}", statement["Condition"]["StringEquals"]["aws:SourceAccount"])


def test_systemd_has_nothing_to_say_of_the_unit(tmp_path):
    program = tmp_path / "sbin" / "shuntd"
    program.parent.mkdir()
    program.symlink_to("/bin/true")
    unit = tmp_path / "shuntd.service"
    unit.write_text((DEPLOY / "shuntd.service").read_text().replace("@PREFIX@", str(tmp_path)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], text=True,
                          capture_output=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


class Confined(Agent):
    """An agent with no more capabilities than the unit leaves it."""

    def spawn(self, *arguments, **environment):
        unit = (DEPLOY / "shuntd.service").read_text()
        (bounds,) = re.findall(r"^CapabilityBoundingSet=(.+)$", unit, re.MULTILINE)
        names = ",".join("+" + name.removeprefix("CAP_").lower() for name in bounds.split())
        with mock.patch.object(playground.agent, "SHUNTD", "setpriv"):
            return super().spawn("--bounding-set", f"-all,{names}", "--no-new-privs", SHUNTD, *arguments, **environment)


def test_the_capabilities_of_the_unit_are_enough(ground, network, cloud):
    cloud.service("backend", "demo.internal")
    cloud.register("backend", "i-1", network.backends[0].address, 8080)
    agent = Confined(ground, cloud, services=[
        {"name": "backend", "vip": "127.254.0.10", "port": 8080,
         "on_removal": "reset", "cloudmap": {"namespace": "demo.internal", "service": "backend", "poll": "1s"}}])
    try:
        agent.start().wait_backends("backend", 1)
        status = pathlib.Path(f"/proc/{agent.process.pid}/status").read_text(encoding="ascii")
        assert "CapEff:\t000000c000001000\n" in status
        assert ground.ask("127.254.0.10", 8080)[2] == "backend-1"
        agent.stop()
        agent.start()
        assert ground.ask("127.254.0.10", 8080)[2] == "backend-1"
        steps = ground.steps()
        steps.do("connect", "a", "127.254.0.10", 8080)
        cloud.register("backend", "i-2", network.backends[1].address, 8080)
        agent.wait_backends("backend", 2)
        cloud.deregister("backend", "i-1")
        wait.until("the connection is reset", lambda: steps.do("error", "a") == "ECONNABORTED")
        assert "Not all connections" not in agent.logged()
    finally:
        agent.close()
