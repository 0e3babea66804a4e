# SPDX-License-Identifier: Apache-2.0
"""What the agent's tests play on: a private cgroup, bpffs and network, a local Cloud Map, and the real programs."""
