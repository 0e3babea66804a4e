# SPDX-License-Identifier: Apache-2.0
"""What the service's model says of its inputs, as tables: operation -> members -> checks."""
import re

from .errors import invalid_input

ATTR_KEY = re.compile(r"[a-zA-Z0-9!-~]{1,255}")
ATTR_VALUE = re.compile(r"([a-zA-Z0-9!-~][ \ta-zA-Z0-9!-~]*)?[a-zA-Z0-9!-~]?")
LABEL = r"([a-zA-Z0-9_][a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_]|[a-zA-Z0-9])"


def text(least=0, most=1024, pattern=None, values=None):
    compiled = re.compile(pattern) if pattern else None

    def check(where, got):
        if not isinstance(got, str):
            raise invalid_input(f"{where}: expected a string")
        if not least <= len(got) <= most:
            raise invalid_input(f"{where}: length {len(got)} is not within {least}..{most}")
        if compiled and not compiled.fullmatch(got):
            raise invalid_input(f"{where}: '{got}' does not match the pattern {pattern}")
        if values and got not in values:
            raise invalid_input(f"{where}: '{got}' is not one of {', '.join(values)}")
    return check


def number(least, most):
    def check(where, got):
        if isinstance(got, bool) or not isinstance(got, int) or not least <= got <= most:
            raise invalid_input(f"{where}: {got!r} is not a number within {least}..{most}")
    return check


def listing(member, least=0, most=1000):
    def check(where, got):
        if not isinstance(got, list) or not least <= len(got) <= most:
            raise invalid_input(f"{where}: expected a list of {least}..{most}")
        for i, item in enumerate(got):
            member(f"{where}[{i}]", item)
    return check


def struct(**members):
    """A name that ends in an underscore is required; members that are not known are refused."""
    required = {name.rstrip("_") for name in members if name.endswith("_")}
    checks = {name.rstrip("_"): check for name, check in members.items()}

    def check(where, got):
        if not isinstance(got, dict):
            raise invalid_input(f"{where}: expected a structure")
        for name in sorted(required - got.keys()):
            raise invalid_input(f"{where}: '{name}' is required")
        for name, value in got.items():
            if name not in checks:
                raise invalid_input(f"{where}: unknown parameter '{name}'")
            if value is not None:
                checks[name](f"{where}.{name}", value)
            elif name in required:
                raise invalid_input(f"{where}: '{name}' is required")
    return check


def attributes(where, got):
    if not isinstance(got, dict) or len(got) > 40:
        raise invalid_input(f"{where}: expected a map of at most 30 custom attributes")
    for key, value in got.items():
        if not ATTR_KEY.fullmatch(key):
            raise invalid_input(f"{where}: the key '{key}' is not allowed")
        if not isinstance(value, str) or len(value) > 1024 or not ATTR_VALUE.fullmatch(value):
            raise invalid_input(f"{where}.{key}: the value is not allowed")
    if sum(len(k) + len(v) for k, v in got.items()) > 5000:
        raise invalid_input(f"{where}: more than 5000 characters in all")


RESOURCE_ID = text(1, 64)
ARN = text(1, 255)
TOKEN = text(0, 4096)
DESCRIPTION = text(0, 1024)
INSTANCE_ID = text(1, 64, r"[0-9a-zA-Z_/:.@-]+")
ACCOUNT = text(12, 12)
PAGE = number(1, 100)
TAGS = listing(struct(Key_=text(1, 128), Value_=text(0, 256)), most=200)
SERVICE_NAME = text(1, 127, LABEL + r"(\." + LABEL + ")*")
NAMESPACE = text(1, 1024, r"[!-~]+")
SOA = struct(SOA_=struct(TTL_=number(0, 2147483647)))
RECORDS = listing(struct(Type_=text(values=("SRV", "A", "AAAA", "CNAME")), TTL_=number(0, 2147483647)), 1, 2)
DNS_CONFIG = struct(NamespaceId=RESOURCE_ID, RoutingPolicy=text(values=("MULTIVALUE", "WEIGHTED")), DnsRecords_=RECORDS)
CHECK = struct(Type_=text(values=("HTTP", "HTTPS", "TCP")), ResourcePath=text(0, 255), FailureThreshold=number(1, 10))


