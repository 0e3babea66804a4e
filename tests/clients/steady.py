# SPDX-License-Identifier: Apache-2.0
"""steady.py ADDRESS PORT: connects again and again until its stdin closes, and holds one connection all the while.
Prints a line at once when the first connect worked, then, at the end, one line of JSON: what it reached how often,
what failed, and whether the held connection still answers. Names of backends on stdin are waited for: how many connects
there is time for in a test, nobody can tell."""
import errno
import json
import select
import socket
import sys
import time

PAUSE_S = 0.002
WAIT_S = 30


def ask(peer):
    peer.sendall(b"hello\n")
    return peer.recv(256).decode().split()[0]


def connect(host, port):
    peer = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    peer.settimeout(30)
    try:
        peer.connect((host, port))
    except OSError:
        peer.close()
        raise
    return peer


def asked_to_end():
    return bool(select.select([sys.stdin], [], [], PAUSE_S)[0])


def main(host, port):
    seen, failed = {}, {}
    expected, end = None, None
    held = connect(host, port)
    first = ask(held)
    print("connected", flush=True)
    while end is None or (expected - seen.keys() and time.monotonic() < end):
        try:
            with connect(host, port) as peer:
                name = ask(peer)
            seen[name] = seen.get(name, 0) + 1
        except (OSError, IndexError) as failure:
            name = errno.errorcode.get(getattr(failure, "errno", None), type(failure).__name__)
            failed[name] = failed.get(name, 0) + 1
            time.sleep(PAUSE_S)
        if end is None and asked_to_end():
            expected, end = set(sys.stdin.read().split()), time.monotonic() + WAIT_S
    print(json.dumps({"seen": seen, "failed": failed, "held": ask(held) == first}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
