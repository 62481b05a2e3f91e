"""The child process of `backend`: solve the model in a folder, print the log as it comes, leave the result there."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
from ortools.math_opt import model_pb2, parameters_pb2
from ortools.math_opt.python import mathopt

from optimizer.solvers.mip.backend import OUT_OF_WORK, flush_c_output, run_mathopt

FLUSH_SECONDS = 0.5


def main(folder: Path, work_limit: float | None = None) -> None:
    """Solve `model.bin` under `parameters.bin` from `start.npy`; write `result.bin`, or end after so many processor seconds."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    threading.Thread(target=_keep_flushing, args=(work_limit,), daemon=True).start()
    proto = model_pb2.ModelProto.FromString((folder / "model.bin").read_bytes())
    message = parameters_pb2.SolveParametersProto.FromString((folder / "parameters.bin").read_bytes())
    parameters = mathopt.SolveParameters(
        relative_gap_tolerance=message.relative_gap_tolerance,
        absolute_gap_tolerance=message.absolute_gap_tolerance,
        random_seed=message.random_seed,
        time_limit=message.time_limit.ToTimedelta() if message.HasField("time_limit") else None,
        highs=message.highs,
    )
    hint: dict[int, float] = {}
    if (folder / "start.npy").exists():
        start = np.load(folder / "start.npy", allow_pickle=False)
        hint = {int(j): float(start[j]) for j in np.flatnonzero(~np.isnan(start))}
    result = run_mathopt(proto, parameters, hint, lambda lines: print(*lines, sep="\n", flush=True))
    partial = folder / "result.part"
    partial.write_bytes(result.to_proto().SerializeToString())
    partial.replace(folder / "result.bin")


def end_with_parent() -> None:
    """End this process when the parent's end of standard input closes; read below Python's buffer, whose lock would hold up a normal end."""
    while os.read(0, 1024):
        pass
    os._exit(1)


def _keep_flushing(work_limit: float | None) -> None:
    """Put what HiGHS has written of its improving solutions on disk twice a second: a killed process flushes nothing.

    A process that has used its processor seconds ends here: HiGHS knows of the clock of the machine alone.
    """
    while not threading.Event().wait(FLUSH_SECONDS):
        flush_c_output()
        if work_limit is not None and time.process_time() >= work_limit:
            os._exit(OUT_OF_WORK)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else None)
