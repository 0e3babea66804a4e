# SPDX-License-Identifier: Apache-2.0
"""--check: every problem at once, each with its place, what was got and what was wanted; exit 78."""
import json

import pytest

from playground.agent import SHUNTCTL, SHUNTD
from playground.process import run

GOOD = {"name": "a", "vip": "127.254.0.1", "port": 80, "static": {"endpoints": ["10.0.0.1:80"]}}


def check(tmp_path, text):
    path = tmp_path / "shunt.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
    return run([SHUNTD, "--config", path, "--check"], check=False, timeout=120)


def services(*changes, **top):
    return json.dumps({"services": [{**GOOD, **change} for change in changes], **top})


@pytest.mark.parametrize("text", [
    services({}),
    '{"services": []}',
    services({}, {"name": "b", "port": 81}),
    services({}, {"name": "b", "protocol": "udp"}),
    services({"vip": "::1"}, {"name": "b", "vip": "10.1.2.3"}),
    services({"static": {"endpoints": ["[fd00::1]:80", "10.0.0.1:80"]}}),
    services({"shrink_confirm": "500ms", "on_empty": "pass", "watch": "always", "balance": "maglev", "affinity": "socket"}),
    services({"static": None, "cloudmap": {"namespace": "n", "service": "s", "poll": "1m"}},
             aws={"region": "us-east-1"}).replace('"static": null, ', ""),
])
def test_a_good_file_is_accepted(tmp_path, text):
    ran = check(tmp_path, text)
    assert (ran.returncode, ran.stderr) == (0, "")


