# SPDX-License-Identifier: Apache-2.0
"""The HTTP side: the API at POST /, the credentials at GET /v2/credentials/ID, the controls at /_control."""
import json
import socket
import socketserver
import ssl
import struct
import sys
import time
import traceback
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler

from . import faults, garbage, keyring, operations, sigv4, sts
from .metadata import Metadata
from .errors import AwsError, common

BODY_MAX = 1 << 20
HANG_S = 120
API_TYPE = "application/x-amz-json-1.1"


class Hangup(Exception):
    """The connection is to be given up without another word."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "fakecloud"
    timeout = 60
    disable_nagle_algorithm = True

    # --- a connection ---

    def setup(self):
        if self.server.tls:
            self.request.settimeout(10)
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self):
        self.server.stats.connection()
        try:
            super().handle()
        except (Hangup, OSError, ValueError):
            self.close_connection = True
        except Exception:  # a hostile client must not be able to hide a fault of ours
            self.server.stats.crash()
            traceback.print_exc()

    def finish(self):
        try:
            super().finish()
        except (OSError, ValueError):
            pass

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + self.server.clock_offset_s if timestamp is None else timestamp)

    def log_message(self, format, *args):
        if self.server.verbose:
            print(f"fakecloud: {format % args}", file=sys.stderr, flush=True)

    # --- answers ---

    def send_bytes(self, status, body, content_type=API_TYPE, headers=()):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_json(self, status, value, content_type="application/json", headers=()):
        self.send_bytes(status, b"" if value is None else json.dumps(value).encode(), content_type, headers)

    def send_aws_error(self, error):
        self.send_json(error.status, error.body(), API_TYPE, [("x-amzn-ErrorType", error.code)])

    def read_body(self):
        text = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (text.isascii() and text.isdigit()) or int(text) > BODY_MAX:
            self.close_connection = True
            raise common("SerializationException", "the body must have a Content-Length of at most 1 MiB", 400)
        body = self.rfile.read(int(text))
        if len(body) < int(text):
            raise Hangup
        return body

    # --- routes ---

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/_control/stats":
            self.send_json(200, {**self.server.stats.show(), "credentials_issued": self.server.keyring.issued})
        elif path == "/_control/faults":
            self.send_json(200, self.server.faults.show())
        elif path.startswith("/v2/credentials/"):
            self.answer("Credentials", path.rsplit("/", 1)[1], self.credentials)
        elif path == "/v4/task/task":
            self.answer("TaskMetadata", None, lambda: {
                "TaskARN": f"arn:aws:ecs:{self.server.registry.region}:123456789012:task/default/0af1"})
        elif path.startswith("/latest/meta-data/"):
            self.answer("Metadata", path.removeprefix("/latest/meta-data/"), lambda: self.metadata(path))
        else:
            self.send_json(404, {"message": "Not Found"})

    def do_PUT(self):
        if self.path == "/latest/api/token":
            self.answer("MetadataToken", None, lambda: self.server.metadata.open_session(
                self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")))
        else:
            self.send_json(405, {"message": "Method Not Allowed"})

    def do_POST(self):
        try:
            body = self.read_body()
        except AwsError as error:
            self.send_aws_error(error)
            return
        path, _, query = self.path.partition("?")
        if path == "/_control":
            self.control(body)
            return
        request = sigv4.Request("POST", path, query, self.headers.items(), body)
        if sts.is_for_us(request):
            self.roles(request)
        else:
            self.api(request)

    def control(self, body):
        try:
            self.server.control(json.loads(body))
            self.send_json(200, {"faults": self.server.faults.show()})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
            self.send_json(400, {"message": f"{type(problem).__name__}: {problem}"})

    # --- what is asked ---

    def credentials(self):
        wanted = self.server.credentials_token
        if wanted and self.headers.get("Authorization") != wanted:
            raise AwsError("InvalidAuthorization", "the authorization token is not the one expected", 401)
        role = self.path.partition("?")[0].rsplit("/", 1)[1]
        if role not in self.server.roles:
            raise keyring.no_such_role()
        return self.server.keyring.hand_out(role)

    def metadata(self, path):
        return self.server.metadata.read(path, self.headers.get("X-aws-ec2-metadata-token"))

    def now(self):
        return datetime.now(timezone.utc) + timedelta(seconds=self.server.clock_offset_s)

    def roles(self, request):
        try:
            body = sts.perform(request, self.server.keyring, self.server.registry.region, self.now())
            status, code = 200, "ok"
        except AwsError as error:
            body, status, code = sts.refusal(error), error.status, error.code
        self.server.stats.request("AssumeRole", None, code)
        self.send_bytes(status, body.encode(), "text/xml")

    def api(self, request):
        target = request.header("x-amz-target") or ""
        operation = target.removeprefix(operations.TARGET)
        try:
            wish = json.loads(request.body or b"{}")
        except (ValueError, RecursionError):
            wish = None
        service = wish.get("ServiceName") if isinstance(wish, dict) else None

        def run():
            sigv4.verify(request, self.server.keyring, self.server.registry.region, "servicediscovery", self.now())
            if request.path != "/" or not target.startswith(operations.TARGET):
                raise common("UnknownOperationException", "no such operation", 404)
            if request.header("content-type") != API_TYPE or not isinstance(wish, dict):
                raise common("SerializationException", "the body is not an object of JSON 1.1", 400)
            return operations.perform(self.server.registry, operation, wish)
        self.answer(operation, service if isinstance(service, str) else None, run, wish)

    def answer(self, operation, service, run, wish=None):
        """Runs it, spoils it if a rule says so, writes it. Whoever asks badly gets no fault but an answer."""
        try:
            output = run()
            rule = self.server.faults.pick("http", operation, service)
            if rule and rule["kind"] == "delay":
                self.server.faults.wake.wait(rule.get("seconds", 1))
                rule = None
            error = faults.error_of(rule) if rule else None
            if error:
                raise error
        except AwsError as error:
            self.server.stats.request(operation, service, error.code, wish)
            self.send_aws_error(error)
            return
        self.server.stats.request(operation, service, rule["kind"] if rule else "ok", wish)
        if rule and rule["kind"] in faults.OUTPUTS:
            output = garbage.change_output(rule, output)
            rule = None
        if rule:
            self.spoil(rule, b"" if output is None else json.dumps(output).encode())
        elif isinstance(output, str):
            self.send_bytes(200, output.encode(), "text/plain")
        else:
            self.send_json(200, output, API_TYPE)

    # --- faults of the wire ---

    def head(self, length):
        self.send_response(200)
        self.send_header("Content-Type", API_TYPE)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.flush()

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        raise Hangup

    def hang(self):
        self.server.faults.wake.wait(HANG_S)
        raise Hangup

    def spoil(self, rule, body):
        kind, half = rule["kind"], body[:len(body) // 2]
        if kind == "garbage":
            return self.send_bytes(rule.get("status", 200), garbage.BODIES[rule.get("what", "binary")]())
        if kind == "empty_body":
            return self.send_bytes(200, b"")
        if kind == "redirect":
            return self.send_bytes(307, b"", headers=[("Location", rule.get("location", "http://127.0.0.1:1/"))])
        if kind == "bare_status":
            return self.send_bytes(rule.get("status", 502), b"<h1>Bad Gateway</h1>", "text/html")
        if kind == "drip":
            return self.drip(body, rule.get("seconds", 0.2))
        if kind == "reset":
            self.reset()
        if kind == "hang":
            self.hang()
        if kind in ("truncated_body", "reset_midway", "half_open", "huge_length"):
            self.head(1 << 40 if kind == "huge_length" else len(body))
            self.wfile.write(half)
            self.wfile.flush()
        if kind == "reset_midway":
            self.reset()
        if kind == "half_open":
            self.hang()
        raise Hangup

    def drip(self, body, pause_s):
        self.head(len(body))
        for i in range(len(body)):
            self.wfile.write(body[i:i + 1])
            self.wfile.flush()
            time.sleep(pause_s)


class Web(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address, registry, ring, options):
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.registry, self.keyring = registry, ring
        self.faults, self.stats = faults.Faults(), faults.Stats()
        self.roles, self.credentials_token = set(options.role), options.credentials_token
        self.verbose, self.clock_offset_s = options.verbose, 0
        self.metadata = Metadata(ring, registry.region)
        self.tls = None
        if options.tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*options.tls)
        super().__init__(address, Handler)

    def control(self, wish):
        """What POST /_control may say; see the README beside this."""
        known = {"faults", "add", "clear", "credentials", "metadata", "clock_offset_s", "reset_stats", "page_max", "share"}
        unknown = set(wish) - known
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
        if "faults" in wish or wish.get("clear"):
            self.faults.replace(wish.get("faults", []))
        self.faults.add(wish.get("add", []))
        self.keyring.control(wish.get("credentials", {}))
        self.metadata.control(wish.get("metadata", {}))
        self.clock_offset_s = float(wish.get("clock_offset_s", self.clock_offset_s))
        with self.registry.lock:
            self.registry.page_max = int(wish.get("page_max", self.registry.page_max))
            for ident, account in wish.get("share", {}).items():
                self.registry.share(ident, account)
        if wish.get("reset_stats"):
            self.stats.reset()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):  # a TLS handshake that failed is one
            self.stats.crash()
            traceback.print_exc()
