# SPDX-License-Identifier: Apache-2.0
"""What is registered: namespaces, services, instances, operations. Plain dictionaries under one lock, kept in
a file when there is one."""
import json
import os
import random
import secrets
import string
import threading
import time

from .errors import AwsError

ID_LETTERS = string.ascii_lowercase + string.digits


def new_id(prefix):
    return f"{prefix}-" + "".join(secrets.choice(ID_LETTERS) for _ in range(16))


class Registry:
    """Its methods are called with `lock` held; `changed` is called after every change."""

    def __init__(self, region, account, path=None):
        self.lock = threading.RLock()
        self.region, self.account, self.path = region, account, path
        self.page_max = 100
        self.namespaces, self.services, self.operations = {}, {}, {}
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                kept = json.load(file)
            self.namespaces, self.services, self.operations = (
                kept["namespaces"], kept["services"], kept["operations"])

    def changed(self):
        if not self.path:
            return
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump({"namespaces": self.namespaces, "services": self.services, "operations": self.operations}, file)
        os.replace(self.path + ".new", self.path)

    def arn(self, kind, ident):
        return f"arn:aws:servicediscovery:{self.region}:{self.account}:{kind}/{ident}"

    def owner(self, namespace):
        """The account that has it: another one's is shared with ours."""
        return namespace.get("Owner", self.account)

    def namespace_arn(self, namespace):
        return self.arn("namespace", namespace["Id"]).replace(self.account, self.owner(namespace))

    def share(self, ident, account):
        """Makes it a namespace that another account shares with ours."""
        self.namespaces[ident]["Owner"] = account
        self.changed()

    def namespace(self, ident):
        """By id or ARN; one that is shared by ARN only."""
        found = self.namespaces.get(ident.rsplit("/", 1)[-1])
        if found is None or (ident != self.namespace_arn(found) and (
                ident.startswith("arn:") or self.owner(found) != self.account)):
            raise AwsError("NamespaceNotFound", f"No namespace exists with the specified ID: {ident}")
        return found

    def service(self, ident):
        found = self.services.get(ident.rsplit("/", 1)[-1])
        if found is None:
            raise AwsError("ServiceNotFound", f"No service exists with the specified ID: {ident}")
        return found

    def instance(self, service, ident):
        found = service["Instances"].get(ident)
        if found is None:
            raise AwsError("InstanceNotFound", f"No instance exists with the specified ID: {ident}")
        return found

    def find(self, namespace_name, service_name, owner=None):
        """By HttpName (or ARN), name and the account that owns the namespace, as DiscoverInstances asks."""
        for namespace in self.namespaces.values():
            if namespace_name in (namespace["HttpName"], self.namespace_arn(namespace)) and \
                    self.owner(namespace) == (owner or self.account):
                break
        else:
            raise AwsError("NamespaceNotFound", f"No namespace exists with the specified name: {namespace_name}")
        for service in self.services.values():
            if service["NamespaceId"] == namespace["Id"] and service["Name"].lower() == service_name.lower():
                return service
        raise AwsError("ServiceNotFound", f"No service exists with the specified name: {service_name}")

    def operate(self, kind, **targets):
        """Records an operation that has already succeeded; returns its id."""
        ident = new_id("op")
        now = time.time()
        self.operations[ident] = {"Id": ident, "OwnerAccount": self.account, "Type": kind, "Status": "SUCCESS",
                                  "CreateDate": now, "UpdateDate": now, "Targets": targets}
        self.changed()
        return ident

    @staticmethod
    def has_health_check(service):
        return "HealthCheckCustomConfig" in service or "HealthCheckConfig" in service

    def health(self, service, instance):
        return instance["Health"] if self.has_health_check(service) else "UNKNOWN"

    def choose(self, service, wanted):
        """The instances that a health filter lets through, in random order."""
        everyone = list(service["Instances"].values())
        random.shuffle(everyone)
        if not self.has_health_check(service) or wanted == "ALL":
            return everyone
        if wanted == "UNHEALTHY":
            return [i for i in everyone if i["Health"] == "UNHEALTHY"]
        healthy = [i for i in everyone if i["Health"] == "HEALTHY"]
        return healthy if healthy or wanted == "HEALTHY" else everyone
