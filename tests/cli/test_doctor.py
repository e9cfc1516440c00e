"""`doctor`: what it finds, and what `--repair` saves."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Call


def test_sound_database_is_called_sound(call: Call, database: Path) -> None:
    outcome = call("doctor", "--json")
    assert outcome.code == 0
    result = {finding["what"]: finding for finding in outcome.json}
    assert result["torch"]["state"] == "ok"
    assert "sound" in result["database"]["value"]


def test_missing_database_is_a_note_not_a_fault(call: Call) -> None:
    outcome = call("doctor")
    assert outcome.code == 0
    assert "nliexplorer demo makes one" in outcome.out


def test_damaged_database_is_named_and_repaired_beside_it(call: Call, database: Path) -> None:
    damaged = bytearray(database.read_bytes())
    page = int.from_bytes(damaged[16:18], "big") or 65536
    for number in range(len(damaged) // page // 2, len(damaged) // page // 2 + 2):
        damaged[number * page : number * page + 64] = b"\xff" * 64
    database.write_bytes(damaged)
    assert call("doctor").code == 1
    repaired = call("doctor", "--repair", "--json")
    assert repaired.code == 0, repaired.err
    assert database.read_bytes() == bytes(damaged)
    assert repaired.json["rows"]["runs"] == 2
    listed = call("runs", "list", "--db", repaired.json["file"], "--json")
    assert len(listed.json) == 2
