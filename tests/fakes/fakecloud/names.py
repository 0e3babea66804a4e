# SPDX-License-Identifier: Apache-2.0
"""The DNS side: the records that Cloud Map would keep in Route 53 for its DNS namespaces, over UDP and TCP."""
import os
import random
import socket
import socketserver
import struct
import threading
import traceback

from dnslib import A, AAAA, CNAME, DNSHeader, DNSRecord, QTYPE, RCODE, RR, SOA, SRV

MULTIVALUE_MAX = 8
UDP_DEFAULT = 512
PORT_TRIES = 50


class Zone:
    """Answers questions from the registry; knows nothing of packets."""

    def __init__(self, registry):
        self.registry = registry

    def ask(self, name, qtype):
        """(records [(type, ttl, data)], namespace or None, does the name exist)."""
        with self.registry.lock:
            namespace = self._namespace(name)
            if namespace is None:
                return [], None, False
            owner = name[:-len(namespace["Name"])].rstrip(".")
            if not owner:
                return [], namespace, True
            everything = self._service_records(namespace, owner) or self._instance_records(namespace, owner)
        chosen = [r for r in everything if r[0] == qtype or r[0] == "CNAME" or qtype == "ANY"]
        return chosen, namespace, bool(everything)

    def _namespace(self, name):
        fitting = [n for n in self.registry.namespaces.values() if n["Type"].startswith("DNS")
                   and (name == n["Name"].lower() or name.endswith("." + n["Name"].lower()))]
        return max(fitting, key=lambda n: len(n["Name"]), default=None)

    def _services(self, namespace):
        return [s for s in self.registry.services.values()
                if s["NamespaceId"] == namespace["Id"] and "DnsConfig" in s]

    def _service_records(self, namespace, owner):
        for service in self._services(namespace):
            if service["Name"].lower() == owner:
                return [record for wanted in service["DnsConfig"]["DnsRecords"]
                        for record in self._records(namespace, service, wanted)]
        return []

    def _records(self, namespace, service, wanted):
        found = []
        for instance in self.registry.choose(service, "HEALTHY_OR_ELSE_ALL"):
            data = self._data(namespace, service, instance, wanted["Type"])
            if data is not None:
                found.append((wanted["Type"], wanted["TTL"], data))
        weighted = service["DnsConfig"]["RoutingPolicy"] == "WEIGHTED"
        return found[:1 if weighted else MULTIVALUE_MAX]

    @staticmethod
    def _data(namespace, service, instance, kind):
        has = instance["Attributes"]
        if kind == "SRV":
            return (1, 1, int(has["AWS_INSTANCE_PORT"]), f"{instance['Id']}.{service['Name']}.{namespace['Name']}")
        return has.get({"A": "AWS_INSTANCE_IPV4", "AAAA": "AWS_INSTANCE_IPV6", "CNAME": "AWS_INSTANCE_CNAME"}[kind])

    def _instance_records(self, namespace, owner):
        """The targets of SRV records: <instance id>.<service>.<namespace>."""
        for service in self._services(namespace):
            record = service["DnsConfig"]["DnsRecords"][0]
            suffix = "." + service["Name"].lower()
            if record["Type"] != "SRV" or not owner.endswith(suffix):
                continue
            for instance in service["Instances"].values():
                if instance["Id"].lower() == owner[:-len(suffix)]:
                    return [(kind, record["TTL"], data) for kind in ("A", "AAAA")
                            for data in [self._data(namespace, service, instance, kind)] if data is not None]
        return []


DATA = {"A": A, "AAAA": AAAA, "CNAME": CNAME, "SRV": lambda v: SRV(*v)}


def build(request, zone, rule):
    """The reply to a parsed request, before it is put on the wire."""
    question = request.q
    name = str(question.qname).rstrip(".").lower()
    qtype = QTYPE.get(question.qtype)
    reply = request.reply(ra=1, aa=1)
    records, namespace, exists = zone.ask(name, qtype)
    kind = rule["kind"] if rule else None
    forced = {"servfail": RCODE.SERVFAIL, "refused": RCODE.REFUSED, "notimp": RCODE.NOTIMP,
              "nxdomain": RCODE.NXDOMAIN}.get(kind)
    if kind == "partial":
        records = records[:rule.get("keep", 1)]
    if forced is not None or kind == "nodata":
        records, exists = [], kind == "nodata"
    if forced is not None and kind != "nxdomain":
        reply.header.rcode = forced
    elif namespace is None:
        reply.header.rcode = RCODE.REFUSED
    elif not records:
        reply.header.rcode = RCODE.NOERROR if exists else RCODE.NXDOMAIN
        apex = namespace["Name"]
        reply.add_auth(RR(apex, QTYPE.SOA, ttl=namespace["SoaTtl"],
                          rdata=SOA(f"ns.{apex}", f"hostmaster.{apex}", (1, 7200, 900, 1209600, namespace["SoaTtl"]))))
    for kind_of, ttl, data in records:
        ttl = rule.get("ttl", 1) if kind == "ttl" else ttl
        reply.add_answer(RR(question.qname, getattr(QTYPE, kind_of), ttl=ttl, rdata=DATA[kind_of](data)))
    return reply


