# SPDX-License-Identifier: Apache-2.0
"""scripts/demo tells its story to the end, and takes everything away, also on Ctrl-C."""
import os
import pathlib
import pty
import re
import subprocess
import time

import pytest

from playground import wait
from playground.ground import BUILD, cgroup2_mount
from playground.process import end

DEMO = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "demo"
ENVIRONMENT = {"PATH": os.environ["PATH"], "BUILD": str(BUILD)}


def left_behind(pid):
    """Its process id is in the name of its cgroup, and its directories are named in its processes' words."""
    ours = [p for p in pathlib.Path("/proc").glob("[0-9]*/cmdline") if f"shunt-demo-{pid}" in words_of(p)]
    return ours + list(cgroup2_mount().glob(f"shunt-demo-{pid}"))


def words_of(path):
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_the_demo_tells_its_story_and_leaves_nothing(network):
    demo = subprocess.Popen([DEMO], env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        told, _ = demo.communicate(timeout=300)
    finally:
        end(demo, within=30)
    assert demo.returncode == 0, told
    assert "\x1b" not in told, "no colours where there is no terminal"
    assert re.findall(r"^(\d)\. ", told, re.MULTILINE) == list("123456789")
    assert "30 connections from one client, 3 backends" in told
    assert "127.254.0.10    backend.demo.internal" in told
    assert "connected to 127.254.0.10:8080" in told
    assert "promtool check metrics: nothing to say" in told
    assert len(re.findall(r"failed: 0$", told, re.MULTILINE)) == 3
    assert left_behind(demo.pid) == []
    assert not pathlib.Path(re.search(r"/tmp/shunt-demo\.\w+", told)[0]).exists()


@pytest.mark.parametrize("moment", ["Cloud Map answers at", "shuntctl show", "200 connections a second"])
def test_ctrl_c_takes_everything_away(network, moment):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(DEMO, [str(DEMO)], ENVIRONMENT)
    told, pressed, deadline = b"", False, time.monotonic() + 300
    try:
        while time.monotonic() < deadline:
            told += os.read(terminal, 4096)
            if moment.encode() in told and not pressed:
                os.write(terminal, b"\x03")
                pressed = True
    except OSError:  # the other side is closed
        pass
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130, told.decode()
    assert b"everything is taken away again" in told
    directory = re.search(rb"/tmp/shunt-demo\.\w+", told)
    assert not directory or not pathlib.Path(directory[0].decode()).exists()
    wait.until("nothing is left", lambda: left_behind(pid) == [])
