# SPDX-License-Identifier: Apache-2.0
"""A local Cloud Map of a test's own, and ways to ask it: a small signing client, and the real aws command."""
import datetime
import hashlib
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import sys

from dnslib import DNSRecord

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS / "fakes"))

from fakecloud import operations, sigv4  # noqa: E402

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
AWS = "/usr/bin/aws"
UNVERIFIED = ssl._create_unverified_context()


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class Cloud:
    """Owns the process; `stop` ends it."""

    def __init__(self, scratch, *arguments):
        self.scratch = pathlib.Path(scratch)
        self.errors = open(self.scratch / "cloudmap.err", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [TESTS / "fakes" / "cloudmap", "--dns", "127.0.0.1:0", "--verbose", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=self.errors, text=True)
        line = self.process.stdout.readline()
        assert line, f"cloudmap did not start: {(self.scratch / 'cloudmap.err').read_text()}"
        self.told = json.loads(line)
        self.endpoint, self.dns = self.told["endpoint"], self.told.get("dns")
        host, _, port = self.told["listen"].rpartition(":")
        self.host, self.port = host.strip("[]"), int(port)
        self._namespaces, self._services = {}, {}

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(30)
        self.process.stdout.close()
        self.errors.close()
        return status

    # --- plain HTTP ---

    def http(self, method, path, body=None, headers=None):
        if self.endpoint.startswith("https"):  # whether its certificate is good is the agent's business, not ours
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=30, context=UNVERIFIED)
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def control(self, **wish):
        status, body = self.http("POST", "/_control", json.dumps(wish))
        assert status == 200, body
        return json.loads(body)

    def fault(self, kind, **rule):
        """Puts one fault in force, in place of all others."""
        self.control(faults=[{"kind": kind, **rule}])

    def heal(self):
        self.control(clear=True)

    def stats(self):
        return json.loads(self.http("GET", "/_control/stats")[1])

    def asked(self, operation="DiscoverInstances"):
        """How often it was asked, whatever the answer."""
        return sum(self.stats()["requests"].get(operation, {}).values())

    # --- the API, signed ---

    def post(self, operation, key=KEY, secret=SECRET, token=None, when=None, region=None, **wish):
        """(status, body) of a signed request."""
        when = when or datetime.datetime.now(datetime.timezone.utc)
        region = region or self.told["region"]
        body = json.dumps(wish).encode()
        stamp = when.strftime(sigv4.STAMP)
        headers = {"host": f"{self.host}:{self.port}", "content-type": "application/x-amz-json-1.1",
                   "x-amz-date": stamp, "x-amz-target": operations.TARGET + operation}
        if token:
            headers["x-amz-security-token"] = token
        request = sigv4.Request("POST", "/", "", headers.items(), body)
        canonical = sigv4.canonical(request, sorted(headers), hashlib.sha256(body).hexdigest())
        signed = sigv4.signature(secret, stamp[:8], region, "servicediscovery", stamp, canonical)
        headers["authorization"] = (f"{sigv4.ALGORITHM} Credential={key}/{stamp[:8]}/{region}/servicediscovery/"
                                    f"aws4_request, SignedHeaders={';'.join(sorted(headers))}, Signature={signed}")
        return self.http("POST", "/", body, headers)

    def call(self, operation, **wish):
        """The answer, or Refused."""
        status, answer = self.post(operation, **wish)
        answer = json.loads(answer) if answer else None
        if status != 200:
            raise Refused(status, answer["__type"], answer.get("Message") or answer.get("message"))
        return answer

    # --- what is registered ---

    def namespace(self, name, dns=True):
        """The id of a namespace, made when there is none."""
        if name not in self._namespaces:
            if dns:
                made = self.call("CreatePrivateDnsNamespace", Name=name, Vpc="vpc-1",
                                 Properties={"DnsProperties": {"SOA": {"TTL": 1}}})
            else:
                made = self.call("CreateHttpNamespace", Name=name)
            operation = self.call("GetOperation", OperationId=made["OperationId"])
            self._namespaces[name] = operation["Operation"]["Targets"]["NAMESPACE"]
        return self._namespaces[name]

    def service(self, name, namespace, records=(("A", 1),), health=True):
        """Makes <name>.<namespace>; records as (type, TTL), none for one of the API only."""
        wish = {"Name": name, "NamespaceId": self.namespace(namespace)}
        if records:
            wish["DnsConfig"] = {"DnsRecords": [{"Type": kind, "TTL": ttl} for kind, ttl in records]}
        else:
            wish["Type"] = "HTTP"
        if health:
            wish["HealthCheckCustomConfig"] = {"FailureThreshold": 1}
        self._services[name] = self.call("CreateService", **wish)["Service"]["Id"]
        return self._services[name]

    def register(self, service, instance, address=None, port=None, **attributes):
        if address:
            attributes["AWS_INSTANCE_IPV6" if ":" in address else "AWS_INSTANCE_IPV4"] = address
        if port:
            attributes["AWS_INSTANCE_PORT"] = str(port)
        self.call("RegisterInstance", ServiceId=self._services[service], InstanceId=instance, Attributes=attributes)

    def deregister(self, service, instance):
        self.call("DeregisterInstance", ServiceId=self._services[service], InstanceId=instance)

    def health(self, service, instance, status):
        self.call("UpdateInstanceCustomHealthStatus", ServiceId=self._services[service], InstanceId=instance,
                  Status=status)

    # --- other askers ---

    def aws(self, *arguments, secret=SECRET, key=KEY, token=None, check=True):
        """The real command line. It puts "data-" before the host, so /etc/hosts is its own: see the fakes' README."""
        hosts = self.scratch / "hosts"
        hosts.write_text("127.0.0.1 localhost data-localhost\n", encoding="utf-8")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.scratch), "AWS_ACCESS_KEY_ID": key,
                       "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": self.told["region"],
                       "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true"}
        if token:
            environment["AWS_SESSION_TOKEN"] = token
        ran = subprocess.run(
            ["unshare", "-m", "sh", "-c", f"mount --bind '{hosts}' /etc/hosts && exec \"$@\"", "sh", AWS,
             "--output", "json", "servicediscovery", "--endpoint-url", f"http://localhost:{self.port}", *arguments],
            env=environment, capture_output=True, text=True, timeout=60, check=False)
        if not check:
            return ran
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout) if ran.stdout.strip() else None

    def ask(self, name, kind, tcp=False, timeout=30):
        host, _, port = self.dns.rpartition(":")
        return DNSRecord.parse(DNSRecord.question(name, kind).send(host, int(port), tcp=tcp, timeout=timeout))
