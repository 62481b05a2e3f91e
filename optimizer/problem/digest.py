"""A digest of what an instance says, whatever file it lies in: the key of stored results."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.version import package_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike

    from optimizer.problem.instance import Instance
    from optimizer.problem.teams import PatrolField


def content_digest(instance: Instance) -> str:
    """Return the SHA-256 of an instance's network, evaders, options, resources, exclusions and requirements, and of what its teams can do.

    Names of the instance and labels, coordinates and kinds, which change no value, do not count.
    """
    digest = hashlib.sha256()
    for array in (instance.tail, instance.head):
        digest.update(_bytes(array, np.int64))
    digest.update(_bytes(instance.reliability, np.float64))
    digest.update(_text(instance.node_id.tolist()))
    for evader in instance.evaders:
        routes = [[list(map(int, route.arcs)), float(route.share)] for route in evader.routes]
        digest.update(_text([evader.id, int(evader.origin), int(evader.destination), float(evader.weight), routes]))
    for option in instance.options:
        digest.update(_text([option.id, list(map(int, option.arcs)), list(map(float, option.survival))]))
        digest.update(_text([_amounts(option.uses), option.site, option.forced, option.forbidden]))
    digest.update(_text([[resource.id, float(resource.budget)] for resource in instance.resources]))
    digest.update(_text([list(map(int, group)) for group in instance.exclusions]))
    for each in instance.requirements:
        digest.update(_text([list(map(int, each.options)), list(map(float, each.coefficients)), float(each.least)]))
    for part in () if instance.patrols is None else _of_field(instance.patrols):
        digest.update(part)
    return digest.hexdigest()


def series_digest(instance: Instance, *terms: object) -> str:
    """Return the digest of an instance with what a series of solves asks of it, as JSON can hold it, and of this package's version."""
    return hashlib.sha256(_text([package_version(), content_digest(instance), *terms])).hexdigest()


def _of_field(field: PatrolField) -> Iterable[bytes]:
    for patrol in field.patrols:
        team = patrol.team
        yield _text([team.id, team.number, team.shift_s, team.slot_s, team.most_slots, _amounts(team.uses)])
        yield from (_bytes(table, np.float64) for table in (patrol.travel_s, patrol.dwell, patrol.drives.data))
        yield from (_bytes(table, np.int64) for table in (patrol.drives.indices, patrol.drives.indptr))
    elements = field.elements
    yield from (_bytes(table, np.int64) for table in (elements.element, elements.arc))
    yield from (_bytes(table, np.float64) for table in (elements.survival, elements.times))


def _amounts(uses: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted((name, float(amount)) for name, amount in uses.items())


def _bytes(values: ArrayLike, kind: type[np.generic]) -> bytes:
    return np.ascontiguousarray(values, dtype=kind).tobytes()


def _text(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
