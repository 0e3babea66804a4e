# SPDX-License-Identifier: Apache-2.0
"""STS's query API, as far as roles need it: AssumeRoleWithWebIdentity, unsigned, and AssumeRole, signed. XML."""
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from . import sigv4
from .errors import AwsError

FORM = "application/x-www-form-urlencoded"
WEB_IDENTITY = "head.body.sign"  # the token that is accepted


def is_for_us(request):
    return (request.header("content-type") or "").startswith(FORM)


def perform(request, ring, region, now):
    """(operation, the answer's body), or AwsError."""
    wish = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
    operation = wish.get("Action")
    if wish.get("Version") != "2011-06-15" or not wish.get("RoleArn") or not wish.get("RoleSessionName"):
        raise AwsError("ValidationError", "a parameter is missing", 400)
    if operation == "AssumeRoleWithWebIdentity":
        if wish.get("WebIdentityToken") != WEB_IDENTITY:
            raise AwsError("InvalidIdentityToken", "The web identity token is not one of ours", 400)
    elif operation == "AssumeRole":
        sigv4.verify(request, ring, region, "sts", now)
    else:
        raise AwsError("InvalidAction", "no such operation", 400)
    return answer(operation, ring.hand_out(wish["RoleArn"]))


def answer(operation, given):
    return (f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{operation}Result><Credentials>'
            f'<AccessKeyId>{given["AccessKeyId"]}</AccessKeyId><SecretAccessKey>{given["SecretAccessKey"]}'
            f'</SecretAccessKey><SessionToken>{given["Token"]}</SessionToken><Expiration>{given["Expiration"]}'
            f'</Expiration></Credentials></{operation}Result></{operation}Response>')


def refusal(error):
    return (f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(error.message)}</Message></Error></ErrorResponse>")
