# SPDX-License-Identifier: Apache-2.0
"""traffic.py NAME PORT RATE: asks RATE times a second, over a new connection each time, resolving the name each
time, until SIGTERM. Prints a line a connect: when it began (seconds since 1970), and who answered or what errno."""
import errno
import socket
import sys
import time


def ask(name, port):
    try:
        with socket.create_connection((name, port), timeout=5) as peer:
            peer.sendall(b"hello\n")
            return peer.recv(256).decode().split()[0]
    except OSError as failure:
        return errno.errorcode.get(failure.errno, type(failure).__name__)
    except IndexError:
        return "CLOSED"


def main(name, port, rate):
    due = time.monotonic()
    while True:
        began = time.time()
        print(f"{began:.6f} {ask(name, int(port))}", flush=True)
        due = max(due + 1 / float(rate), time.monotonic())
        time.sleep(max(0, due - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
