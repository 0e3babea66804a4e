# SPDX-License-Identifier: Apache-2.0
"""The scripts that judge the others: the counting of tests, and the floors of the house."""
import os
import pathlib
import subprocess

import pytest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"


def run_tests(build, **environment):
    """Status and lines of scripts/run-tests on the unit programs of this build directory."""
    done = subprocess.run([SCRIPTS / "run-tests", "unit"], text=True, capture_output=True, timeout=60,
                          env={"PATH": os.environ["PATH"], "BUILD": str(build), **environment})
    return done.returncode, done.stdout.splitlines()


@pytest.fixture
def program(tmp_path):
    """program(text) puts a program that says this in the place of a unit test."""
    (tmp_path / "unit").mkdir()

    def make(text, name="test_noun"):
        path = tmp_path / "unit" / name
        path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
        path.chmod(0o755)
        return tmp_path
    return make


@pytest.mark.parametrize("text, status, last", [
    ("printf '1..2\\nok 1 - a\\nok 2 - b\\n'", 0, "2 passed, 0 failed, 0 skipped"),
    ("printf '1..2\\nok 1 - a\\nnot ok 2 - b\\n'; exit 1", 1, "1 passed, 1 failed, 0 skipped"),
    ("printf '1..2\\nok 1 - a\\nnot ok 2 # SKIP b\\n'", 0, "1 passed, 0 failed, 1 skipped"),
    ("printf '1..3\\nok 1 - a\\n'; kill -SEGV $$", 1, "1 passed, 1 failed, 0 skipped"),
    ("printf '1..1\\nok 1 - a\\n'; echo leaked >&2; exit 23", 1, "1 passed, 1 failed, 0 skipped"),
    ("exit 0", 1, "0 passed, 1 failed, 0 skipped"),
])
def test_programs_are_counted_by_what_they_say_and_how_they_end(program, text, status, last):
    got, lines = run_tests(program(text))
    assert (got, lines[-1]) == (status, last)


def test_a_failure_shows_all_that_its_program_said(program):
    _, lines = run_tests(program("printf '1..1\\n# a != b\\nnot ok 1 - a\\n'; echo on stderr >&2; exit 1"))
    assert "    | # a != b" in lines
    assert "    | on stderr" in lines
    assert "failed: unit/test_noun/a" in lines


def test_an_unexpected_skip_fails_where_ci_is_set(program):
    status, lines = run_tests(program("printf '1..1\\nnot ok 1 # SKIP a\\n'"), CI="1")
    assert status == 1
    assert "skipped, and not named in tests/expected-skips: unit/test_noun/a" in lines


def test_no_programs_at_all_is_a_failure(tmp_path):
    status, lines = run_tests(tmp_path)
    assert (status, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped")


@pytest.mark.parametrize("place, line, complaint", [
    ("core/a.c", '#include "base/util.h"', ""),
    ("core/a.c", '#include "shunt/layout.h"', ""),
    ("agent/a.c", '#include "kernel/dataplane.h"', ""),
    ("core/a.c", '#include "io/http.h"', "core/ is on floor 1 and may not look into io/ on floor 2"),
    ("io/a.c", '#include "kernel/dataplane.h"', "io/ is on floor 2 and may not look into kernel/ on floor 2"),
    ("agent/a.c", "#include <bpf/bpf.h>", "<bpf/bpf.h> belongs to kernel, not to agent/"),
    ("core/a.c", "#include <time.h>", ""),
    ("core/a.c", "	now = time(NULL);", "time() in core/, which is pure"),
    ("io/a.c", "	now = time(NULL);", ""),
    ("core/a.c", '#include "model.h"', '"model.h" has no folder: write "room/model.h"'),
    ("attic/a.c", '#include "base/util.h"', "user/attic is not a room of the house"),
])
def test_a_file_sees_its_own_room_and_lower_floors(tmp_path, place, line, complaint):
    path = tmp_path / place
    path.parent.mkdir()
    path.write_text(f"{line}\n", encoding="utf-8")
    done = subprocess.run([SCRIPTS / "check-floors", tmp_path], text=True, capture_output=True, timeout=60)
    assert done.stdout == (f"{path}:1: {complaint}\n" if complaint else "")
    assert done.returncode == (1 if complaint else 0)
