# SPDX-License-Identifier: Apache-2.0
"""Waiting for a state, with a deadline that fails."""
import time


def until(what, condition, within=30.0, every=0.02):
    """Calls `condition` until it gives something true, which is returned; `what` says in a failure what never came."""
    deadline = time.monotonic() + within
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}; last seen: {got!r}")
        time.sleep(every)


def holds(what, condition, during=1.0, every=0.05):
    """`condition` must give something true all the time."""
    deadline = time.monotonic() + during
    while time.monotonic() < deadline:
        got = condition()
        assert got, f"did not hold for {during:g} s: {what}; seen: {got!r}"
        time.sleep(every)
