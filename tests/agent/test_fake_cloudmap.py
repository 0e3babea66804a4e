# SPDX-License-Identifier: Apache-2.0
"""The local Cloud Map itself: what the aws command line, a signer and a resolver get from it."""
import datetime
import json
import socket
import ssl
import struct
import subprocess
from http.client import HTTPException

import pytest
from dnslib import QTYPE, RCODE

from playground.cloud import KEY, SECRET, Cloud, Refused
from fakecloud import garbage, sigv4



@pytest.fixture
def demo(cloud):
    """A Cloud Map with one service of three instances: backend.demo.internal."""
    cloud.service("backend", "demo.internal")
    for i in (1, 2, 3):
        cloud.register("backend", f"i-{i}", f"10.1.1.{i}", 8080)
    return cloud


BACKEND = {"NamespaceName": "demo.internal", "ServiceName": "backend"}


def now(**shift):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**shift)


def code_of(cloud, operation="DiscoverInstances", **wish):
    with pytest.raises(Refused) as refused:
        cloud.call(operation, **(BACKEND | wish if operation == "DiscoverInstances" else wish))
    return refused.value.code


# --- the real command line --------------------------------------------------------------------------------

def test_the_aws_command_line_registers_discovers_and_deregisters(cloud):
    made = cloud.aws("create-private-dns-namespace", "--name", "demo.internal", "--vpc", "vpc-1")
    operation = cloud.aws("get-operation", "--operation-id", made["OperationId"])["Operation"]
    assert operation["Status"] == "SUCCESS"
    service = cloud.aws("create-service", "--name", "backend", "--namespace-id", operation["Targets"]["NAMESPACE"],
                        "--dns-config", "DnsRecords=[{Type=A,TTL=5}]", "--health-check-custom-config",
                        "FailureThreshold=1")["Service"]["Id"]
    cloud.aws("register-instance", "--service-id", service, "--instance-id", "i-1", "--attributes",
              "AWS_INSTANCE_IPV4=10.1.1.1,AWS_INSTANCE_PORT=8080,AVAILABILITY_ZONE=us-east-1a")
    found = cloud.aws("discover-instances", "--namespace-name", "demo.internal", "--service-name", "backend")
    assert found["Instances"] == [{
        "InstanceId": "i-1", "NamespaceName": "demo.internal", "ServiceName": "backend", "HealthStatus": "HEALTHY",
        "Attributes": {"AWS_INSTANCE_IPV4": "10.1.1.1", "AWS_INSTANCE_PORT": "8080",
                       "AVAILABILITY_ZONE": "us-east-1a"}}]
    cloud.aws("update-instance-custom-health-status", "--service-id", service, "--instance-id", "i-1",
              "--status", "UNHEALTHY")
    assert cloud.aws("get-instances-health-status", "--service-id", service) == {"Status": {"i-1": "UNHEALTHY"}}
    cloud.aws("deregister-instance", "--service-id", service, "--instance-id", "i-1")
    assert cloud.aws("list-instances", "--service-id", service)["Instances"] == []


@pytest.mark.parametrize("key, secret, code", [
    (KEY, SECRET + "x", "InvalidSignatureException"),
    ("AKIDUNKNOWN", SECRET, "UnrecognizedClientException"),
])
def test_the_aws_command_line_is_refused_with_a_bad_key(demo, key, secret, code):
    ran = demo.aws("list-namespaces", key=key, secret=secret, check=False)
    assert ran.returncode != 0 and f"({code})" in ran.stderr


# --- signatures -------------------------------------------------------------------------------------------

def test_the_signature_of_the_published_vector_is_found():
    headers = [("Content-Type", "application/x-amz-json-1.1"),
               ("Host", "data-servicediscovery.us-east-1.amazonaws.com"), ("X-Amz-Date", "20240501T120000Z"),
               ("X-Amz-Security-Token", "AQoDYXdzEJr//token+EXAMPLE=="),
               ("X-Amz-Target", "Route53AutoNaming_v20170314.DiscoverInstances")]
    request = sigv4.Request("POST", "/", "", headers, b"")
    text = sigv4.canonical(request, sorted(request.headers),
                           "f40278c55177e1628d88a9f304a6de2ca508912d62d964ff23abe25154b0115a")
    assert sigv4.signature(SECRET, "20240501", "us-east-1", "servicediscovery", "20240501T120000Z", text) == \
        "a456b13a40ec08d210ddc5de39d9df0742b2f663dd54972a01b875f235fee0a9"


