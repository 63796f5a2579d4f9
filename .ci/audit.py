"""Asks the vulnerability service of PyPI about every version in constraints.txt.

A known vulnerability fails, unless .ci/audit-waived.txt names it with a reason. A service that cannot be reached, or does
not know a package (as a mirror does not), is told in a line and fails nothing: work goes on without a network.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
COMMAND = (
    "-m",
    "pip_audit",
    "-r",
    "constraints.txt",
    "--no-deps",
    "--disable-pip",
    "--progress-spinner",
    "off",
    "-f",
    "json",
)
AWAY = re.compile(r"ConnectionError|ConnectTimeout|ReadTimeout|Max retries|ServiceError|HTTPError|ProxyError")


def waived(text: str) -> dict[str, str]:
    """Vulnerabilities that are let pass, with the reasons; one without a reason is an error."""
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.strip().partition(" ")
            if not reason.strip():
                raise ValueError(
                    f"audit-waived.txt waives {name} without a reason. Write it behind the name."
                )
            found[name] = reason.strip()
    return found


def judged(status: int, out: str, err: str, let_pass: dict[str, str]) -> tuple[int, str]:
    """The exit status and what to say, for what pip-audit came to."""
    try:
        packages = json.loads(out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = err.strip().splitlines()[-1][:300] if err.strip() else "it said nothing"
        if AWAY.search(err):
            return (
                0,
                f"pip-audit: the vulnerability service cannot be reached, so nothing was checked ({last})",
            )
        return status or 1, f"pip-audit failed: {last}"
    known = [
        (package, found)
        for package in packages
        for found in package.get("vulns", ())
        if not {found["id"], *found.get("aliases", ())} & set(let_pass)
    ]
    lines = [
        f"pip-audit: {package['name']} {package['version']} has {found['id']}; mended in "
        f"{', '.join(found.get('fix_versions', ())) or 'no version yet'}"
        for package, found in known
    ]
    unchecked = sum("skip_reason" in package for package in packages)
    lines.append(
        f"pip-audit: {len(packages) - unchecked} of {len(packages)} packages checked, {len(known)} vulnerabilities"
    )
    if unchecked:
        lines.append(
            f"pip-audit: the service that answers here knows nothing of {unchecked} packages; they are NOT checked"
        )
    return (1 if known else 0), "\n".join(lines)


def main() -> int:
    """Ask, and say what came of it."""
    let_pass = waived((HERE / "audit-waived.txt").read_text(encoding="utf-8"))
    done = subprocess.run(
        [sys.executable, *COMMAND], capture_output=True, text=True, cwd=HERE.parent, check=False
    )
    status, said = judged(done.returncode, done.stdout, done.stderr, let_pass)
    print(said)
    return status


if __name__ == "__main__":
    sys.exit(main())
