# SPDX-License-Identifier: Apache-2.0
"""https to Cloud Map: the certificate is checked, by the system's authorities or those of AWS_CA_BUNDLE."""
import pytest

from playground import wait
from playground.agent import STATIC_KEY
from playground.cloud import Cloud
from playground.process import run
from playground.services import NAMESPACE, from_cloudmap

SERVICE = f"backend.{NAMESPACE}"


@pytest.fixture
def secure(tmp_path, request):
    """A Cloud Map that speaks TLS, its certificate for the names that the test's parameter tells."""
    pair = tmp_path / "cert.pem", tmp_path / "key.pem"
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
         "/CN=cloudmap", "-addext", f"subjectAltName={request.param}", "-days", "2", "-out", pair[0],
         "-keyout", pair[1]])
    cloud = Cloud(tmp_path, "--tls", *pair)
    cloud.certificate = str(pair[0])
    cloud.service("backend", NAMESPACE)
    cloud.register("backend", "i-1", "10.1.1.1", 8080)
    yield cloud
    cloud.stop()


def started(agent, cloud, **environment):
    return agent(cloud, services=[from_cloudmap()], environment={**STATIC_KEY, **environment}).start()


@pytest.mark.parametrize("secure", ["IP:127.0.0.1"], indirect=True)
def test_a_certificate_of_the_bundle_is_trusted(agent, secure):
    started(agent, secure, AWS_CA_BUNDLE=secure.certificate).wait_backends(SERVICE, 1)


def assert_refused(mine, cloud):
    error = wait.until("status tells it", lambda: mine.service(SERVICE)["error"])
    assert error["code"] == "tls" and error["message"], error
    assert "DiscoverInstances" not in cloud.stats()["requests"]
    assert mine.backends(SERVICE) == 0


@pytest.mark.parametrize("secure", ["IP:127.0.0.1"], indirect=True)
def test_a_certificate_of_nobody_known_is_refused(agent, secure):
    assert_refused(started(agent, secure), secure)


@pytest.mark.parametrize("secure", ["DNS:elsewhere.example"], indirect=True)
def test_a_certificate_for_another_name_is_refused(agent, secure):
    assert_refused(started(agent, secure, AWS_CA_BUNDLE=secure.certificate), secure)
