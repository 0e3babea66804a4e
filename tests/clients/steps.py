#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sockets on command: reads a step a line, prints what came of it. A socket is known by the name it is given.

connect S ADDRESS PORT   "ok PEER PORT", or the errno's name; the socket is made if there is none of this name
start S ADDRESS PORT     the same without waiting: "started"
mptcp S ADDRESS PORT     the same with an MPTCP socket
fastopen S ADDRESS PORT  the same by sendto(MSG_FASTOPEN), which sends a line as well
talk S N                 sends N octets and a newline, prints how many octets came back
dial S ADDRESS PORT      connect with a UDP socket
who S                    sends a line over what is connected, prints the backend's name
error S                  the name of the error that the socket has met with, or "none"
sendto S ADDRESS PORT    a datagram; "SOURCE PORT NAME" of the answer, or the errno's name
disconnect S             connect() to AF_UNSPEC
timeout S                its TCP_USER_TIMEOUT
deaf S ADDRESS PORT      a listener whose queue is full, so that SYNs to it are dropped
reset S                  closes with RST
close S"""
import ctypes
import errno
import socket
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
sockets = {}


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def made(name, address, kind=socket.SOCK_STREAM):
    if name not in sockets:
        sockets[name] = socket.socket(family(address), kind)
        sockets[name].settimeout(30)
    return sockets[name]


def connect(name, address, port):
    made(name, address).settimeout(None)  # with a timeout Python's connect() is a non-blocking one
    sockets[name].connect((address, int(port)))
    sockets[name].settimeout(30)
    return "ok %s %d" % sockets[name].getpeername()[:2]


def start(name, address, port):
    made(name, address).setblocking(False)
    sockets[name].connect_ex((address, int(port)))
    return "started"


def mptcp(name, address, port):
    sockets[name] = socket.socket(family(address), socket.SOCK_STREAM, 262)
    return connect(name, address, port)


def fastopen(name, address, port):
    made(name, address).settimeout(None)
    sockets[name].sendto(b"hello\n", socket.MSG_FASTOPEN, (address, int(port)))
    return "ok %s %d" % sockets[name].getpeername()[:2]


def talk(name, octets):
    sockets[name].sendall(b"x" * int(octets) + b"\n")
    answer = b""
    while not answer.endswith(b"\n"):
        answer += sockets[name].recv(65536)
    return len(answer)


def dial(name, address, port):
    made(name, address, socket.SOCK_DGRAM).connect((address, int(port)))
    return "ok %s %d" % sockets[name].getpeername()[:2]


def who(name):
    sockets[name].sendall(b"x\n")
    return sockets[name].recv(1000).split()[0].decode()


def error(name):
    met = sockets[name].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return errno.errorcode[met] if met else "none"


def sendto(name, address, port):
    made(name, address, socket.SOCK_DGRAM).sendto(b"hello", (address, int(port)))
    answer, source = sockets[name].recvfrom(1000)
    return "%s %d %s" % (*source[:2], answer.split()[0].decode())


def disconnect(name):
    return LIBC.connect(sockets[name].fileno(), bytes(16), 16)


def timeout(name):
    return sockets[name].getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


def deaf(name, address, port):
    sockets[name] = socket.socket(family(address))
    sockets[name].bind((address, int(port)))
    sockets[name].listen(0)
    sockets[name, "guest"] = socket.create_connection((address, int(port)))
    return "listening"


def reset(name):
    sockets[name].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return close(name)


def close(name):
    sockets.pop(name).close()
    return "closed"


STEPS = {step.__name__: step for step in (connect, start, mptcp, fastopen, talk, dial, who, error, sendto, disconnect,
                                          timeout, deaf, reset, close)}

for line in sys.stdin:
    verb, *words = line.split()
    try:
        print(STEPS[verb](*words), flush=True)
    except OSError as error:
        print(errno.errorcode.get(error.errno, str(error)), flush=True)
