# SPDX-License-Identifier: Apache-2.0
"""A local Cloud Map: its JSON 1.1 API with SigV4 checked, its DNS side, the ECS credential endpoint, and
every fault that a test may ask of them. Standard library and dnslib only."""
