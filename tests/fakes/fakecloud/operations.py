# SPDX-License-Identifier: Apache-2.0
"""The operations of the API: each takes the registry (locked) and a checked input, and gives its output."""
import base64
import hashlib
import ipaddress
import time

from . import shapes
from .errors import AwsError, common, invalid_input
from .registry import new_id

TARGET = "Route53AutoNaming_v20170314."
DEFAULT_SOA_TTL = 15


# --- paging -----------------------------------------------------------------------------------------------

def page(rows, wish, matches=lambda row: True, most=100):
    """A page is cut first and filtered then, so it may be empty and still have a NextToken, as on AWS."""
    try:
        start = int(base64.b64decode(wish["NextToken"], validate=True)) if wish.get("NextToken") else 0
    except ValueError:
        raise invalid_input("NextToken is not one of ours") from None
    end = start + min(wish.get("MaxResults", 100), most)
    more = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(rows) else {}
    return [row for row in rows[start:end] if matches(row)], more


def matcher(wish, values_of):
    """`values_of[filter name](row)` is the value that a filter looks at."""
    def matches(row):
        for rule in wish.get("Filters", []):
            value = values_of[rule["Name"]](row)
            condition = rule.get("Condition", "EQ")
            if condition == "BEGINS_WITH" and not any(value.startswith(v) for v in rule["Values"]):
                return False
            if condition in ("EQ", "IN") and value not in rule["Values"]:
                return False
        return True
    return matches


# --- namespaces -------------------------------------------------------------------------------------------

def _create_namespace(registry, wish, kind, vpc=None):
    taken = [n for n in registry.namespaces.values() if n["Name"].lower() == wish["Name"].lower()]
    for other in registry.namespaces.values():
        if wish.get("CreatorRequestId") and other["CreatorRequestId"] == wish["CreatorRequestId"] \
                and other not in taken:
            raise AwsError("DuplicateRequest", "The request has the CreatorRequestId of another one.",
                           DuplicateOperationId=other["OperationId"])
    if any(n["Type"] == kind and n["Vpc"] == vpc for n in taken):
        raise AwsError("NamespaceAlreadyExists", f"Namespace with name {wish['Name']} already exists.",
                       NamespaceId=taken[0]["Id"], CreatorRequestId=taken[0]["CreatorRequestId"])
    ident = new_id("ns")
    http_name = wish["Name"] if not taken else f"{wish['Name']}_{hashlib.sha256(ident.encode()).hexdigest()[:16]}"
    soa = wish.get("Properties", {}).get("DnsProperties", {}).get("SOA", {}).get("TTL", DEFAULT_SOA_TTL)
    registry.namespaces[ident] = {
        "Id": ident, "Name": wish["Name"], "HttpName": http_name, "Type": kind, "Vpc": vpc, "SoaTtl": soa,
        "Description": wish.get("Description", ""), "CreatorRequestId": wish.get("CreatorRequestId", new_id("cr")),
        "CreateDate": time.time(), "Tags": wish.get("Tags", [])}
    operation = registry.operate("CREATE_NAMESPACE", NAMESPACE=ident)
    registry.namespaces[ident]["OperationId"] = operation
    registry.changed()
    return {"OperationId": operation}


def create_http_namespace(registry, wish):
    return _create_namespace(registry, wish, "HTTP")


def create_private_dns_namespace(registry, wish):
    return _create_namespace(registry, wish, "DNS_PRIVATE", wish["Vpc"])


def _show_namespace(registry, n):
    properties = {"HttpProperties": {"HttpName": n["HttpName"]}}
    if n["Type"] != "HTTP":
        properties["DnsProperties"] = {"HostedZoneId": "Z" + n["Id"][3:].upper(), "SOA": {"TTL": n["SoaTtl"]}}
    count = sum(1 for s in registry.services.values() if s["NamespaceId"] == n["Id"])
    return {"Arn": registry.namespace_arn(n), "CreateDate": n["CreateDate"], "Id": n["Id"],
            "Name": n["Name"], "Description": n["Description"], "Properties": properties,
            "ResourceOwner": registry.owner(n), "ServiceCount": count, "Type": n["Type"]}