@pytest.mark.parametrize("wish, code", [
    ({"secret": "wrong"}, "InvalidSignatureException"),
    ({"key": "AKIDOTHER"}, "UnrecognizedClientException"),
    ({"token": "unasked"}, "UnrecognizedClientException"),
    ({"region": "eu-west-1"}, "InvalidSignatureException"),
    ({"when": now(minutes=-20)}, "InvalidSignatureException"),
    ({"when": now(minutes=20)}, "InvalidSignatureException"),
])
def test_a_wrong_signature_is_refused(demo, wish, code):
    assert code_of(demo, **wish) == code


@pytest.mark.parametrize("headers, status, code", [
    ({}, 403, "MissingAuthenticationTokenException"),
    ({"Authorization": "Basic eDp5"}, 400, "IncompleteSignatureException"),
    ({"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, 400, "IncompleteSignatureException"),
    ({"Authorization": "AWS4-HMAC-SHA256 Credential=a/b/us-east-1/servicediscovery/aws4_request, SignedHeaders=host, "
      "Signature=\xff"}, 400, "IncompleteSignatureException"),
])
def test_an_unsigned_request_is_refused(cloud, headers, status, code):
    got, body = cloud.http("POST", "/", b"{}", headers)
    assert (got, json.loads(body)["__type"]) == (status, code)


def test_a_server_whose_clock_is_ahead_finds_the_signature_expired(demo):
    demo.control(clock_offset_s=3600)
    assert code_of(demo) == "InvalidSignatureException"
    demo.control(clock_offset_s=0)
    assert demo.call("DiscoverInstancesRevision", **BACKEND) == {"InstancesRevision": 4}


# --- credentials ------------------------------------------------------------------------------------------

def fetch(cloud, role="task"):
    status, body = cloud.http("GET", f"/v2/credentials/{role}")
    assert status == 200, body
    got = json.loads(body)
    return {"key": got["AccessKeyId"], "secret": got["SecretAccessKey"], "token": got["Token"]}


def test_handed_out_credentials_are_accepted_until_they_expire(demo):
    mine = fetch(demo)
    assert len(demo.call("DiscoverInstances", **BACKEND, **mine)["Instances"]) == 3
    assert code_of(demo, **(mine | {"token": "other"})) == "UnrecognizedClientException"
    demo.control(credentials={"expire": True})
    assert code_of(demo, **mine) == "ExpiredTokenException"
    renewed = fetch(demo)
    assert renewed["key"] != mine["key"]
    assert demo.call("DiscoverInstancesRevision", **BACKEND, **renewed)


def test_the_aws_command_line_is_refused_with_an_expired_token(demo):
    mine = fetch(demo)
    assert demo.aws("list-namespaces", **mine)["Namespaces"][0]["Name"] == "demo.internal"
    demo.control(credentials={"expire": True})
    assert "(ExpiredTokenException)" in demo.aws("list-namespaces", **mine, check=False).stderr


def test_revoked_credentials_are_unrecognized(demo):
    mine = fetch(demo)
    demo.control(credentials={"revoke": True})
    assert code_of(demo, **mine) == "UnrecognizedClientException"


def test_the_same_credentials_are_handed_out_for_half_of_their_life(demo):
    assert fetch(demo) == fetch(demo)
    demo.control(credentials={"rotate": True})
    assert demo.stats()["credentials_issued"] == 1
    fetch(demo)
    assert demo.stats()["credentials_issued"] == 2


def test_an_unknown_role_gets_no_credentials(cloud):
    status, body = cloud.http("GET", "/v2/credentials/other")
    assert status == 400 and json.loads(body)["__type"] == "InvalidIdInRequest"


# --- the rules of the API ---------------------------------------------------------------------------------

@pytest.mark.parametrize("operation, wish, code", [
    ("DiscoverInstances", {"NamespaceName": "none"}, "NamespaceNotFound"),
    ("DiscoverInstances", {"ServiceName": "none"}, "ServiceNotFound"),
    ("DiscoverInstances", {"MaxResults": 1001}, "InvalidInput"),
    ("DiscoverInstances", {"MaxResults": "10"}, "InvalidInput"),
    ("DiscoverInstances", {"HealthStatus": "FINE"}, "InvalidInput"),
    ("DiscoverInstances", {"Unknown": 1}, "InvalidInput"),
    ("DiscoverInstancesRevision", {"NamespaceName": "demo.internal"}, "InvalidInput"),
    ("CreateHttpNamespace", {"Name": ""}, "InvalidInput"),
    ("CreatePrivateDnsNamespace", {"Name": "demo.internal", "Vpc": "vpc-1"}, "NamespaceAlreadyExists"),
    ("CreatePrivateDnsNamespace", {"Name": "other.internal"}, "InvalidInput"),
    ("GetService", {"Id": "srv-none"}, "ServiceNotFound"),
    ("GetNamespace", {"Id": "ns-none"}, "NamespaceNotFound"),
    ("GetOperation", {"OperationId": "op-none"}, "OperationNotFound"),
    ("ListNamespaces", {"NextToken": "?"}, "InvalidInput"),
    ("ListServices", {"MaxResults": 101}, "InvalidInput"),
    ("NoSuchOperation", {}, "UnknownOperationException"),
])
def test_what_the_model_forbids_is_refused(demo, operation, wish, code):
    assert code_of(demo, operation, **wish) == code


def test_what_is_in_use_is_not_deleted(demo):
    service, namespace = demo._services["backend"], demo.namespace("demo.internal")
    assert code_of(demo, "DeleteService", Id=service) == "ResourceInUse"
    assert code_of(demo, "DeleteNamespace", Id=namespace) == "ResourceInUse"
    for i in (1, 2, 3):
        demo.deregister("backend", f"i-{i}")
    demo.call("DeleteService", Id=service)
    demo.call("DeleteNamespace", Id=namespace)
    assert demo.call("ListNamespaces")["Namespaces"] == []


@pytest.mark.parametrize("attributes", [
    {"AWS_INSTANCE_IPV4": "300.1.1.1"}, {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "0"},
    {"AWS_INSTANCE_PORT": "80"}, {}, {"AWS_INSTANCE_IPV4": "10.0.0.1", "k": "x" * 1025},
])
def test_an_instance_with_bad_attributes_is_refused(demo, attributes):
    assert code_of(demo, "RegisterInstance", ServiceId=demo._services["backend"], InstanceId="i-9",
                   Attributes=attributes) == "InvalidInput"


def test_health_filters_choose_as_documented(demo):
    def found(**wish):
        return sorted(i["InstanceId"] for i in demo.call("DiscoverInstances", **BACKEND, **wish)["Instances"])
    demo.health("backend", "i-1", "UNHEALTHY")
    assert found() == ["i-2", "i-3"]
    assert found(HealthStatus="UNHEALTHY") == ["i-1"]
    assert found(HealthStatus="ALL") == ["i-1", "i-2", "i-3"]
    for i in (2, 3):
        demo.health("backend", f"i-{i}", "UNHEALTHY")
    assert found(HealthStatus="HEALTHY") == []
    assert found(HealthStatus="HEALTHY_OR_ELSE_ALL") == ["i-1", "i-2", "i-3"]


def test_a_hundred_instances_are_shown_unless_more_are_asked_for(cloud):
    cloud.service("many", "demo.internal")
    for i in range(120):
        cloud.register("many", f"i-{i}", f"10.2.0.{i + 1}", 80)
    asked = {"NamespaceName": "demo.internal", "ServiceName": "many"}
    assert len(cloud.call("DiscoverInstances", **asked)["Instances"]) == 100
    assert len(cloud.call("DiscoverInstances", **asked, MaxResults=1000)["Instances"]) == 120


def test_the_revision_moves_with_membership_and_not_with_health(demo):
    def revision():
        return demo.call("DiscoverInstancesRevision", **BACKEND)["InstancesRevision"]
    before = revision()
    demo.health("backend", "i-1", "UNHEALTHY")
    assert revision() == before
    demo.deregister("backend", "i-1")
    assert revision() == before + 1


def test_a_page_may_be_empty_and_not_the_last(cloud):
    for name in ("a", "b", "c"):
        cloud.namespace(name, dns=False)
    asked = {"MaxResults": 1, "Filters": [{"Name": "NAME", "Values": ["c"], "Condition": "EQ"}]}
    first = cloud.call("ListNamespaces", **asked)
    assert first["Namespaces"] == [] and first["NextToken"]


def test_what_is_registered_outlives_a_restart_with_a_state_file(tmp_path):
    for expected in (1, 2):
        cloud = Cloud(tmp_path, "--state", tmp_path / "state.json")
        try:
            cloud.namespace(f"n{expected}", dns=False)
            assert len(cloud.call("ListNamespaces")["Namespaces"]) == expected
        finally:
            assert cloud.stop() == 0


# --- DNS --------------------------------------------------------------------------------------------------

def answers(reply):
    return sorted((QTYPE[r.rtype], r.ttl, str(r.rdata)) for r in reply.rr)


@pytest.mark.parametrize("tcp", [False, True])
def test_addresses_are_answered_with_the_ttl_of_the_service(demo, tcp):
    reply = demo.ask("Backend.demo.INTERNAL", "A", tcp)
    assert answers(reply) == [("A", 1, f"10.1.1.{i}") for i in (1, 2, 3)]


def test_srv_records_lead_to_a_name_for_each_instance(cloud):
    cloud.service("grpc", "demo.internal", [("SRV", 7)])
    cloud.register("grpc", "i-1", "10.1.1.1", 50051, AWS_INSTANCE_IPV6="fd00::1")
    assert answers(cloud.ask("grpc.demo.internal", "SRV")) == [("SRV", 7, "1 1 50051 i-1.grpc.demo.internal.")]
    assert answers(cloud.ask("i-1.grpc.demo.internal", "A")) == [("A", 7, "10.1.1.1")]
    assert answers(cloud.ask("i-1.grpc.demo.internal", "AAAA")) == [("AAAA", 7, "fd00::1")]


@pytest.mark.parametrize("name, kind, rcode, has_soa", [
    ("none.demo.internal", "A", RCODE.NXDOMAIN, True), ("backend.demo.internal", "AAAA", RCODE.NOERROR, True),
    ("demo.internal", "A", RCODE.NOERROR, True), ("example.com", "A", RCODE.REFUSED, False),
])
def test_what_is_not_there_is_denied_as_dns_denies(demo, name, kind, rcode, has_soa):
    reply = demo.ask(name, kind)
    assert (reply.header.rcode, reply.rr, bool(reply.auth)) == (rcode, [], has_soa)


def test_at_most_eight_records_are_answered_and_healthy_ones_first(cloud):
    cloud.service("many", "demo.internal")
    for i in range(20):
        cloud.register("many", f"i-{i}", f"10.2.0.{i + 1}")
    assert len(cloud.ask("many.demo.internal", "A").rr) == 8
    for i in range(1, 20):
        cloud.health("many", f"i-{i}", "UNHEALTHY")
    assert answers(cloud.ask("many.demo.internal", "A")) == [("A", 1, "10.2.0.1")]


def test_an_answer_too_large_for_udp_is_truncated_and_whole_over_tcp(cloud):
    name = "x" * 60
    cloud.service(name, "demo.internal", [("SRV", 7)])
    for i in range(8):
        cloud.register(name, "i" * 55 + str(i), f"10.2.0.{i + 1}", 80)
    assert cloud.ask(f"{name}.demo.internal", "SRV").header.tc == 1
    whole = cloud.ask(f"{name}.demo.internal", "SRV", tcp=True)
    assert (whole.header.tc, len(whole.rr)) == (0, 8)


@pytest.mark.parametrize("kind, rcode", [("servfail", RCODE.SERVFAIL), ("nxdomain", RCODE.NXDOMAIN),
                                         ("refused", RCODE.REFUSED), ("nodata", RCODE.NOERROR)])
def test_a_dns_fault_answers_as_it_says_until_healed(demo, kind, rcode):
    demo.fault(kind, channel="dns")
    reply = demo.ask("backend.demo.internal", "A")
    assert (reply.header.rcode, reply.rr) == (rcode, [])
    demo.heal()
    assert len(demo.ask("backend.demo.internal", "A").rr) == 3


def test_dns_may_be_silent_and_change_its_ttl(demo):
    demo.fault("silence", channel="dns", times=1)
    with pytest.raises(socket.timeout):
        demo.ask("backend.demo.internal", "A", timeout=0.3)
    demo.fault("ttl", channel="dns", ttl=77)
    assert {r.ttl for r in demo.ask("backend.demo.internal", "A").rr} == {77}


# --- faults of the API ------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind, status, code", [
    ("throttle", 400, "RequestLimitExceeded"), ("internal", 500, "InternalFailure"),
    ("unavailable", 503, "ServiceUnavailable"), ("denied", 403, "AccessDeniedException"),
])
def test_an_error_fault_answers_with_its_code(demo, kind, status, code):
    demo.fault(kind, operation="DiscoverInstances", times=1)
    with pytest.raises(Refused) as refused:
        demo.call("DiscoverInstances", **BACKEND)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert len(demo.call("DiscoverInstances", **BACKEND)["Instances"]) == 3
    assert demo.stats()["requests"]["DiscoverInstances"] == {code: 1, "ok": 1}


