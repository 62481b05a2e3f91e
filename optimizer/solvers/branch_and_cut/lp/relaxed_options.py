"""Floors of nodes where some options are relaxed (`master`): each with what the relaxed
options may take off it.

A floor a_u of a commodity over a node rests on *witnesses*: paths of which every plan
of the node leaves one a value of at least a_u, but for relaxed options. These multiply
that value by prod s_Pe^y_e >= 1 - sum_e (1 - s_Pe) y_e, so with them

    f_u(x, y) >= a_u - sum_e d_ue y_e,    d_ue = a_u max over witnesses P of (1 - s_Pe).

Of the product itself the tangent at a solution is taken (`tangent_losses`), which is 1
- sum_e (1 - s_Pe) y_e where nothing is present, and the witness is the path that is
worth most there (`witnessed_at`). Such a floor is no bound of theta_u but a row
(`with_losses`), which holds below the node as well, so that no child has a lower bound
than its node. A higher floor, with its losses, takes the place of a lower one. Floors
under the budgets (`bound_tightening`) and of open path sets would have so many
witnesses that they lose what they gain: with relaxed options neither are made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.solvers.branch_and_cut.cuts.relaxed_stars import StarTerms, Witnesses, relaxed_stars
from optimizer.solvers.branch_and_cut.cuts.separation import Cuts, Kinds, best_cuts, route_kinds

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.lp.master import Master
    from optimizer.solvers.branch_and_cut.paths.path_pool import Paths
    from optimizer.solvers.branch_and_cut.tree.node import Node

FLOOR_ROUNDING = 1e-12
"""Relative allowance for rounding in the values of paths."""


def losses(
    witnesses: Paths, floor: NDArray[np.float64], relaxed_options: NDArray[np.bool_]
) -> csr_array:
    """Return the (commodities, options) losses of (commodities,) floors by their witnesses."""
    path, place = np.nonzero(
        np.append(relaxed_options, False)[witnesses.option] & (witnesses.survival < 1)
    )
    commodity = witnesses.commodity[path]
    share, key = (
        1 - witnesses.survival[path, place],
        commodity * relaxed_options.size + witnesses.option[path, place],
    )
    order = np.lexsort((-share, key))
    key, first = np.unique(key[order], return_index=True)
    row, option = key // relaxed_options.size, key % relaxed_options.size
    return csr_array(
        (floor[row] * share[order][first], (row, option)), shape=(floor.size, relaxed_options.size)
    )


def root_with_losses(node: Node, master: Master) -> Node:
    """Return a node of a program with relaxed options with losses, and floors from the
    paths that are known; another one as it is.
    """
    if not master.relaxed_options.any():
        return node
    return prepared(
        replace(node, loss=csr_array((node.floor.size, master.relaxed_options.size))), master
    )


def prepared(node: Node, master: Master) -> Node:
    """Return a node with the values of all that it allows placed as floors; with
    relaxed options those of pooled paths, one witness each.
    """
    if not node.beside_relaxed:
        floor = np.minimum(
            master.values(master.overlay.free & ~node.zeros), master.commodities.start
        )
        floor = np.maximum(node.floor, floor)
        return replace(node, floor=floor).proven(master.commodities.value(floor))
    witnessed = witnessed_at(node, master, np.zeros(master.relaxed_options.size))
    return node.with_floor(witnessed.floor, witnessed.loss)


@dataclass(frozen=True)
class Witnessed:
    """Floors of a node by one witness each."""

    #: `floor`, `loss`: (commodities,) floors and their (commodities, options) losses.
    floor: NDArray[np.float64]
    loss: csr_array
    #: `of_pool`, `of_routes`: The witnesses in the pool of paths, and among the fixed
    #: routes.
    of_pool: Witnesses
    of_routes: Witnesses


def witnessed_at(
    node: Node, master: Master, point: NDArray[np.float64], among: NDArray[np.int64] | None = None
) -> Witnessed:
    """Return the floors of a node by the paths that are worth most with all it allows
    placed and the relaxed options as at a point.

    Where teams watch the best path of an evader, the next one is what the evader has
    left. `among` are the positions in the pool of the paths that are looked at, by
    default all.
    """
    allowed = np.append(~node.zeros & ~master.relaxed_options, False)
    present = np.append(np.where(master.relaxed_options, point, 0.0), 0.0)
    found, parts = [], []
    for paths, those in ((master.pool.paths, among), (master.commodities.fixed_routes, None)):
        best = paths.best_under(allowed, present, those)
        parts.append(paths.take(best))
        position, floor = np.full(node.floor.size, -1), np.zeros_like(node.floor)
        position[parts[-1].commodity] = best
        floor[parts[-1].commodity] = parts[-1].values(allowed) * (1 - FLOOR_ROUNDING)
        found.append(Witnesses(position, floor))
    floor = found[0].floor + found[1].floor  # a commodity has paths of one kind
    loss = losses(parts[0].joined(parts[1], master.pool.filling), floor, master.relaxed_options)
    return Witnessed(floor, loss, *found)


@dataclass(frozen=True)
class RowsBeside:
    """Rows that hold for every plan of a node, whatever the relaxed options, and the
    (paths,) mask of the paths of the pool in stars.
    """

    cuts: Cuts
    used: NDArray[np.bool_]


def rows_beside(
    node: Node, master: Master, point: NDArray[np.float64], among: NDArray[np.int64] | None = None
) -> RowsBeside:
    """Return rows of a node with losses that touch at an (options,) point, from all
    paths of the pool or those at some positions.

    Stars beside relaxed options (`cuts.relaxed_stars`); chords, tangents and floors
    with losses, which are the stronger where no relaxed option is near.
    """
    pool = master.pool.paths
    routes = master.commodities.fixed_routes
    bases = np.array(master.bases(point))
    witnessed = witnessed_at(node, master, point, among)
    near = replace(node, floor=witnessed.floor, loss=witnessed.loss)
    terms = StarTerms(master.relaxed_options, master.commodities.start, master.largest_shares)
    informed = Kinds(np.zeros(len(bases), dtype=bool), np.asarray(bases.any(axis=1)), tangents=True)
    cuts = [
        best_cuts(pool, point, bases, informed, near.floor, among),
        best_cuts(routes, point, bases, route_kinds(len(bases)), near.floor),
    ]
    # other T would cost time and gain next to nothing: x near 1 is placed, and few
    # options are near .6 on a path
    stars = relaxed_stars(pool, witnessed.of_pool, point, bases[1:2], terms, among)
    of_routes = relaxed_stars(routes, witnessed.of_routes, point, bases[2:], terms)
    with_loss = with_losses(Cuts.join(cuts), near, terms, point)
    return RowsBeside(Cuts.join([with_loss, stars.cuts, of_routes.cuts]), stars.used)


ENTRY_ROUNDING = 1e-9
"""Relative allowance for rounding in entries."""

LOSS_ROUNDING = 1e-12
"""Relative allowance for rounding in the tangents of losses."""

DEEPEST = 700.0
"""Largest depth at which a tangent touches: exp(-DEEPEST) is above 0 in floating point,
and a tangent at any depth holds.
"""


class LargestShares:
    """The largest share that each option takes from any path of a pool, or any fixed
    route.

    Parameters
    ----------
    fixed_routes
        The fixed routes.
    options
        Number of options; the one after the last pads rows.
    """

    def __init__(self, fixed_routes: Paths, options: int) -> None:
        self._share, self._known = np.zeros(options + 1), 0
        np.maximum.at(self._share, fixed_routes.option.ravel(), 1 - fixed_routes.survival.ravel())

    def of(self, paths: Paths) -> NDArray[np.float64]:
        """Return the (options + 1,) shares over the paths of a pool, which only grows."""
        new = slice(self._known, paths.value.size)
        np.maximum.at(self._share, paths.option[new].ravel(), 1 - paths.survival[new].ravel())
        self._known = paths.value.size
        return self._share


def stars_of_elements(
    master: Master, point: NDArray[np.float64], floor: NDArray[np.float64], bases: NDArray[np.bool_]
) -> list[Cuts]:
    """Return stars of a program whose elements are options: they touch at an (options,)
    point; no beats go below the floors.
    """
    terms = StarTerms(master.elements, master.commodities.start, master.largest_shares)
    floors = Witnesses(np.full(floor.size, -1), floor)
    return [
        relaxed_stars(master.pool.paths, floors, point, bases[1:2], terms).cuts,
        relaxed_stars(master.commodities.fixed_routes, floors, point, bases[2:], terms).cuts,
    ]


def with_losses(cuts: Cuts, node: Node, terms: StarTerms, point: NDArray[np.float64]) -> Cuts:
    """Return cuts of a node with losses as rows that hold for every plan of it,
    whatever the relaxed options, and its floors as such rows.

    A cut shows r <= max(f_u, a_u) <= f_u + the loss of u, so f_u is at least r with the
    entries of `tangent_losses` at the (options,) point added to its own, and their
    constant taken off its side. Of the relaxed ones none need be more than t_e R_u: an
    option takes a (options + 1,) share of at most t_e = max over paths of (1 - s_Pe)
    from a value of at most R_u, all paths together.
    """
    lost = tangent_losses(node, point)
    table = csr_array(cuts.coefficient + lost.entry[cuts.commodity]).tocoo()
    row = table.row.astype(np.int64)
    option = table.col.astype(np.int64)
    entry = table.data
    of_relaxed = terms.relaxed[option]
    most = (
        terms.most[cuts.commodity[row[of_relaxed]]]
        * terms.share[option[of_relaxed]]
        * (1 + ENTRY_ROUNDING)
    )
    entry[of_relaxed] = np.minimum(entry[of_relaxed], most)
    held = lost.entry.tocoo()
    floors = Cuts(
        np.arange(node.floor.size),
        node.floor - lost.constant,
        held.row.astype(np.int64),
        held.col.astype(np.int64),
        held.data,
        cuts.n_options,
    )
    side = cuts.side - lost.constant[cuts.commodity]
    return Cuts.join([Cuts(cuts.commodity, side, row, option, entry, cuts.n_options), floors])


@dataclass(frozen=True)
class TangentLosses:
    """What relaxed options take off floors at most: constant_u + sum_e entry_ue y_e."""

    #: (commodities,), >= 0.
    constant: NDArray[np.float64]
    #: (commodities, options), >= 0.
    entry: csr_array


def tangent_losses(node: Node, point: NDArray[np.float64]) -> TangentLosses:
    """Return the losses of a node as linear functions that touch a_u (1 - prod_e
    s_ue^y_e) at an (options,) point, or nearly so.

    With D_e = -ln s_e > 0 and d = D y0 over the options A that are present at the point
    y0, exp(-D y) >= exp(-d) (1 + d - D y). Each option that is not there takes at most
    D_e exp(-d), as one of A, or else (1 - s_e) off the product. No entry need be above
    a_u exp(-d) (1 + d): options come in whole numbers, and one with that entry takes
    the right-hand side to 0 or below.
    """
    assert node.loss is not None  # noqa: S101 - the caller has looked
    loss = node.loss.tocoo()
    floor, present = node.floor[loss.row], point[loss.col]
    share = np.minimum(loss.data / np.where(floor > 0, floor, 1.0), 1.0)
    with np.errstate(divide="ignore"):
        depth = -np.log1p(-share)
    touched = (present > 0) & (share < 1)
    total = np.bincount(loss.row[touched], depth[touched] * present[touched], node.floor.size)
    total = np.minimum(total, DEEPEST)
    left = np.exp(-total) * (1 - LOSS_ROUNDING)
    most = left * (1 + total)
    entry = np.minimum(depth * left[loss.row], most[loss.row])
    entry = np.where(touched, entry, np.minimum(entry, share)) * floor * (1 + ENTRY_ROUNDING)
    return TangentLosses(
        node.floor * (1 - most), csr_array((entry, (loss.row, loss.col)), shape=node.loss.shape)
    )