def get_namespace(registry, wish):
    n = registry.namespace(wish["Id"])
    return {"Namespace": {**_show_namespace(registry, n), "CreatorRequestId": n["CreatorRequestId"]}}


def _whose(registry, namespace):
    return "SELF" if registry.owner(namespace) == registry.account else "OTHER_ACCOUNTS"


def list_namespaces(registry, wish):
    matches = matcher(wish, {"TYPE": lambda n: n["Type"], "NAME": lambda n: n["Name"],
                             "HTTP_NAME": lambda n: n["HttpName"],
                             "RESOURCE_OWNER": lambda n: _whose(registry, n)})
    rows, more = page(list(registry.namespaces.values()), wish, matches, registry.page_max)
    return {"Namespaces": [_show_namespace(registry, n) for n in rows], **more}


def delete_namespace(registry, wish):
    n = registry.namespace(wish["Id"])
    if any(s["NamespaceId"] == n["Id"] for s in registry.services.values()):
        raise AwsError("ResourceInUse", "The namespace has services and can't be deleted.")
    del registry.namespaces[n["Id"]]
    return {"OperationId": registry.operate("DELETE_NAMESPACE", NAMESPACE=n["Id"])}


# --- services ---------------------------------------------------------------------------------------------

def _check_dns_config(namespace, wish):
    dns = wish.get("DnsConfig")
    if namespace["Type"] == "HTTP" and dns:
        raise invalid_input("DnsConfig can't be given for a service of an HTTP namespace.")
    if namespace["Type"] != "HTTP" and not dns and wish.get("Type") != "HTTP":
        raise invalid_input("DnsConfig is required for a service of a DNS namespace, or Type HTTP.")
    if not dns:
        return
    types = sorted(record["Type"] for record in dns["DnsRecords"])
    if types not in (["A"], ["AAAA"], ["A", "AAAA"], ["SRV"], ["CNAME"]):
        raise invalid_input(f"DnsRecords can't be of the types {', '.join(types)} together.")
    if types == ["CNAME"] and dns.get("RoutingPolicy") != "WEIGHTED":
        raise invalid_input("CNAME records need the routing policy WEIGHTED.")


def create_service(registry, wish):
    ident = wish.get("NamespaceId") or wish.get("DnsConfig", {}).get("NamespaceId")
    if not ident:
        raise invalid_input("NamespaceId is required.")
    namespace = registry.namespace(ident)
    _check_dns_config(namespace, wish)
    if "HealthCheckConfig" in wish and ("HealthCheckCustomConfig" in wish or namespace["Type"] != "DNS_PUBLIC"):
        raise invalid_input("HealthCheckConfig is for public DNS namespaces, and not with HealthCheckCustomConfig.")
    for other in registry.services.values():
        if other["NamespaceId"] == namespace["Id"] and other["Name"].lower() == wish["Name"].lower():
            raise AwsError("ServiceAlreadyExists", f"Service with name {wish['Name']} already exists.",
                           ServiceId=other["Id"], CreatorRequestId=other["CreatorRequestId"])
    service = {"Id": new_id("srv"), "Name": wish["Name"], "NamespaceId": namespace["Id"], "Instances": {},
               "Description": wish.get("Description", ""), "CreateDate": time.time(), "Revision": 1,
               "CreatorRequestId": wish.get("CreatorRequestId", new_id("cr")), "Tags": wish.get("Tags", []),
               "Type": "DNS_HTTP" if "DnsConfig" in wish else "HTTP"}
    if "DnsConfig" in wish:
        service["DnsConfig"] = {"NamespaceId": namespace["Id"], "RoutingPolicy": "MULTIVALUE", **wish["DnsConfig"]}
    if "HealthCheckCustomConfig" in wish:
        service["HealthCheckCustomConfig"] = {"FailureThreshold": 1}
    registry.services[service["Id"]] = service
    registry.changed()
    return {"Service": _show_service(registry, service)}


def _show_service(registry, s):
    shown = {key: s[key] for key in ("Id", "Name", "NamespaceId", "Description", "CreateDate", "CreatorRequestId",
                                     "Type", "DnsConfig", "HealthCheckCustomConfig") if key in s}
    return {"Arn": registry.arn("service", s["Id"]), "ResourceOwner": registry.account,
            "InstanceCount": len(s["Instances"]), **shown}