BAD = {  # name: (text, words that the complaint must have)
    "empty": ("", ()),
    "not-json": ("{services: []}", ()),
    "trailing-garbage": ('{"services": []} x', ()),
    "two-documents": ('{"services": []}{"services": []}', ()),
    "an-array": ("[]", ("object",)),
    "nul-octet": ('{"services": []}\x00', ()),
    "bad-utf8": (b'{"services": [{"name": "\xff\xfe"}]}', ()),
    "no-services": ("{}", ("services",)),
    "unknown-key": (services({"colour": "red"}), ("services[0]", "colour")),
    "unknown-top-key": (services({}, colour="red"), ("colour",)),
    "nearly-a-key": (services({"shrink_confrim": "1s"}), ("shrink_confrim", "shrink_confirm")),
    "duplicate-key": ('{"services": [], "services": []}', ("services",)),
    "deep-duplicate-key": ('{"services": [{"name": "a", "name": "b", "static": {"endpoints": []}}]}', ("name",)),
    "duplicate-by-escape": ('{"services": [], "servic\\u0065s": []}', ("services",)),
    "wrong-type": ('{"services": "none"}', ("services",)),
    "port-as-text": (services({"port": "80"}), ("services[0]", "port", '"80"')),
    "port-zero": (services({"port": 0}), ("port", "0")),
    "port-too-high": (services({"port": 65536}), ("port", "65536")),
    "port-a-fraction": (services({"port": 80.5}), ("port", "80.5")),
    "port-huge": ('{"services": [{"name": "a", "port": 1e999, "static": {"endpoints": []}}]}', ("port",)),
    "vip-not-unicast": (services({"vip": "224.0.0.1"}), ("vip", "224.0.0.1")),
    "vip-unspecified": (services({"vip": "0.0.0.0"}), ("vip", "0.0.0.0")),
    "vip-nonsense": (services({"vip": "127.254.0"}), ("vip", "127.254.0")),
    "vip-twice": (services({}, {"name": "b"}), ("services[1]", "vip", "127.254.0.1")),
    "vip-twice-mapped": (services({}, {"name": "b", "vip": "::ffff:127.254.0.1"}), ("services[1]", "vip")),
    "vip-any-port-shares-with-none": (services({}, {"name": "b"}).replace('"port": 80, "static": {"endpoints": '
                                      '["10.0.0.1:80"]}}]', '"static": {"endpoints": ["10.0.0.1:80"]}}]'), ("vip",)),
    "vip-any-protocol": (services({}, {"name": "b", "protocol": "any"}), ("vip",)),
    "name-twice": (services({}, {"vip": "127.254.0.2"}), ("services[1]", "name")),
    "alias-is-a-name": (services({}, {"name": "b", "vip": "127.254.0.2", "aliases": ["a"]}), ("aliases", '"a"')),
    "name-too-long": (services({"name": "x" * 300}), ("name",)),
    "name-with-control": (services({"name": "a\u001b[31m"}), ("name",)),
    "two-sources": (services({"dns": {"name": "x", "type": "A", "port": 1}}), ("dns", "static")),
    "no-source": (services({"static": None}).replace(', "static": null', ""), ("source",)),
    "duration-without-unit": (services({"shrink_confirm": "30"}), ("shrink_confirm", '"30"')),
    "duration-as-number": (services({"shrink_confirm": 30}), ("shrink_confirm", "30")),
    "duration-huge": (services({"shrink_confirm": "99999999999999999999h"}), ("shrink_confirm",)),
    "endpoint-without-port": (services({"static": {"endpoints": ["10.0.0.1"]}}), ("endpoints", "10.0.0.1")),
    "endpoint-nonsense": (services({"static": {"endpoints": ["10.0.0.1:80:80"]}}), ("endpoints",)),
    "endpoint-bare-v6": (services({"static": {"endpoints": ["fd00::1:80"]}}), ("endpoints",)),
    "protocol": (services({"protocol": "sctp"}), ("protocol", "sctp", "tcp")),
    "dns-type": (services({"dns": {"name": "x", "type": "MX"}}), ("type", "MX")),
    "plain-http-elsewhere": (services({}, aws={"region": "us-east-1", "endpoint": "http://10.1.1.1"}),
                             ("endpoint", "http://10.1.1.1")),
    "http-that-looks-like-loopback": (services({}, aws={"region": "us-east-1", "endpoint":
                                                        "http://127.0.0.1@evil.example"}), ("endpoint",)),
    "dns-server": (services({}, dns={"servers": ["resolver.example"]}), ("servers", "resolver.example")),
    "cidr": (services({}, vips={"cidr": "127.254.0.0/33"}), ("cidr",)),
    "too-long-a-socket-path": (services({}, control_socket="/" + "x" * 200), ("control_socket",)),
    "not-built-yet": (services({"retries": 1}), ("retries",)),
    "not-built-yet-top": (services({}, names={}), ("names",)),
    "deep": ('{"services": ' + "[" * 100000 + "]" * 100000 + "}", ()),
    "deep-objects": ('{"a":' * 50000 + "1" + "}" * 50000, ()),
    "unclosed": ("[" * 1000000, ()),
    "too-large": (" " * (8 * 1024 * 1024) + '{"services": []}', ("8",)),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_file_is_refused_with_its_place(tmp_path, name):
    text, words = BAD[name]
    ran = check(tmp_path, text)
    assert ran.returncode == 78, ran.stderr[:2000]
    assert "shunt.json" in ran.stderr
    for word in words:
        assert word in ran.stderr, ran.stderr[:2000]
    assert "\u001b" not in ran.stderr


def test_every_problem_is_told_at_once(tmp_path):
    ran = check(tmp_path, services({"port": 0}, {"name": "b", "vip": "no"}, {"name": "c", "protocol": "x"}, what=1))
    assert ran.returncode == 78
    for word in ("services[0]", "services[1]", "services[2]", "what"):
        assert word in ran.stderr
    assert len(ran.stderr.splitlines()) >= 4


def test_a_thousand_problems_are_bounded_in_what_is_said(tmp_path):
    ran = check(tmp_path, services(*({"name": f"s{i}", "port": 0} for i in range(5000))))
    assert ran.returncode == 78 and len(ran.stderr) < 2 << 20


def test_a_large_good_file_is_accepted(tmp_path):
    text = services(*({"name": f"s{i}", "vip": f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}"} for i in range(1, 10001)))
    assert check(tmp_path, text).returncode == 0


def test_a_file_that_is_not_there_exits_66():
    assert run([SHUNTD, "--config", "/nonexistent/shunt.json", "--check"], check=False).returncode == 66


def test_shunt_config_is_checked_and_named(tmp_path):
    ran = run([SHUNTD, "--check"], check=False, env={"PATH": "/usr/bin", "SHUNT_CONFIG": '{"services": 3}'})
    assert ran.returncode == 78 and "SHUNT_CONFIG" in ran.stderr


@pytest.mark.parametrize("program", [SHUNTD, SHUNTCTL])
def test_usage_errors_exit_64_and_help_and_version_0(program):
    ran = run([program, "--no-such-option"], check=False)
    assert ran.returncode == 64 and ran.stderr.endswith(f"Try `{program.name} --help`.\n")
    for option, short in (("--help", "-h"), ("--version", "-V")):
        ran = run([program, option])
        assert ran.stdout and not ran.stderr
        assert run([program, short]).stdout == ran.stdout
    named = ["-c", "/nonexistent/shunt.json", *(["show"] if program == SHUNTCTL else [])]
    assert run([program, *named], check=False).returncode == 66


@pytest.mark.parametrize("verb", ["", "nonsense", "trace", "top"])
def test_a_verb_that_is_not_there_exits_64_and_is_not_in_the_help(verb):
    assert run([SHUNTCTL, *([verb] if verb else [])], check=False).returncode == 64
    if verb:
        assert f"\n  {verb} " not in run([SHUNTCTL, "--help"]).stdout


def test_a_bad_configuration_starts_nothing(tmp_path):
    path = tmp_path / "shunt.json"
    path.write_text(services({"port": 0}, bpffs=str(tmp_path)), encoding="utf-8")
    assert run([SHUNTD, "--config", path], check=False).returncode == 78
    assert not (tmp_path / "shunt").exists()
