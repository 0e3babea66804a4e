# SPDX-License-Identifier: Apache-2.0
"""What README.md quotes and shows is what the programs say and take."""
import json
import pathlib
import re
import subprocess

import pytest

from playground.agent import SHUNTD

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Codes of AWS, errnos: no text of ours.
FOREIGN = ("AccessDeniedException", "ECONNREFUSED")


def quoted_messages():
    rows = re.findall(r"^\| (.*?) \|", README.split("## Troubleshooting", 1)[1], re.MULTILINE)
    messages = [re.search(r"`([^`]+)`", row)[1] for row in rows if row.startswith("`")]
    return [m for m in messages if m not in FOREIGN]


def texts_of_the_code():
    """All string literals, adjacent ones joined, conversions as a letter like the README's placeholders."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "user").rglob("*.c")))
    joined = re.sub(r'"\s*\n\s*"', "", source)
    return re.sub(r"%(?:ll|z)?[uds]", "N", joined)


def test_there_are_messages_to_find():
    assert len(quoted_messages()) > 8


@pytest.mark.parametrize("message", quoted_messages())
def test_a_message_of_the_troubleshooting_is_one_the_code_says(message):
    wanted = re.sub(r"\b[NM]\b|connect4|(?<=not )1(?=:)", "N", message)
    assert wanted in texts_of_the_code()


EXAMPLES = re.findall(r"```json\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_configuration_is_a_good_one(tmp_path, text):
    json.loads(text)
    (tmp_path / "shunt.json").write_text(text, encoding="utf-8")
    done = subprocess.run([SHUNTD, "--config", tmp_path / "shunt.json", "--check"], text=True, capture_output=True,
                          timeout=10)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_files_it_names_are_there():
    for name in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / name).exists(), name
