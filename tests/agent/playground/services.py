# SPDX-License-Identifier: Apache-2.0
"""Rows of the configuration's "services" as tests want them: watched always and asked often."""

NAMESPACE = "demo.internal"
VIP = "127.254.0.10"
POLL = "200ms"


def from_cloudmap(service="backend", port=8080, **more):
    return {"name": f"{service}.{NAMESPACE}", "port": port, "watch": "always",
            "cloudmap": {"namespace": NAMESPACE, "service": service, "poll": POLL}, **more}


def from_dns(service, kind="A", port=8080, **more):
    records = {"name": f"{service}.{NAMESPACE}", "type": kind}
    if kind != "SRV":
        records["port"] = port
    return {"name": f"{service}.{NAMESPACE}", "port": port, "watch": "always", "dns": records, **more}


def static(name, *endpoints, port=8080, **more):
    return {"name": name, "port": port, "static": {"endpoints": list(endpoints)}, **more}


def register(cloud, network, service="backend", numbers=(1, 2, 3), port=8080, **wish):
    """Makes the service in the Cloud Map and registers real backends in it as i-1, i-2 ..."""
    cloud.service(service, NAMESPACE, **wish)
    for n in numbers:
        cloud.register(service, f"i-{n}", network.backends[n - 1].address, port)
    return cloud


def endpoints(network, port=8080):
    return [f"{b.address}:{port}" for b in network.backends]


def names(network):
    return {b.name for b in network.backends}
