# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the agent's tests. Each makes what is its own and takes it away again, also after a failure."""
import os
import pathlib
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from playground.agent import Agent  # noqa: E402
from playground.cloud import Cloud  # noqa: E402
from playground.ground import Ground  # noqa: E402
from playground.network import Network  # noqa: E402
from playground.process import private_mounts  # noqa: E402


def serve_cloud(scratch):
    made = Cloud(scratch)
    yield made
    if made.process.poll() is None:
        crashes = made.stats()["crashes"]
        made.stop()
        assert crashes == 0, (made.scratch / "cloudmap.err").read_text()


def lay_ground(scratch, network):
    made = Ground(scratch, network)
    yield made
    made.close()


def run_agents(ground):
    """A function that makes an agent on this ground; all of them end with the test."""
    made = []

    def make(cloud=None, **config):
        made.append(Agent(ground, cloud, **config))
        return made[-1]
    yield make
    for agent in made:
        agent.close()


@pytest.fixture
def cloud(tmp_path):
    """A local Cloud Map: API, DNS and credentials."""
    yield from serve_cloud(tmp_path)


@pytest.fixture(scope="session")
def network():
    """A client's network namespace and three backends in theirs; mounts are private from here on."""
    if os.geteuid() != 0:
        pytest.skip("needs root: namespaces, cgroups and BPF")
    private_mounts()
    made = Network()
    yield made
    made.close()


@pytest.fixture
def ground(tmp_path, network):
    """A throw-away cgroup and a private bpffs."""
    yield from lay_ground(tmp_path, network)


@pytest.fixture
def agent(ground):
    """agent(cloud, services=[...]) makes one, not started."""
    yield from run_agents(ground)


# The same for tests that share one agent, because they only look.

@pytest.fixture(scope="module")
def shared_cloud(tmp_path_factory):
    yield from serve_cloud(tmp_path_factory.mktemp("cloud"))


@pytest.fixture(scope="module")
def shared_ground(tmp_path_factory, network):
    yield from lay_ground(tmp_path_factory.mktemp("ground"), network)


@pytest.fixture(scope="module")
def shared_agent(shared_ground):
    yield from run_agents(shared_ground)