@pytest.mark.parametrize("kind", ["truncated_body", "empty_body", "no_answer", "reset", "reset_midway", "bare_status"])
def test_a_wire_fault_gives_no_usable_answer(demo, kind):
    demo.fault(kind, times=1)
    with pytest.raises((OSError, TypeError, ValueError, KeyError, HTTPException)):
        len(demo.call("DiscoverInstances", **BACKEND)["Instances"])
    assert len(demo.call("DiscoverInstances", **BACKEND)["Instances"]) == 3


@pytest.mark.parametrize("what", sorted(garbage.BODIES.keys() - {"huge"}))
def test_garbage_is_answered_with_200(demo, what):
    demo.fault("garbage", what=what)
    assert demo.post("DiscoverInstances", **BACKEND)[0] == 200


@pytest.mark.parametrize("what", sorted(garbage.INSTANCES))
def test_wrong_content_is_answered_as_json(demo, what):
    demo.fault("wrong_content", what=what)
    got = demo.call("DiscoverInstances", **BACKEND)
    assert "Instances" in got and "InstancesRevision" in got


def test_empty_and_partial_answers_keep_the_revision(demo):
    demo.fault("partial_answer", keep=2)
    assert len(demo.call("DiscoverInstances", **BACKEND)["Instances"]) == 2
    demo.fault("empty_answer")
    assert demo.call("DiscoverInstances", **BACKEND) == {"Instances": [], "InstancesRevision": 4}


