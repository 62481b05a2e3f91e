"""A child process of the benchmark that solves nothing: it does what its method is
called, and starts at once.
"""

from __future__ import annotations

import json
import sys
import time

order = json.loads(sys.argv[1])
sys.stdout.write(json.dumps({"nodes": 4}) + "\n" + json.dumps({"lower": 0.25, "upper": 0.5}) + "\n")
sys.stdout.flush()
if order["method"] == "sleep":
    time.sleep(600)  # until it is killed
elif order["method"] == "crash":
    raise ValueError("what went wrong")
elif order["method"] == "half":
    sys.stdout.write('{"status": "opt')
else:
    sys.stdout.write(
        "not for you\n"
        + json.dumps({"status": "optimal", "lower": 0.5, "upper": 0.5, "seconds": 1})
        + "\n"
    )
