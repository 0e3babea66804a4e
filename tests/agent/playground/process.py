# SPDX-License-Identifier: Apache-2.0
"""Starting programs so that none outlives the tests, whatever happens to them."""
import ctypes
import os
import signal
import subprocess

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(argv, **options):
    """Popen of a program that dies with us."""
    return subprocess.Popen([str(a) for a in argv], preexec_fn=die_with_parent, **options)


def run(argv, timeout=120, check=True, **options):
    ran = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=timeout, check=False,
                         **options)
    assert not check or ran.returncode == 0, f"{argv} exited {ran.returncode}: {ran.stdout}{ran.stderr}"
    return ran


def end(process, within=30):
    """Ends one of ours; returns its status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait(30)


def private_mounts():
    """From now on mounts of this process and its children are seen by them only."""
    if LIBC.unshare(CLONE_NEWNS) != 0 or LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