def test_a_hanging_answer_ends_when_the_fault_is_cleared(demo):
    demo.fault("hang", operation="DiscoverInstances")
    with socket.create_connection((demo.host, demo.port), timeout=10) as held:
        held.sendall(b"GET /v2/credentials/task HTTP/1.1\r\nHost: x\r\n\r\n")
        assert held.recv(100).startswith(b"HTTP/1.1 200")
    demo.fault("hang", operation="Credentials")
    with socket.create_connection((demo.host, demo.port), timeout=0.3) as held:
        held.sendall(b"GET /v2/credentials/task HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(socket.timeout):
            held.recv(100)
        demo.heal()
        held.settimeout(30)
        assert held.recv(100) == b""


@pytest.mark.parametrize("wish", [{"nonsense": 1}, {"faults": [{"kind": "none"}]}, {"faults": [{}]}, {"add": 3},
                                  {"faults": [{"kind": "hang", "channel": "x"}]}])
def test_a_control_that_is_not_understood_is_refused(cloud, wish):
    assert cloud.http("POST", "/_control", json.dumps(wish))[0] == 400


def test_rules_may_wait_and_choose_a_service(demo):
    demo.control(faults=[{"kind": "throttle", "service": "other"},
                         {"kind": "internal", "service": "backend", "skip": 1, "times": 1}])
    assert demo.call("DiscoverInstancesRevision", **BACKEND)
    assert code_of(demo) == "InternalFailure"
    assert demo.call("DiscoverInstancesRevision", **BACKEND)
    assert demo.call("ListNamespaces")


# --- robustness -------------------------------------------------------------------------------------------

HOSTILE = [b"", b"\x00" * 4096, b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
           b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
           b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
           b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nshort", b"GET / HTTP/9.9\r\n\r\n", b"A" * 70000,
           b"POST /_control HTTP/1.1\r\nContent-Length: 2\r\n\r\n\xff\xff", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
           b"GET /v2/credentials/%00../../etc/passwd HTTP/1.1\r\n\r\n",
           b"POST /_control HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + b"[" * 100000,
           b"POST / HTTP/1.1\r\nX-Amz-Target: \xff\r\nContent-Length: 4\r\n\r\n[[[["]


def test_hostile_bytes_crash_nothing(demo):
    for packet in HOSTILE:
        with socket.create_connection((demo.host, demo.port), timeout=30) as peer:
            try:
                peer.sendall(packet)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(65536):
                    pass
            except OSError:
                pass
    host, _, port = demo.dns.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        for packet in (b"", b"x", b"\0" * 12, b"\xff" * 512, struct.pack("!6H", 1, 256, 65535, 0, 0, 0),
                       struct.pack("!6H", 1, 256, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1",
                       struct.pack("!6H", 1, 256, 1, 0, 0, 0) + b"\x3f"):
            peer.sendto(packet, (host, int(port)))
    assert len(demo.ask("backend.demo.internal", "A").rr) == 3
    assert demo.stats()["crashes"] == 0


def test_it_speaks_tls(tmp_path):
    pair = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2",
                    "-out", pair[0], "-keyout", pair[1]], check=True, capture_output=True)
    cloud = Cloud(tmp_path, "--tls", *pair)
    try:
        assert cloud.endpoint.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=pair[0])
        with socket.create_connection((cloud.host, cloud.port), timeout=30) as plain:
            with trust.wrap_socket(plain, server_hostname="localhost") as peer:
                peer.sendall(b"GET /_control/stats HTTP/1.0\r\n\r\n")
                assert peer.recv(20).startswith(b"HTTP/1.1 200")
    finally:
        cloud.stop()
