# SPDX-License-Identifier: Apache-2.0
"""What docs/scale.md says of a fleet, against the simulation of one."""
import pathlib
import re
import subprocess

import pytest

from playground.ground import BUILD
from playground.process import run

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "scale.md"


def simulate(*arguments):
    return run([BUILD / "simulate", *arguments]).stdout


def test_the_table_in_the_docs_is_what_the_formula_gives():
    assert simulate("--table") in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("used", [10, 50])
def test_an_ordinary_time_costs_what_the_formula_says(used):
    text = simulate("--hosts", 20, "--services", 50, "--used", used, "--period", 5000, "--changes", 0, "--wakes", 0,
                    "--no-day")
    wanted = re.search(r"formula: (\S+) DiscoverInstances and (\S+) DiscoverInstancesRevision", text).groups()
    seen = re.search(r"^an ordinary time +(\S+) +(\S+)", text, re.MULTILINE).groups()
    for formula, simulated in zip(map(float, wanted), map(float, seen)):
        assert 0.95 * formula <= simulated <= 1.06 * formula, text


def test_a_fleet_loses_nothing_and_keeps_to_its_budget_whatever_the_weather():
    text = simulate("--hosts", "30", "--services", "40", "--used", "20", "--period", "2000", "--changes", "600",
                    "--budget", "15", "--models", "30", "--no-day")
    assert "backends lost on 30 hosts: 0; services in use that are not up to date in the end: 0; " \
           "calls beyond a host's budget: 0" in text


def test_bad_options_are_told():
    told = subprocess.run([BUILD / "simulate", "--used", "300"], capture_output=True, text=True, timeout=10, check=False)
    assert (told.returncode, told.stderr) == (64, "simulate: used: got '300', wanted at most services, 200\n")
