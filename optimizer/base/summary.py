"""How an object looks where a person prints it: one line, a summary, a table in a
notebook.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Facts = list[tuple[str, str]]
"""What a summary says of an object: names and values, the most important first."""


class Summarised:
    """Parent of classes that people print. A child says its `_facts`."""

    __slots__ = ()

    def _facts(self) -> Facts:
        raise NotImplementedError

    def __repr__(self) -> str:
        """Return one line."""
        facts = ", ".join(f"{name} {value}" for name, value in self._facts())
        return f"<{type(self).__name__}: {facts}>"

    def summary(self) -> str:
        """Return the facts of one line, as lines."""
        facts = self._facts()
        width = max((len(name) for name, _ in facts), default=0)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in facts)

    def _repr_html_(self) -> str:
        """Return the facts as a table, for a notebook."""
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in self._facts()
        )
        return f"<table><caption>{type(self).__name__}</caption><tbody>{rows}</tbody></table>"


def first_names(names: Sequence[str], most: int = 6) -> str:
    """Return the first names of a list, with how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown or "none"
