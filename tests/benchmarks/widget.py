"""What the widget costs a careers page: the demonstration's load with and without the script, side by side.

    python -m ui --port 7861 &
    python tests/benchmarks/widget.py http://127.0.0.1:7861 [--rounds N] [--slower N]

Both are loaded in turn, in a fresh browser profile each time, on a processor slowed down as Lighthouse does for a
phone. Medians: first contentful paint, largest contentful paint, load, time the main thread was busy for more than
50 ms at a stretch (all in ms), layout shift, requests and bytes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from playwright.sync_api import sync_playwright
from ui_browser import FLAGS, chromium

WATCH = """
window.seen = {lcp: 0, shift: 0, blocked: 0};
new PerformanceObserver(list => list.getEntries().forEach(e => seen.lcp = e.startTime)).observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver(list => list.getEntries().forEach(e => seen.shift += e.value)).observe({type: 'layout-shift', buffered: true});
new PerformanceObserver(list => list.getEntries().forEach(e => seen.blocked += e.duration - 50)).observe({type: 'longtask', buffered: true});
"""
READ = """() => {
  const fcp = performance.getEntriesByName('first-contentful-paint')[0], nav = performance.getEntriesByType('navigation')[0];
  const files = performance.getEntriesByType('resource');
  return {'first paint': fcp ? fcp.startTime : 0, 'largest paint': seen.lcp, load: nav.loadEventEnd, blocked: seen.blocked,
    'layout shift': seen.shift, requests: 1 + files.length, bytes: nav.transferSize + files.reduce((sum, f) => sum + f.transferSize, 0)};
}"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--slower", type=float, default=4.0, help="how many times slower the processor is made"
    )
    given = parser.parse_args()
    seen: dict[bool, list[dict[str, float]]] = {True: [], False: []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for number in range(2 * given.rounds + 2):
            found = loaded(browser, given.address, number % 2 == 0, given.slower)
            if number > 1:  # the first of each warms the server up
                seen[number % 2 == 0].append(found)
        browser.close()
    print(f"{'':<16}{'without':>12}{'with':>12}")
    for name in seen[True][0]:
        without, having = (statistics.median(one[name] for one in seen[kind]) for kind in (False, True))
        print(f"{name:<16}{without:>12,.1f}{having:>12,.1f}")


def loaded(browser: Any, address: str, with_script: bool, slower: float) -> dict[str, float]:
    """The figures of one load of the demonstration."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    if not with_script:
        page.route("**/demo", lambda route: without_script(route))
    page.goto(f"{address}/demo", wait_until="load")
    page.wait_for_timeout(400)
    found: dict[str, float] = page.evaluate(READ)
    context.close()
    return found


def without_script(route: Any) -> None:
    answer = route.fetch()
    lines = [line for line in answer.text().split("\n") if "widget.js" not in line or "<code>" in line]
    route.fulfill(response=answer, body="\n".join(lines))


if __name__ == "__main__":
    main()
