"""What people write for an option: its id, its site, SITE:KIND, or the name that reports and tables print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.errors import Problem
from optimizer.base.text.formatting import plain
from optimizer.base.text.messages import shortened
from optimizer.base.text.names import unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimizer.base.errors import ProblemList
    from optimizer.problem.instance.options import Option


def named_options(options: Sequence[Option], name: str, where: str, problems: ProblemList) -> list[int]:
    """Return the positions of the options that a name means; a name that means none, or several sites, is a fault.

    Ids come first. A label means an option where it is that option's, and the kinds of a site where it is the site's; letter case and blanks do
    not count.

    Parameters
    ----------
    options
        Those that may be meant.
    name
        An id of an option, a site, SITE:KIND, a label, or `LABEL [ID]` as tables print it.
    where
        What to call the place of the name in a fault.
    problems
        To note a fault in.
    """
    found = _by_id(options, name) or _by_id(options, _printed_id(name)) or _by_label(options, name)
    sites = dict.fromkeys(options[j].site or options[j].id for j in found)
    if len(sites) > 1:
        told, expected = f"{name!r}, as {len(sites)} sites are called", f"the id of one: {shortened(list(sites))}"
        problems.append(Problem(where, told, expected))
        return []
    if not found:
        ids = dict.fromkeys(each for option in options for each in (option.site, option.id) if each)
        labels = dict.fromkeys(plain(option.label) for option in options if option.label)
        problems.append(unknown_name(where, name, list(ids | labels)))
    return found


def printed_name(option: Option) -> str:
    """Return what tables print for an option, and `named_options` reads: its label with its id beside, or the id alone."""
    return option.id if option.label in {"", option.id} else f"{plain(option.label)} [{option.id}]"


def site_names(options: Iterable[Option]) -> dict[str, str]:
    """Return what people call each site, by id: the label of its option, without the kind where several are offered there."""
    labels: dict[str, list[str]] = {}
    for option in options:
        labels.setdefault(option.site or option.id, []).append(plain(option.label) or option.id)
    return {
        site: names[0] if len(names) == 1 else names[0].rpartition(" (")[0] or names[0]
        for site, names in labels.items()
    }


def _by_id(options: Sequence[Option], name: str) -> list[int]:
    return [j for j, option in enumerate(options) if name and name in _ids(option)]


def _ids(option: Option) -> set[str]:
    kinds = {f"{option.site}:{kind}" for kind in (option.type, option.kind) if option.site and kind}
    return {option.id, *kinds} | ({option.site} if option.site else set())


def _printed_id(name: str) -> str:
    label, bracket, rest = name.rstrip().rpartition("[")
    return rest[:-1] if label and bracket and rest.endswith("]") else ""


def _by_label(options: Sequence[Option], name: str) -> list[int]:
    """Return the options of a label, else those of the sites of a label: an option's is its site's, then its kind in brackets."""
    wanted = _key(name)
    whole = [j for j, option in enumerate(options) if wanted and _key(option.label) == wanted]
    return whole or [
        j
        for j, option in enumerate(options)
        if wanted and option.site and option.label.endswith(")") and _key(option.label.rpartition(" (")[0]) == wanted
    ]


def _key(text: str) -> str:
    return plain(text).casefold()
