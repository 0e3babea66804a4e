# SPDX-License-Identifier: Apache-2.0
"""once.py ADDRESS PORT [udp]: asks one line and prints "PEER PORT ANSWER"; a failure prints its errno's name and how
long it took, and exits 1."""
import errno
import socket
import sys
import time


def main(host, port, kind="tcp"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as peer:
        peer.settimeout(30)
        began = time.monotonic()
        try:
            peer.connect((host, int(port)))
            peer.sendall(b"hello\n")
            print(*peer.getpeername()[:2], peer.recv(256).decode(), end="")
        except OSError as failure:
            name = errno.errorcode.get(failure.errno, type(failure).__name__)
            print(f"{name} {time.monotonic() - began:.3f}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
