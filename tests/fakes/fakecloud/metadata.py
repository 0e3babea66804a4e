# SPDX-License-Identifier: Apache-2.0
"""The metadata service of an EC2 instance, as far as credentials and the region need it: sessions (IMDSv2), or
without one where that is allowed."""
import secrets
import threading

from .errors import AwsError

ROLES = "/latest/meta-data/iam/security-credentials/"


class Metadata:
    """Owns the sessions."""

    def __init__(self, ring, region):
        self._lock = threading.Lock()
        self._ring, self._region = ring, region
        self._sessions = set()
        self._role, self._sessions_only = "instance-role", True

    def open_session(self, life_s):
        if not (life_s or "").isdigit() or not 1 <= int(life_s) <= 21600:
            raise AwsError("BadRequest", "no life of the token", 400)
        token = secrets.token_urlsafe(40) + "=="
        with self._lock:
            self._sessions.add(token)
        return token

    def read(self, path, token):
        with self._lock:
            known = token in self._sessions
        if not known and (token or self._sessions_only):
            raise AwsError("Unauthorized", "no session", 401)
        if path == "/latest/meta-data/placement/region":
            return self._region
        if path == ROLES and self._role:
            return self._role
        if self._role and path == ROLES + self._role:
            given = self._ring.hand_out(self._role)
            del given["RoleArn"]
            return {"Code": "Success", "Type": "AWS-HMAC", **given}
        raise AwsError("NotFound", "nothing here", 404)

    def control(self, wish):
        """{"role": NAME or null, "sessions_only": BOOL, "end_sessions": true}"""
        with self._lock:
            self._role = wish.get("role", self._role)
            self._sessions_only = wish.get("sessions_only", self._sessions_only)
            if wish.get("end_sessions"):
                self._sessions.clear()
