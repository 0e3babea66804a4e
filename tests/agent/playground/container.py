# SPDX-License-Identifier: Apache-2.0
"""Containers as ECS makes them: OCI bundles run by crun, in a private cgroup namespace, under cgroups named as the
ECS agent names them. The host they see has /sys/fs/cgroup as plain cgroup2, whatever this machine has."""
import json
import os
import pathlib
import secrets

from . import wait
from .process import run, start

# crun in a mount namespace where /sys/fs/cgroup is what it is on a host of today.
UNIFIED = ["unshare", "-m", "sh", "-c",
           "umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec \"$@\"", "sh"]


def unified(cgroup):
    """Where a cgroup of this machine lies on that host."""
    return pathlib.Path("/sys/fs/cgroup") / cgroup.name


def all_capabilities():
    names = "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE " \
            "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT " \
            "SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE " \
            "AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ " \
            "PERFMON BPF CHECKPOINT_RESTORE".split()
    own = int(next(line.split()[1] for line in open("/proc/self/status", encoding="ascii")
                   if line.startswith("CapBnd:")), 16)
    return [f"CAP_{name}" for number, name in enumerate(names) if own & 1 << number]


def bind(source, destination, *options):
    return {"destination": str(destination), "source": str(source), "type": "bind",
            "options": ["rbind", "rprivate", *options]}


class Container:
    """Owns one container and its task's cgroup; `close` leaves nothing of either."""

    def __init__(self, ground, rootfs, args, *, environment=(), mounts=(), privileged=False, read_only=True,
                 netns=None):
        task = f"ecstasks-{secrets.token_hex(16)}.slice"
        self.ground, self.id = ground, f"shunt-{secrets.token_hex(6)}"
        self.slices = [ground.cgroup / "ecstasks.slice" / task, ground.cgroup / "ecstasks.slice"]
        self.bundle = ground.scratch / self.id
        self.bundle.mkdir()
        self.log = self.bundle / "log"
        namespaces = [{"type": "mount"}, {"type": "cgroup"}, {"type": "ipc"}, {"type": "uts"}]
        namespaces += [{"type": "network", "path": str(netns)}] if netns else []
        capabilities = all_capabilities() if privileged else []
        spec = {
            "ociVersion": "1.0.2",
            "root": {"path": str(rootfs), "readonly": read_only},
            "process": {
                "args": [str(a) for a in args], "cwd": "/", "user": {"uid": 0, "gid": 0},
                "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", *environment], "noNewPrivileges": not privileged,
                "capabilities": {kind: capabilities for kind in ("bounding", "effective", "permitted")},
            },
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
                       {"destination": "/sys", "type": "bind", "source": "/sys", "options": ["rbind", "rprivate", "ro"]},
                       *mounts],
            "linux": {"namespaces": namespaces,
                      "cgroupsPath": f"/{ground.cgroup.name}/ecstasks.slice/{task}/docker-{secrets.token_hex(32)}.scope"},
        }
        (self.bundle / "config.json").write_text(json.dumps(spec), encoding="utf-8")
        self.process = None

    def crun(self, *words, **options):
        return run([*UNIFIED, "crun", "--root", self.ground.scratch / "crun", *words], **options)

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = start([*UNIFIED, "crun", "--root", self.ground.scratch / "crun", "run",
                                  "--bundle", self.bundle, self.id], stdout=log, stderr=log)
        wait.until(f"{self.id} runs: {self.logged()}", lambda: self.state() == "running")
        return self

    def state(self):
        asked = self.crun("state", self.id, check=False)
        if asked.returncode == 0:
            return json.loads(asked.stdout)["status"]
        assert self.process.poll() is None, f"it ended: {self.logged()}"
        return "not there yet"

    def execute(self, *words, check=True):
        return self.crun("exec", self.id, *words, check=check)

    def kill(self, signal="KILL"):
        self.crun("kill", self.id, signal)
        return self.process.wait(60)

    def logged(self):
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def close(self):
        self.crun("delete", "--force", self.id, check=False)
        if self.process:
            self.process.wait(60)
        for slice_ in self.slices:
            if slice_.is_dir() and not any(child.is_dir() for child in slice_.iterdir()):
                os.rmdir(slice_)
