"""`python -m tests.referees nuts|calibration --count N` adds rows to results/risk/;
`page` makes results/risk/referees.md of them.

`nuts --print` prints rows and keeps none. NumPyro is in the extra `test` where its
wheels exist.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "results" / "risk"
COUNTS = {"nuts": 4, "calibration": 600}
"""Truths that are judged by default."""


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.referees", description="Independent judges of the risk model."
    )
    parser.add_argument("what", choices=["nuts", "calibration", "page"])
    parser.add_argument(
        "--count", type=int, help="truths; by default 4 for nuts and 600 for calibration"
    )
    parser.add_argument(
        "--draws", type=int, default=1000, help="draws of a chain, after half as many to warm up"
    )
    parser.add_argument("--chains", type=int, default=2, help="chains of the sampler")
    parser.add_argument(
        "--candidate", action="append", help="field, or field + flow; both by default"
    )
    parser.add_argument("--print", action="store_true", help="print rows instead of keeping them")
    asked = parser.parse_args()
    if asked.what == "page":
        from tests.referees.page import write_page

        write_page(RESULTS)
        return 0
    seeds = range(COUNTS[asked.what] if asked.count is None else asked.count)
    if asked.what == "nuts":
        from tests.referees.nuts import CANDIDATES, run_nuts

        rows = run_nuts(
            seeds,
            names=asked.candidate or CANDIDATES,
            warmup=asked.draws // 2,
            draws=asked.draws,
            chains=asked.chains,
        )
    else:
        from tests.referees.calibration import run_calibration

        rows = run_calibration(seeds)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if asked.print:
        print(lines, end="")
    else:
        (RESULTS / f"{asked.what}.jsonl").write_text(lines, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
