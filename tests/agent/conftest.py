# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the agent's tests. Each makes what is its own and takes it away again, also after a failure."""
import pathlib
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from playground.cloud import Cloud  # noqa: E402


@pytest.fixture
def cloud(tmp_path):
    """A local Cloud Map: API, DNS and credentials."""
    made = Cloud(tmp_path)
    yield made
    if made.process.poll() is None:
        crashes = made.stats()["crashes"]
        made.stop()
        assert crashes == 0, (tmp_path / "cloudmap.err").read_text()


@pytest.fixture
def demo(cloud):
    """The same, with one service of three instances: backend.demo.internal."""
    cloud.service("backend", "demo.internal")
    for i in (1, 2, 3):
        cloud.register("backend", f"i-{i}", f"10.1.1.{i}", 8080)
    return cloud
