# SPDX-License-Identifier: Apache-2.0
"""Credentials: from every link of the chain, renewed before and when they expire."""
import json
import os
import subprocess
from collections import Counter

import pytest

from playground import wait
from playground.agent import STATIC_KEY
from playground.cloud import AWS, KEY, SECRET, Cloud
from playground.services import NAMESPACE, from_cloudmap, register

SERVICE = f"backend.{NAMESPACE}"


def container(cloud):
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{cloud.endpoint}/v2/credentials/task"}


@pytest.fixture
def from_container(cloud, ground, agent):
    register(cloud, ground.network)
    return agent(cloud, services=[from_cloudmap()], environment=container(cloud))


def codes(cloud):
    """How often it was answered how, whichever of the two questions it was."""
    requests = cloud.stats()["requests"]
    return Counter(requests.get("DiscoverInstances", {})) + Counter(requests.get("DiscoverInstancesRevision", {}))


def test_the_container_endpoint_gives_credentials(cloud, from_container):
    from_container.start().wait_backends(SERVICE, 3)
    assert codes(cloud).keys() == {"ok"}
    assert cloud.stats()["credentials_issued"] == 1


def test_an_authorization_token_is_sent_from_its_file(ground, agent, tmp_path):
    token = tmp_path / "token"
    token.write_text("s3cret-token", encoding="utf-8")
    cloud = Cloud(tmp_path, "--credentials-token", "s3cret-token")
    try:
        register(cloud, ground.network)
        environment = {**container(cloud), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token)}
        agent(cloud, services=[from_cloudmap()], environment=environment).start().wait_backends(SERVICE, 3)
    finally:
        cloud.stop()


def test_expired_credentials_are_renewed_at_once(cloud, from_container):
    from_container.start().wait_backends(SERVICE, 3)
    cloud.control(credentials={"expire": True}, reset_stats=True)
    wait.until("the expiry is met and overcome", lambda: {"ExpiredTokenException", "ok"} <= codes(cloud).keys())
    assert from_container.backends(SERVICE) == 3
    wait.until("status forgets it", lambda: from_container.service(SERVICE)["error"] is None)


def test_unrecognized_credentials_are_renewed_at_once(cloud, from_container):
    from_container.start().wait_backends(SERVICE, 3)
    cloud.control(credentials={"revoke": True}, reset_stats=True)
    wait.until("the refusal is met and overcome",
               lambda: {"UnrecognizedClientException", "ok"} <= codes(cloud).keys())
    assert from_container.backends(SERVICE) == 3


def test_credentials_are_renewed_before_they_expire(cloud, from_container):
    cloud.control(credentials={"lifetime_s": 12})
    from_container.start().wait_backends(SERVICE, 3)
    wait.until("they were renewed twice", lambda: cloud.stats()["credentials_issued"] >= 3, every=0.1)
    assert codes(cloud).keys() == {"ok"}, "the API must never have seen an expired set"


def test_the_old_credentials_are_used_while_the_endpoint_fails(cloud, from_container):
    cloud.control(credentials={"lifetime_s": 20})
    from_container.start().wait_backends(SERVICE, 3)
    cloud.fault("internal", operation="Credentials")
    wait.until("it could not renew them", lambda: cloud.asked("Credentials") > 1)
    before = codes(cloud)["ok"]
    wait.until("it goes on asking", lambda: codes(cloud)["ok"] >= before + 3)
    assert codes(cloud).keys() == {"ok"}


@pytest.mark.parametrize("rule", [{"kind": "internal"}, {"kind": "garbage", "what": "html"}, {"kind": "hang"},
                                  {"kind": "garbage", "what": "number"}, {"kind": "reset"}])
def test_without_credentials_nothing_is_asked_until_there_are_some(cloud, from_container, rule):
    cloud.fault(operation="Credentials", **rule)
    from_container.start()
    wait.until("status tells it", lambda: from_container.service(SERVICE)["error"])
    assert codes(cloud) == {}
    cloud.heal()
    from_container.wait_backends(SERVICE, 3)