def filters(*names):
    return listing(struct(Name_=text(values=names), Values_=listing(text(1, 255), 1),
                          Condition=text(values=("EQ", "IN", "BETWEEN", "BEGINS_WITH"))))


INPUTS = {
    "CreateHttpNamespace": struct(Name_=text(1, 1024, r"(?!arn:)[!-~]+"), CreatorRequestId=RESOURCE_ID,
                                  Description=DESCRIPTION, Tags=TAGS),
    "CreatePrivateDnsNamespace": struct(Name_=text(1, 253, r"(?!arn:)[!-~]+"), CreatorRequestId=RESOURCE_ID,
                                        Description=DESCRIPTION, Vpc_=RESOURCE_ID, Tags=TAGS,
                                        Properties=struct(DnsProperties_=SOA)),
    "CreateService": struct(Name_=SERVICE_NAME, NamespaceId=ARN, CreatorRequestId=RESOURCE_ID, Tags=TAGS,
                            Description=DESCRIPTION, DnsConfig=DNS_CONFIG, HealthCheckConfig=CHECK,
                            HealthCheckCustomConfig=struct(FailureThreshold=number(1, 10)),
                            Type=text(values=("HTTP",))),
    "DeleteNamespace": struct(Id_=ARN),
    "DeleteService": struct(Id_=ARN),
    "DeregisterInstance": struct(ServiceId_=ARN, InstanceId_=RESOURCE_ID),
    "DiscoverInstances": struct(NamespaceName_=NAMESPACE, ServiceName_=SERVICE_NAME, MaxResults=number(1, 1000),
                                QueryParameters=attributes, OptionalParameters=attributes, OwnerAccount=ACCOUNT,
                                HealthStatus=text(values=("HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL"))),
    "DiscoverInstancesRevision": struct(NamespaceName_=NAMESPACE, ServiceName_=SERVICE_NAME, OwnerAccount=ACCOUNT),
    "GetInstance": struct(ServiceId_=ARN, InstanceId_=RESOURCE_ID),
    "GetInstancesHealthStatus": struct(ServiceId_=ARN, Instances=listing(RESOURCE_ID, 1), MaxResults=PAGE,
                                       NextToken=TOKEN),
    "GetNamespace": struct(Id_=ARN),
    "GetOperation": struct(OperationId_=text(1, 255), OwnerAccount=ACCOUNT),
    "GetService": struct(Id_=ARN),
    "ListInstances": struct(ServiceId_=ARN, NextToken=TOKEN, MaxResults=PAGE),
    "ListNamespaces": struct(NextToken=TOKEN, MaxResults=PAGE,
                             Filters=filters("TYPE", "NAME", "HTTP_NAME", "RESOURCE_OWNER")),
    "ListOperations": struct(NextToken=TOKEN, MaxResults=PAGE,
                             Filters=filters("NAMESPACE_ID", "SERVICE_ID", "STATUS", "TYPE", "UPDATE_DATE")),
    "ListServices": struct(NextToken=TOKEN, MaxResults=PAGE, Filters=filters("NAMESPACE_ID", "RESOURCE_OWNER")),
    "ListTagsForResource": struct(ResourceARN_=text(1, 1011)),
    "RegisterInstance": struct(ServiceId_=ARN, InstanceId_=INSTANCE_ID, CreatorRequestId=RESOURCE_ID,
                               Attributes_=attributes),
    "UpdateInstanceCustomHealthStatus": struct(ServiceId_=ARN, InstanceId_=RESOURCE_ID,
                                               Status_=text(values=("HEALTHY", "UNHEALTHY"))),
}
