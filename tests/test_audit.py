"""What `make check` makes of pip-audit's findings."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

AUDIT: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / ".ci" / "audit.py"))
judged, waived = AUDIT["judged"], AUDIT["waived"]

BAD = {
    "name": "leftpad",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}],
}
GOOD = {"name": "rightpad", "version": "2.0", "vulns": []}
UNKNOWN = {"name": "mirrored", "skip_reason": "Dependency not found on PyPI"}


def found(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_known_vulnerability_fails_and_names_the_version_that_mends_it() -> None:
    status, said = judged(1, found(BAD, GOOD), "", {})
    assert status == 1 and "leftpad 1.0 has PYSEC-1; mended in 1.1" in said


@pytest.mark.parametrize("name", ["PYSEC-1", "CVE-1"])
def test_one_that_is_waived_passes(name: str) -> None:
    assert judged(1, found(BAD), "", {name: "not called"}) == (
        0,
        "pip-audit: 1 of 1 packages checked, 0 vulnerabilities",
    )


def test_packages_nobody_knows_are_not_called_safe() -> None:
    status, said = judged(0, found(GOOD, UNKNOWN), "", {})
    assert status == 0 and "1 of 2 packages checked" in said and "1 packages; they are NOT checked" in said


def test_a_service_that_is_away_is_told_and_fails_nothing() -> None:
    status, said = judged(1, "", "Traceback\nrequests.exceptions.ConnectionError: Max retries exceeded", {})
    assert status == 0 and "cannot be reached, so nothing was checked" in said and "\n" not in said


def test_anything_else_that_goes_wrong_fails() -> None:
    assert judged(1, "", "No module named pip_audit", {}) == (
        1,
        "pip-audit failed: No module named pip_audit",
    )
    assert judged(0, "", "", {})[0] == 1


def test_a_waiver_says_why() -> None:
    assert waived("# why\n\nCVE-1 we never call it\n") == {"CVE-1": "we never call it"}
    with pytest.raises(ValueError, match="CVE-1 without a reason"):
        waived("CVE-1")
