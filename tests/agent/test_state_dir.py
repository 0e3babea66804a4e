# SPDX-License-Identifier: Apache-2.0
"""What state_dir holds: what becomes of a file that is not what it should be."""
import json

from playground.services import endpoints, static


def test_a_damaged_book_of_vips_is_set_aside_and_vips_are_as_on_other_hosts(ground, agent):
    mine = agent(environment={}, services=[static("backend", *endpoints(ground.network))]).start()
    state = ground.scratch / "state"
    before, good = mine.service("backend")["vip"], (state / "vips.json").read_text()
    mine.stop()
    damaged = good.replace(before, "127.254.1.1")  # an address all the same: only the checksum tells
    (state / "vips.json").write_text(damaged)
    mine.start()
    aside, = state.glob("vips.json.damaged-*")
    assert mine.status()["problems"] == [
        f'{state}/vips.json: checksum: got "{json.loads(good)["checksum"]}", wanted that of the text before it; '
        f"VIPs were chosen anew by name; the file is now {aside}"]
    assert aside.read_text() == damaged and str(aside) in mine.logged()
    assert mine.service("backend")["vip"] == before and (state / "vips.json").read_text() == good