def _pointer_loop(request):
    head = DNSHeader(id=request.header.id, qr=1, aa=1, q=1, a=1).bitmap
    return struct.pack("!HHHHHH", request.header.id, head, 1, 1, 0, 0) + b"\xc0\x0c\x00\x01\x00\x01" + \
        b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\x7f\x00\x00\x01"


def _wrong_question(reply):
    reply.questions[0].qname = "other.example"
    return reply.pack()


def _wrong_id(reply):
    reply.header.id ^= 0x5555
    return reply.pack()


SPOILS = {  # kind -> bytes in place of the reply; None: silence
    "silence": lambda request, reply: None,
    "garbage": lambda request, reply: struct.pack("!H", request.header.id) + os.urandom(random.randint(8, 500)),
    "empty": lambda request, reply: b"",
    "cut": lambda request, reply: reply.pack()[:-5],
    "pointer_loop": lambda request, reply: _pointer_loop(request),
    "wrong_id": lambda request, reply: _wrong_id(reply),
    "wrong_question": lambda request, reply: _wrong_question(reply),
}


def fit(request, reply, tcp):
    """The packet; over UDP cut down to what the asker takes, with TC set."""
    packet = reply.pack()
    room = UDP_DEFAULT
    for extra in request.ar:
        if extra.rtype == QTYPE.OPT:
            room = max(UDP_DEFAULT, min(extra.rclass, 4096))
    if tcp or len(packet) <= room:
        return packet
    reply.header.tc = 1
    while reply.rr and len(reply.pack()) > room:
        reply.rr.pop()
    return reply.pack()


class Names:
    """Owns both sockets and their threads."""

    def __init__(self, address, registry, faults, stats):
        self.zone, self.faults, self.stats = Zone(registry), faults, stats
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        kinds = [(type("Server", (kind,), {"address_family": family, "allow_reuse_address": True,
                                           "daemon_threads": True, "handle_error": self._failed}), handler)
                 for kind, handler in ((socketserver.ThreadingTCPServer, TcpHandler),
                                       (socketserver.ThreadingUDPServer, UdpHandler))]
        self._servers = self._bind(address, kinds)
        self.address = self._servers[0].server_address[:2]

    def _bind(self, address, kinds):
        """The same port for both; one that is free for the first may be taken for the second."""
        for last in range(PORT_TRIES):
            servers = []
            try:
                for kind, handler in kinds:
                    wanted = servers[0].server_address if servers else address
                    servers.append(kind(wanted[:2], handler))
                    servers[-1].names = self
                return servers
            except OSError:
                for server in servers:
                    server.server_close()
                if address[1] != 0 or last == PORT_TRIES - 1:
                    raise

    def _failed(self, request, client_address):
        self.stats.crash()
        traceback.print_exc()

    def start(self):
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def reply(self, packet, tcp):
        """The bytes to answer with, or None for silence."""
        try:
            request = DNSRecord.parse(packet)
            if request.header.qr or not request.questions:
                return None
        except Exception:  # dnslib raises whatever it stumbles over
            return packet[:2] + b"\x81\x01" + bytes(8) if len(packet) >= 12 else None
        name = str(request.q.qname).rstrip(".").lower()
        qtype = str(QTYPE.get(request.q.qtype))
        rule = self.faults.pick("dns", qtype, name)
        self.stats.query(f"{qtype} {name}", rule["kind"] if rule else "tcp" if tcp else "udp")
        return self.spoil(rule, request, build(request, self.zone, rule), tcp)

    def spoil(self, rule, request, reply, tcp):
        kind = rule["kind"] if rule else None
        if kind == "delay":
            self.faults.wake.wait(rule.get("seconds", 1))
        if kind == "truncated_tcp" or (kind == "truncated" and not tcp):
            reply.header.tc = 1
            reply.rr.clear()
        if kind in SPOILS:
            return SPOILS[kind](request, reply)
        return fit(request, reply, tcp)


class UdpHandler(socketserver.BaseRequestHandler):
    def handle(self):
        packet, sock = self.request
        answer = self.server.names.reply(packet, tcp=False)
        if answer is not None:
            sock.sendto(answer, self.client_address)


class TcpHandler(socketserver.StreamRequestHandler):
    timeout = 10

    def handle(self):
        try:
            while True:
                length = self.rfile.read(2)
                if len(length) < 2:
                    return
                answer = self.server.names.reply(self.rfile.read(struct.unpack("!H", length)[0]), tcp=True)
                if answer is None:
                    return
                self.wfile.write(struct.pack("!H", len(answer)) + answer)
        except OSError:
            return
