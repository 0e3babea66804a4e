# SPDX-License-Identifier: Apache-2.0
"""The keys that the API accepts: the static one, and those that the container endpoint hands out."""
import secrets
import threading
import time

from .errors import AwsError, common

UNKNOWN = "The security token included in the request is invalid."
EXPIRED = "The security token included in the request is expired"


class Key:
    def __init__(self, access, secret, token=None, expires=None):
        self.access, self.secret, self.token, self.expires = access, secret, token, expires


class Keyring:
    """Owns the keys. A role's set is handed out until half of its life is over, as the ECS agent does it."""

    def __init__(self, static, lifetime_s, account="123456789012"):
        self._lock = threading.Lock()
        self._keys = {static.access: static}
        self._current = {}
        self._account = account
        self.lifetime_s = lifetime_s
        self.issued = 0

    def find(self, access, token):
        with self._lock:
            key = self._keys.get(access)
        if key is None or key.token != token:
            raise common("UnrecognizedClientException", UNKNOWN, 403)
        if key.expires is not None and key.expires <= time.time():
            raise common("ExpiredTokenException", EXPIRED, 403)
        return key.secret

    def hand_out(self, role):
        """The body of GET /v2/credentials/ID."""
        with self._lock:
            key = self._current.get(role)
            if key is None or key.expires - time.time() < self.lifetime_s / 2:
                key = self._issue()
                self._current[role] = key
        return {"RoleArn": f"arn:aws:iam::{self._account}:role/{role}", "AccessKeyId": key.access,
                "SecretAccessKey": key.secret, "Token": key.token,
                "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(key.expires))}

    def _issue(self):
        self.issued += 1
        # Whole seconds, since that is all that "Expiration" can tell.
        key = Key("ASIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30),
                  secrets.token_urlsafe(120) + "==", int(time.time() + self.lifetime_s))
        self._keys[key.access] = key
        return key

    def control(self, wish):
        """{"lifetime_s": N, "rotate": true, "expire": true, "revoke": true} about the handed-out sets."""
        with self._lock:
            if "lifetime_s" in wish:
                self.lifetime_s = float(wish["lifetime_s"])
            temporary = [key for key in self._keys.values() if key.expires is not None]
            for key in temporary:
                if wish.get("expire"):
                    key.expires = 0
                if wish.get("revoke"):
                    del self._keys[key.access]
            if wish.get("rotate") or wish.get("expire") or wish.get("revoke"):
                self._current.clear()


def no_such_role():
    return AwsError("InvalidIdInRequest", "CredentialsV2Request: Credentials not found", 400)