def test_a_web_identity_becomes_its_role(cloud, ground, agent, tmp_path):
    register(cloud, ground.network)
    token = tmp_path / "token"
    token.write_text("head.body.wrong", encoding="utf-8")
    mine = agent(cloud, services=[from_cloudmap()], environment={
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/web",
        "AWS_ENDPOINT_URL_STS": cloud.endpoint}).start()
    error = wait.until("status tells it", lambda: mine.status()["credentials"]["error"])
    assert error == "STS: InvalidIdentityToken: The web identity token is not one of ours"
    token.write_text("head.body.sign", encoding="utf-8")
    mine.wait_backends(SERVICE, 3)
    told = mine.status()["credentials"]
    assert told["provider"] == "web identity" and told["error"] is None and told["expires_at"]


def profile(cloud, tmp_path, text, **more):
    config = tmp_path / "config"
    config.write_text(text, encoding="utf-8")
    return {"AWS_CONFIG_FILE": str(config), "AWS_ENDPOINT_URL_STS": cloud.endpoint, **more}


ROLE = f"""
[profile app]
role_arn = arn:aws:iam::123456789012:role/app
source_profile = base
[profile base]
aws_access_key_id = {KEY}
aws_secret_access_key = {SECRET}
"""


def test_a_profile_s_role_is_assumed_as_the_real_command_line_does(cloud, ground, agent, tmp_path):
    register(cloud, ground.network)
    environment = profile(cloud, tmp_path, ROLE, AWS_PROFILE="app")
    mine = agent(cloud, services=[from_cloudmap()], environment=environment).start()
    mine.wait_backends(SERVICE, 3)
    assert mine.status()["credentials"]["provider"] == "profile"
    assert SECRET not in mine.logged() + mine.ctl("status", "--json").stdout
    real = subprocess.run(
        [AWS, "sts", "assume-role", "--endpoint-url", cloud.endpoint, "--region", cloud.told["region"],
         "--role-arn", "arn:aws:iam::123456789012:role/app", "--role-session-name", "real"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_CONFIG_FILE": environment["AWS_CONFIG_FILE"],
             "AWS_PROFILE": "base", "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True, text=True, timeout=60, check=False)
    assert real.returncode == 0, real.stderr
    assert json.loads(real.stdout)["Credentials"]["AccessKeyId"].startswith("ASIA")


def instance(cloud, **more):
    return {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": cloud.endpoint,
            "AWS_METADATA_SERVICE_TIMEOUT": "10", **more}


def test_an_instance_gives_credentials_through_sessions_that_end(cloud, ground, agent):
    register(cloud, ground.network)
    mine = agent(cloud, services=[from_cloudmap()], environment=instance(cloud)).start()
    mine.wait_backends(SERVICE, 3)
    told = mine.status()["credentials"]
    assert told["provider"] == "instance" and told["error"] is None
    passed = [passed["provider"] for passed in told["passed_over"]]
    assert passed == ["environment", "web identity", "profile", "container"]
    cloud.control(metadata={"end_sessions": True}, credentials={"expire": True}, reset_stats=True)
    wait.until("the expiry is overcome", lambda: {"ExpiredTokenException", "ok"} <= codes(cloud).keys())
    assert cloud.stats()["requests"]["Metadata"]["Unauthorized"] == 1
    assert cloud.stats()["requests"]["MetadataToken"] == {"ok": 1}


def test_a_token_that_does_not_arrive_is_explained_by_the_hop_limit(cloud, ground, agent):
    register(cloud, ground.network)
    cloud.fault("hang", operation="MetadataToken")
    mine = agent(cloud, services=[from_cloudmap()],
                 environment=instance(cloud, AWS_METADATA_SERVICE_TIMEOUT="1")).start()
    error = wait.until("status tells it", lambda: mine.status()["credentials"]["error"])
    assert "HttpPutResponseHopLimit is 1: set it to 2" in error
    told = mine.ctl("status").stdout
    assert f"    error: {error}\n    not by environment: AWS_ACCESS_KEY_ID is not set\n" in told


@pytest.mark.parametrize("source", ["task metadata", "instance metadata"])
def test_a_region_that_nothing_tells_is_found_and_kept_over_a_reload(cloud, ground, agent, source):
    register(cloud, ground.network)
    environment = {**instance(cloud), **STATIC_KEY}
    if source == "task metadata":
        environment["ECS_CONTAINER_METADATA_URI_V4"] = f"{cloud.endpoint}/v4/task"
    cloud.control(faults=[{"kind": "unavailable", "operation": "TaskMetadata"},
                          {"kind": "unavailable", "operation": "Metadata"}])
    mine = agent(cloud, services=[from_cloudmap()], environment=environment,
                 aws={"endpoint": cloud.endpoint, "data_endpoint": cloud.endpoint}).start()
    assert mine.service(SERVICE)["error"]["code"] == "no_region"
    wait.until("status tells why", lambda: "HTTP status 503" in (mine.status()["region"]["error"] or ""))
    assert "region: not found yet: " in mine.ctl("status").stdout
    cloud.heal()
    mine.wait_backends(SERVICE, 3, within=30)
    assert mine.status()["region"] == {"name": cloud.told["region"], "from": source, "error": None}
    before = cloud.asked()
    mine.ctl("reload")
    wait.until("it asks on", lambda: cloud.asked() > before)
    assert mine.status()["region"]["name"] == cloud.told["region"] and mine.service(SERVICE)["error"] is None


def test_namespaces_are_imported_when_the_region_is_found(cloud, ground, agent):
    register(cloud, ground.network)
    cloud.fault("unavailable", operation="Metadata")
    mine = agent(cloud, services=[], namespaces=[{"cloudmap": NAMESPACE}],
                 environment={**instance(cloud), **STATIC_KEY},
                 aws={"endpoint": cloud.endpoint, "data_endpoint": cloud.endpoint}).start()
    wait.until("status tells why", lambda: "HTTP status 503" in (mine.status()["region"]["error"] or ""))
    assert cloud.asked("ListNamespaces") == 0
    cloud.heal()
    mine.wait_backends(SERVICE, 3, within=30)


def test_a_session_token_from_the_environment_is_sent(cloud, ground, agent):
    register(cloud, ground.network)
    given = json.loads(cloud.http("GET", "/v2/credentials/task")[1])
    agent(cloud, services=[from_cloudmap()], environment={
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["Token"]}).start().wait_backends(SERVICE, 3)
    assert codes(cloud).keys() == {"ok"}


@pytest.mark.parametrize("environment, code", [
    ({"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET + "x"}, "InvalidSignatureException"),
    ({"AWS_ACCESS_KEY_ID": "AKIDOTHER", "AWS_SECRET_ACCESS_KEY": SECRET}, "UnrecognizedClientException"),
])
def test_a_bad_key_is_told_by_the_code_of_the_remote(cloud, ground, agent, environment, code):
    register(cloud, ground.network)
    mine = agent(cloud, services=[from_cloudmap()], environment=environment).start()
    wait.until("status tells it", lambda: (mine.service(SERVICE)["error"] or {}).get("code") == code)
    assert SECRET not in mine.logged() and SECRET not in mine.ctl("status", "--json").stdout


def test_secrets_are_never_shown(cloud, from_container):
    from_container.start().wait_backends(SERVICE, 3)
    given = json.loads(cloud.http("GET", "/v2/credentials/task")[1])
    shown = from_container.logged() + from_container.ctl("status", "--json").stdout + from_container.get()[1]
    assert given["SecretAccessKey"] not in shown and given["Token"] not in shown


@pytest.mark.parametrize("offset_s, words", [(3600, "behind"), (-3600, "ahead of")])
def test_a_clock_that_is_wrong_is_corrected_and_told(cloud, ground, agent, offset_s, words):
    register(cloud, ground.network)
    cloud.control(clock_offset_s=offset_s)
    mine = agent(cloud, services=[from_cloudmap()]).start().wait_backends(SERVICE, 3)
    wait.until("the refusal is forgotten", lambda: mine.service(SERVICE)["error"] is None, 30)
    assert codes(cloud)["InvalidSignatureException"] == 1
    assert abs(mine.status()["clock_offset_s"] - offset_s) < 60
    assert f"{words} AWS's; requests are signed with the time corrected" in mine.ctl("status").stdout
