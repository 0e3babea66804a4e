# SPDX-License-Identifier: Apache-2.0
"""Checks Signature Version 4 of a request, as written in AWS's "Create a signed AWS API request".

Nothing of an SDK is used: an agent and its judge that shared a mistake would agree with each other.
"""
import hashlib
import hmac
import re
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, quote

from .errors import common

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=5)
STAMP = "%Y%m%dT%H%M%SZ"
MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS "
            "Secret Access Key and signing method. Consult the service documentation for details.")


class Request:
    """What was signed: `headers` is a list of (name, value) as they came."""

    def __init__(self, method, path, query, headers, body):
        self.method, self.path, self.query, self.body = method, path, query, body
        self.headers = {}
        for name, value in headers:
            self.headers.setdefault(name.lower(), []).append(value)

    def header(self, name):
        values = self.headers.get(name)
        return values[0] if values else None


def _incomplete(message):
    return common("IncompleteSignatureException", message, 400)


def _bad(message):
    return common("InvalidSignatureException", message, 403)


def _fields(authorization):
    """The three parts of the Authorization header."""
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise _incomplete(f"Unsupported AWS 'algorithm': '{algorithm}'.")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    missing = [key for key in ("Credential", "Signature", "SignedHeaders") if not fields.get(key)]
    if missing:
        raise _incomplete(" ".join(f"Authorization header requires '{key}' parameter." for key in missing))
    return fields


def _scope(credential, region, service):
    parts = credential.split("/")
    if len(parts) != 5:
        raise _incomplete(f"Credential must have exactly 5 slash-delimited elements, got: '{credential}'")
    key, date, in_region, in_service, end = parts
    if in_region != region:
        raise _bad(f"Credential should be scoped to a valid region, not '{in_region}'. ")
    if in_service != service:
        raise _bad(f"Credential should be scoped to correct service: '{service}'. ")
    if end != "aws4_request":
        raise _bad(f"Credential should be scoped with a valid terminator: 'aws4_request', not '{end}'. ")
    return key, date


def _check_date(request, date, now):
    stamp = request.header("x-amz-date")
    try:
        when = datetime.strptime(stamp or "", STAMP).replace(tzinfo=timezone.utc)
    except ValueError:
        raise _incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.") \
            from None
    if stamp[:8] != date:
        raise _bad(f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                   f"'{date}' != '{stamp[:8]}', from '{stamp}'.")
    if when < now - SKEW:
        raise _bad(f"Signature expired: {stamp} is now earlier than {now - SKEW:{STAMP}} ({now:{STAMP}} - 5 min.)")
    if when > now + SKEW:
        raise _bad(f"Signature not yet current: {stamp} is still later than {now + SKEW:{STAMP}} "
                   f"({now:{STAMP}} + 5 min.)")
    return stamp


def _check_signed(request, signed):
    if signed != sorted(set(signed)) or any(name != name.lower() for name in signed):
        raise _bad(f"'SignedHeaders' must be sorted, lower-case and without repeats: '{';'.join(signed)}'.")
    if "host" not in signed:
        raise _bad("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    unsigned = [name for name in request.headers if name.startswith("x-amz-") and name not in signed]
    if unsigned:
        raise _bad(f"There were headers present in the request which were not signed: {', '.join(sorted(unsigned))}")


def canonical(request, signed, payload_hash):
    query = "&".join(sorted(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}"
                            for k, v in parse_qsl(request.query, keep_blank_values=True)))
    lines = []
    for name in signed:
        values = (re.sub(r"\s+", " ", value.strip()) for value in request.headers.get(name, []))
        lines.append(f"{name}:{','.join(values)}\n")
    return "\n".join([request.method, quote(request.path, safe="/-_.~") or "/", query, "".join(lines),
                      ";".join(signed), payload_hash])


def signature(secret, date, region, service, stamp, canonical_request):
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join([ALGORITHM, stamp, f"{date}/{region}/{service}/aws4_request",
                      hashlib.sha256(canonical_request.encode("utf-8", "surrogateescape")).hexdigest()])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def verify(request, keyring, region, service, now):
    """Returns the access key id, or raises what AWS would answer. `keyring.find(id, token)` gives the secret."""
    authorization = request.header("authorization")
    if authorization is None:
        raise common("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    fields = _fields(authorization)
    key, date = _scope(fields["Credential"], region, service)
    stamp = _check_date(request, date, now)
    signed = fields["SignedHeaders"].split(";")
    _check_signed(request, signed)
    secret = keyring.find(key, request.header("x-amz-security-token"))
    payload_hash = hashlib.sha256(request.body).hexdigest()
    if request.header("x-amz-content-sha256") not in (None, payload_hash):
        raise _bad("The value of 'X-Amz-Content-Sha256' does not match the calculated hash.")
    wanted = signature(secret, date, region, service, stamp, canonical(request, signed, payload_hash))
    if not hmac.compare_digest(wanted.encode(), fields["Signature"].encode("utf-8", "surrogateescape")):
        raise _bad(MISMATCH)
    return key