def get_service(registry, wish):
    return {"Service": _show_service(registry, registry.service(wish["Id"]))}


def list_services(registry, wish):
    for rule in wish.get("Filters", []):
        if rule["Name"] == "NAMESPACE_ID":
            rule["Values"] = [registry.namespace(value)["Id"] for value in rule["Values"]]
    matches = matcher(wish, {"NAMESPACE_ID": lambda s: s["NamespaceId"],
                             "RESOURCE_OWNER": lambda s: _whose(registry, registry.namespaces[s["NamespaceId"]])})
    rows, more = page(list(registry.services.values()), wish, matches, registry.page_max)
    shown = [_show_service(registry, s) for s in rows]
    for row in shown:
        row.pop("NamespaceId"), row.pop("CreatorRequestId")
    return {"Services": shown, **more}


def delete_service(registry, wish):
    service = registry.service(wish["Id"])
    if service["Instances"]:
        raise AwsError("ResourceInUse", "The service has instances and can't be deleted.")
    del registry.services[service["Id"]]
    registry.changed()
    return {}


# --- instances --------------------------------------------------------------------------------------------

def _check_address(attributes, key, kind):
    try:
        if key in attributes:
            kind(attributes[key])
    except ValueError:
        raise invalid_input(f"{key}: '{attributes[key]}' is not an address of that family.") from None


def _check_attributes(service, attributes):
    _check_address(attributes, "AWS_INSTANCE_IPV4", ipaddress.IPv4Address)
    _check_address(attributes, "AWS_INSTANCE_IPV6", ipaddress.IPv6Address)
    port = attributes.get("AWS_INSTANCE_PORT")
    if port is not None and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise invalid_input(f"AWS_INSTANCE_PORT: '{port}' is not a port.")
    if "AWS_INIT_HEALTH_STATUS" in attributes and (
            "HealthCheckCustomConfig" not in service
            or attributes["AWS_INIT_HEALTH_STATUS"] not in ("HEALTHY", "UNHEALTHY")):
        raise invalid_input("AWS_INIT_HEALTH_STATUS: HEALTHY or UNHEALTHY, with HealthCheckCustomConfig only.")
    types = {record["Type"] for record in service.get("DnsConfig", {}).get("DnsRecords", [])}
    needs = {"A": ("AWS_INSTANCE_IPV4",), "AAAA": ("AWS_INSTANCE_IPV6",), "CNAME": ("AWS_INSTANCE_CNAME",),
             "SRV": ("AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6")}
    if types and not any(key in attributes for kind in types for key in needs[kind]):
        raise invalid_input(f"The attributes lack an address for the records {', '.join(sorted(types))}.")
    if "SRV" in types and port is None:
        raise invalid_input("AWS_INSTANCE_PORT is required for SRV records.")


def register_instance(registry, wish):
    service = registry.service(wish["ServiceId"])
    _check_attributes(service, wish["Attributes"])
    if wish["InstanceId"] not in service["Instances"] and len(service["Instances"]) >= 1000:
        raise AwsError("ResourceLimitExceeded", "The service has 1000 instances already.")
    before = service["Instances"].get(wish["InstanceId"], {})
    health = wish["Attributes"].get("AWS_INIT_HEALTH_STATUS", "HEALTHY")
    service["Instances"][wish["InstanceId"]] = {
        "Id": wish["InstanceId"], "Attributes": wish["Attributes"], "Health": before.get("Health", health),
        "CreatorRequestId": wish.get("CreatorRequestId", new_id("cr"))}
    service["Revision"] += 1
    return {"OperationId": registry.operate("REGISTER_INSTANCE", SERVICE=service["Id"], INSTANCE=wish["InstanceId"])}


def deregister_instance(registry, wish):
    service = registry.service(wish["ServiceId"])
    registry.instance(service, wish["InstanceId"])
    del service["Instances"][wish["InstanceId"]]
    service["Revision"] += 1
    return {"OperationId": registry.operate("DEREGISTER_INSTANCE", SERVICE=service["Id"], INSTANCE=wish["InstanceId"])}


