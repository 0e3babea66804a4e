# SPDX-License-Identifier: Apache-2.0
"""The faults that are in force, and what was asked of us: both are set and read through /_control."""
import collections
import threading
import time

from .errors import AwsError, common

# kind -> (code, message, status) of an error answer
ERRORS = {
    "throttle": ("RequestLimitExceeded", "The operation can't be completed because you've reached the quota for "
                 "the number of requests. For more information, see Cloud Map API request throttling quota.", 400),
    "internal": ("InternalFailure", "The request processing has failed because of an unknown error.", 500),
    "unavailable": ("ServiceUnavailable", "The request has failed due to a temporary failure of the server.", 503),
    "denied": ("AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/task/1 is not authorized to "
               "perform: servicediscovery:DiscoverInstances", 403),
}
# kinds that change the output before it is written
OUTPUTS = ("empty_answer", "partial_answer", "no_instances", "wrong_content", "same_token", "endless")
# ... and only one with a list can they change
LISTS = ("DiscoverInstances", "ListInstances", "ListServices", "ListNamespaces")
# kinds that change how it is written
WIRE = ("truncated_body", "garbage", "empty_body", "no_answer", "reset", "reset_midway", "hang", "half_open", "drip",
        "redirect", "huge_length", "bare_status")
DNS = ("servfail", "nxdomain", "refused", "notimp", "silence", "garbage", "truncated", "truncated_tcp", "nodata", "ttl",
       "wrong_id", "wrong_question", "empty", "cut", "pointer_loop", "partial")
KINDS = {"http": {"delay", "error", *ERRORS, *OUTPUTS, *WIRE}, "dns": {"delay", *DNS}}
DEFAULTS = {"channel": "http", "operation": None, "service": None, "times": None, "skip": 0}


class Faults:
    """Rules in order; the first that matches an asked thing decides. `wake` ends what hangs."""

    def __init__(self):
        self._lock = threading.Lock()
        self._rules = []
        self.wake = threading.Event()

    def replace(self, rules):
        checked = [self._checked(rule) for rule in rules]
        with self._lock:
            self._rules = checked
            self.wake.set()
            self.wake = threading.Event()

    def add(self, rules):
        checked = [self._checked(rule) for rule in rules]
        with self._lock:
            self._rules.extend(checked)

    @staticmethod
    def _checked(rule):
        rule = {**DEFAULTS, **rule}
        kinds = KINDS.get(rule["channel"])
        if kinds is None:
            raise ValueError(f"channel: '{rule['channel']}' is not http or dns")
        if rule.get("kind") not in kinds:
            raise ValueError(f"kind: {rule.get('kind')!r} is not one of {', '.join(sorted(kinds))}")
        return rule

    def pick(self, channel, operation, service):
        """The rule for this request, or None; counts it off."""
        with self._lock:
            for rule in self._rules:
                if rule["channel"] != channel or rule["operation"] not in (None, operation) \
                        or rule["service"] not in (None, service) or rule["times"] == 0 \
                        or (rule["kind"] in OUTPUTS and operation not in LISTS):
                    continue
                if rule["skip"] > 0:
                    rule["skip"] -= 1
                    continue
                if rule["times"] is not None:
                    rule["times"] -= 1
                return dict(rule)
        return None

    def show(self):
        with self._lock:
            return [dict(rule) for rule in self._rules]


def error_of(rule):
    """The error answer that a rule wants, or None."""
    if rule["kind"] == "error":
        return AwsError(rule.get("code", "InternalFailure"), rule.get("message", ""), rule.get("status", 400))
    return common(*ERRORS[rule["kind"]]) if rule["kind"] in ERRORS else None


class Stats:
    """Counters of what was asked and answered."""

    def __init__(self):
        self._lock = threading.Lock()
        self.reset()

    def reset(self):
        with self._lock:
            self._requests, self._services, self._dns = {}, {}, {}
            self._connections = self._crashes = self._busiest = 0
            self._recent = collections.deque()
            self._last = None

    def connection(self):
        with self._lock:
            self._connections += 1

    def crash(self):
        with self._lock:
            self._crashes += 1

    def request(self, operation, service, code, wish=None):
        with self._lock:
            if operation.startswith("Discover"):
                self._count_second(time.monotonic())
            for table, key in ((self._requests, operation), (self._services, service)):
                if key and len(table) < 1000:
                    row = table.setdefault(key, {})
                    row[code] = row.get(code, 0) + 1
            self._last = {"operation": operation, "input": wish}

    def _count_second(self, now):
        self._recent.append(now)
        while now - self._recent[0] >= 1:
            self._recent.popleft()
        self._busiest = max(self._busiest, len(self._recent))

    def query(self, question, code):
        with self._lock:
            if len(self._dns) < 1000:
                row = self._dns.setdefault(question, {})
                row[code] = row.get(code, 0) + 1

    def show(self):
        with self._lock:
            return {"connections": self._connections, "crashes": self._crashes, "busiest_second": self._busiest,
                    "requests": self._requests, "services": self._services, "dns": self._dns, "last": self._last}
