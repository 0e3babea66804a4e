# SPDX-License-Identifier: Apache-2.0
"""Bodies and answers that are not what was asked for: each a way in which a real one was once wrong."""
import base64
import itertools
import os

HUGE_BYTES = 24 << 20

BODIES = {
    "binary": lambda: os.urandom(4096),
    "html": lambda: b"<html><head><title>503</title></head><body>Please log in to the guest network</body></html>",
    "deep": lambda: b'{"Instances":' + b"[" * 200000 + b"]" * 200000 + b"}",
    "huge": lambda: b'{"Instances":[' + b'{"InstanceId":"x"},' * (HUGE_BYTES // 19) + b'{"InstanceId":"x"}]}',
    "array": lambda: b"[1,2,3]",
    "number": lambda: b"42",
    "null": lambda: b"null",
    "utf8": lambda: b'{"Instances":[{"InstanceId":"\xff\xfe\xc0\x80",'
                    b'"Attributes":{"AWS_INSTANCE_IPV4":"\xed\xa0\x80"}}]}',
    "nul": lambda: b'{"Instances":[]}\x00\x00{"Instances":[{}]}',
    "trailing": lambda: b'{"Instances":[]} and more',
    "cut": lambda: b'{"Instances":[{"InstanceId":"a","Attributes":{"AWS_INSTANCE_IPV4":"10.',
}

INSTANCES = {
    "text": lambda rows: "none",
    "object": lambda rows: {"0": rows},
    "null": lambda rows: None,
    "numbers": lambda rows: [1, 2.5, True, None, "x"],
    "no_attributes": lambda rows: [{"InstanceId": row["InstanceId"]} for row in rows],
    "bad_addresses": lambda rows: [_with(row, AWS_INSTANCE_IPV4="999.1.1.1") for row in rows],
    "bad_ports": lambda rows: [_with(row, AWS_INSTANCE_PORT="65536") for row in rows],
    "typed_attributes": lambda rows: [_with(row, AWS_INSTANCE_IPV4=167772161, AWS_INSTANCE_PORT=80) for row in rows],
    "other_service": lambda rows: [{**row, "ServiceName": "other", "NamespaceName": "elsewhere"} for row in rows],
    "one_bad": lambda rows: rows + [{"InstanceId": "bad", "HealthStatus": "HEALTHY",
                                     "Attributes": {"AWS_INSTANCE_IPV4": "not an address"}}],
    "repeated": lambda rows: rows * 3,
}


ROWS = {  # of lists of services and namespaces
    "text": INSTANCES["text"],
    "object": INSTANCES["object"],
    "null": INSTANCES["null"],
    "numbers": INSTANCES["numbers"],
    "nameless": lambda rows: [{"Id": row["Id"]} for row in rows],
    "typed_names": lambda rows: [{**row, "Name": 7} for row in rows],
    "long_names": lambda rows: [{**row, "Name": "x" * 5000} for row in rows],
    "strange_names": lambda rows: [{**row, "Name": "a\n\u001b[2J"} for row in rows],
    "too_many": lambda rows: [{**rows[0], "Name": f"made-up-{i}"} for i in range(1001)],
    "repeated": lambda rows: rows * 3,
}
_endless = itertools.count(100000)


def _with(row, **attributes):
    return {**row, "Attributes": {**row.get("Attributes", {}), **attributes}}


def change_output(rule, output):
    """Applies a rule of the kinds in faults.OUTPUTS to the output of an operation."""
    lists = [name for name in ("Instances", "Services", "Namespaces") if isinstance(output, dict) and name in output]
    if not lists:
        return output
    kind, name, rows = rule["kind"], lists[0], output[lists[0]]
    if kind == "no_instances":
        return {key: value for key, value in output.items() if key != name}
    if kind == "empty_answer":
        return {**output, name: []}
    if kind == "partial_answer":
        return {**output, name: rows[:rule.get("keep", 1)]}
    if kind == "same_token":
        return {**output, "NextToken": "MA=="}
    if kind == "endless":
        return {**output, "NextToken": base64.b64encode(str(next(_endless)).encode()).decode()}
    table = INSTANCES if name == "Instances" else ROWS
    return {**output, name: table[rule.get("what", "text")](rows)}