def get_instance(registry, wish):
    found = registry.instance(registry.service(wish["ServiceId"]), wish["InstanceId"])
    return {"ResourceOwner": registry.account,
            "Instance": {key: found[key] for key in ("Id", "CreatorRequestId", "Attributes")}}


def list_instances(registry, wish):
    rows, more = page(list(registry.service(wish["ServiceId"])["Instances"].values()), wish)
    return {"ResourceOwner": registry.account, **more,
            "Instances": [{"Id": i["Id"], "Attributes": i["Attributes"]} for i in rows]}


def get_instances_health_status(registry, wish):
    service = registry.service(wish["ServiceId"])
    wanted = wish.get("Instances", service["Instances"])
    rows, more = page([registry.instance(service, ident) for ident in wanted], wish)
    return {"Status": {i["Id"]: registry.health(service, i) for i in rows}, **more}


def update_instance_custom_health_status(registry, wish):
    service = registry.service(wish["ServiceId"])
    instance = registry.instance(service, wish["InstanceId"])
    if "HealthCheckCustomConfig" not in service:
        raise AwsError("CustomHealthNotFound", "The service has no custom health check.")
    instance["Health"] = wish["Status"]
    registry.changed()
    return None


# --- discovery --------------------------------------------------------------------------------------------

def discover_instances(registry, wish):
    service = registry.find(wish["NamespaceName"], wish["ServiceName"], wish.get("OwnerAccount"))
    rows = registry.choose(service, wish.get("HealthStatus", "HEALTHY"))

    def having(wanted):
        return [i for i in rows if wanted.items() <= i["Attributes"].items()]
    rows = having(wish.get("QueryParameters", {}))
    rows = having(wish.get("OptionalParameters", {})) or rows
    return {"InstancesRevision": service["Revision"], "Instances": [
        {"InstanceId": i["Id"], "NamespaceName": wish["NamespaceName"], "ServiceName": service["Name"],
         "HealthStatus": registry.health(service, i), "Attributes": i["Attributes"]}
        for i in rows[:wish.get("MaxResults", 100)]]}


def discover_instances_revision(registry, wish):
    service = registry.find(wish["NamespaceName"], wish["ServiceName"], wish.get("OwnerAccount"))
    return {"InstancesRevision": service["Revision"]}


# --- operations, tags -------------------------------------------------------------------------------------

def get_operation(registry, wish):
    found = registry.operations.get(wish["OperationId"])
    if found is None:
        raise AwsError("OperationNotFound", f"No operation exists with the specified ID: {wish['OperationId']}")
    return {"Operation": found}


def list_operations(registry, wish):
    matches = matcher(wish, {"NAMESPACE_ID": lambda o: o["Targets"].get("NAMESPACE", ""), "UPDATE_DATE": lambda o: "",
                             "SERVICE_ID": lambda o: o["Targets"].get("SERVICE", ""), "TYPE": lambda o: o["Type"],
                             "STATUS": lambda o: o["Status"]})
    rows, more = page(list(registry.operations.values()), wish, matches)
    return {"Operations": [{"Id": o["Id"], "Status": o["Status"]} for o in rows], **more}


def list_tags_for_resource(registry, wish):
    ident = wish["ResourceARN"].rsplit("/", 1)[-1]
    found = registry.namespaces.get(ident) or registry.services.get(ident)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"No resource exists with the ARN {wish['ResourceARN']}")
    return {"Tags": found["Tags"]}


def _function_of(operation):
    name = "".join("_" + c.lower() if c.isupper() else c for c in operation).lstrip("_")
    return globals()[name]


OPERATIONS = {name: _function_of(name) for name in shapes.INPUTS}


def perform(registry, operation, wish):
    """Checks the input by the model, then does it."""
    if operation not in OPERATIONS:
        raise common("UnknownOperationException", f"unknown operation {operation}", 400)
    shapes.INPUTS[operation](operation, wish)
    wish = {key: value for key, value in wish.items() if value is not None}
    with registry.lock:
        return OPERATIONS[operation](registry, wish)
