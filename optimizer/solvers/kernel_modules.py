"""Modules of the solvers with kernels, by what they are compiled for."""

SEARCH = (
    "optimizer.solvers.overlay.contraction",
    "optimizer.solvers.overlay.searching",
    "optimizer.solvers.branch_and_cut.paths.path_pool",
    "optimizer.solvers.branch_and_cut.paths.detours",
    "optimizer.solvers.branch_and_cut.cuts.separation",
    "optimizer.solvers.branch_and_cut.cuts.lifting",
    "optimizer.solvers.branch_and_cut.cuts.relaxed_stars",
    "optimizer.solvers.branch_and_cut.cuts.bound_tightening",
    "optimizer.solvers.branch_and_cut.tree.path_set_branching",
)
"""Modules with the kernels of branch and cut, and of all that looks for paths."""
TOURS = ("optimizer.solvers.patrols.tours.label_search", "optimizer.solvers.patrols.tours.pricing")
"""Modules with the kernels of patrols."""
MIXED = ("optimizer.solvers.mixed.evader",)
"""Modules with the kernels of mixtures."""
