"""Words that commands take and files name, each set once; here, so that `--help` need
not import what carries them out.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

LearningName: TypeAlias = Literal[
    "best-reply", "fictitious", "exp-weights", "logit", "narcologic", "spreading"
]
"""How simulated traffickers choose routes from what they know (`optimizer.lab.adaptive`)."""

Others: TypeAlias = Literal["absent", "today"]
"""What agencies outside a coalition have: nothing, or what stands today, which stays."""

PlaceKind: TypeAlias = Literal["segment", "neighbourhood", "crossing", "area", "every"]
"""What is tested for an alarm; `every` is segments, neighbourhoods, zones, crossings
and areas together.
"""

PeriodLength: TypeAlias = Literal["month", "quarter"]
"""How long a test period is; quarters begin in January, April, July and October."""

DrawEvery: TypeAlias = Literal["day", "shift"]
"""How often a plan is drawn from a mixture."""

EntryKind: TypeAlias = Literal["file", "records", "model", "plan", "override", "release", "joint"]
"""What a user may record in a ledger; other kinds are made by the ledger itself."""

TrialKind: TypeAlias = Literal["draws", "switch-back", "stepped", "risk", "decoys"]
"""How chance decides in a trial what stands where."""

TrialOutcome: TypeAlias = Literal["audited", "sentinel", "flow", "finds"]
"""What a trial counts."""

FormName: TypeAlias = Literal["omb", "atrs", "app"]
"""Whose form a dossier fills: the US inventory's, the UK standard's, UK policing's."""

Duplicates: TypeAlias = Literal["keep", "drop"]
"""What becomes of rows that equal an earlier one."""

Unfilled: TypeAlias = Literal["auto", "drop", "negative"]
"""What to do where the outcome of a search is empty.

`auto`: a force that fills it only for positive disposals found nothing where no further
action was taken; a force that fills it in partly or not at all is left out; elsewhere
an empty row is. `drop`: every force that does not fill it in is left out. `negative`:
empty means nothing was found, everywhere.
"""

Groups: TypeAlias = Literal["one", "each"]
"""People searched together: `one` search that found something if anything was found on
any of them, or `each` a search.
"""

WorldKind: TypeAlias = Literal["flows", "uninformed", "mixed", "local"]
"""A simulated truth: all flows; flows of which the prior table knows the places and not
the masses; 60 % flows and 40 % local; local alone.
"""

EffortKind: TypeAlias = Literal["uniform", "static", "feedback", "tips", "exploring"]
"""Where simulated searches are: alike per kilometre; where they always were; chasing
earlier seizures; that with seizures from tips that no effort explains; that with a
share of exploration.
"""
