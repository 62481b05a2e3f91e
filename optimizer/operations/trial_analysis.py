"""Results of trials: the outcomes that were counted, against the schedules that chance
could have drawn instead.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from optimizer.base.errors import FileProblems, InputError, Problem, ProblemList
from optimizer.base.files.readwrite import sha256
from optimizer.base.files.tables import WantedColumns, csv_header, read_csv
from optimizer.base.text.messages import counted_message, message
from optimizer.base.text.names import unknown_name
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.operations.trial import (
    CLASSES,
    COUNTED,
    FACT,
    FORM,
    FORM_COLUMNS,
    READ_COLUMNS,
    RESULT_FILES,
    RISES,
    TRIAL,
    TrialFile,
    bias_of_effort,
    number_of,
    read_trial,
    trial_key,
    trial_setting,
    what_lasts,
)
from optimizer.operations.trial_inference import (
    ALPHA,
    ArmEffect,
    TrialSetting,
    analysed_units,
    batches,
    doses,
    effects_of,
    exposures,
    hajek_weights,
    mean_without,
    without_means,
)
from optimizer.records.personal import refuse_personal
from optimizer.report.answer import Answer, AnswerTable, write_answer
from optimizer.risk.numerics.likelihood import clopper_pearson
from optimizer.roster.draws import read_secret
from optimizer.roster.model import safe_cell
from optimizer.sharing.ledger.store import Entry, LedgerFolder, read_entry, time_of
from optimizer.sharing.recording import append_entries, hashed

Floats = NDArray[np.float64]
Ints = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class TrialRow:
    """An effect."""

    #: What is counted.
    outcome: str
    #: What is compared.
    contrast: str
    #: `effect`, `low`, `high`: Change of the outcome, with a 90 % interval; of decoys
    #: the share that is found.
    effect: float
    low: float
    high: float
    #: Of no effect; of decoys that the stated chance holds.
    p: float
    #: Mean outcome of the comparison; of decoys the stated chance. NaN where not known.
    without: float
    #: Rows with an outcome.
    cells: int

    def line(self) -> dict[str, Any]:
        """Return the row of `--json`; ends that nothing bounds are null."""
        line: dict[str, Any] = {"outcome": self.outcome, "contrast": self.contrast}
        for name in ("effect", "low", "high", "p", "without"):
            value: float = getattr(self, name)
            line[name] = float(f"{value:.8g}") if np.isfinite(value) else None
        return line | {"cells": self.cells}


@dataclass(frozen=True)
class TrialResults:
    """The effects, and what the reader must know."""

    file: TrialFile
    rows: tuple[TrialRow, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Outcomes:
    """(units, periods) sums of finds, of what they are counted on (0 where nothing is
    known), and of the share delivered.
    """

    found: Floats
    amount: Floats
    delivered: Floats


def analyse_trial(
    trial: Path,
    outcomes: Sequence[Path],
    *,
    ledger: Path | None = None,
    seed_file: Path | None = None,
    listener: Listener = SILENT,
) -> TrialResults:
    """Analyse the outcomes of a trial as its design says.

    Parameters
    ----------
    trial
        Folder, or file, that `trial design` wrote.
    outcomes
        Filled forms.
    ledger
        Folder of the ledger that sealed the design; None if none did.
    seed_file
        Secret of the trial, to show that it is the one that its design names; not
        looked at if None.
    listener
        Told of the steps.

    Raises
    ------
    InputError
        With every fault of the forms; if the trial is not the one that was sealed, or
        was sealed after it began.
    """
    file = read_trial(trial)
    place = trial / TRIAL if trial.is_dir() else trial
    warnings = list(_sealing(file, place, ledger))
    if seed_file is not None:
        _check_secret(file, seed_file, trial)
    if file.outcome in RISES:
        warnings.append(bias_of_effort())
    if file.kind == "switch-back":
        warnings.append(what_lasts(file.washout))
    remarks: list[str] = []
    found = _read_outcomes(file, outcomes, remarks)
    warnings += remarks
    rows = []
    if file.kind == "decoys":
        rows = list(_decoy_rows(file, found))
    else:
        with step(listener, "drawing other schedules"):
            setting = trial_setting(file, file.redrawn)
        with step(listener, "testing"):
            rows = list(_effects(file, found, setting, warnings))
    return TrialResults(file, tuple(rows), tuple(warnings))


def _sealing(file: TrialFile, place: Path, ledger: Path | None) -> Iterator[str]:
    """Check that the ledger sealed this trial before it began; yield that nothing did
    where no ledger is named.
    """
    if ledger is None:
        yield message(
            "No ledger is named: nobody can tell that design and analysis stood before the first"
            " day. Seal the next trial with --ledger."
        )
        return
    hash_of = sha256(place)
    entries = [read_entry(line) for line in LedgerFolder.opened(ledger).lines()]
    times = [
        time_of(entry)
        for entry in entries
        if entry is not None
        and FACT in entry.facts
        and hash_of in {one.sha256 for one in entry.files}
    ]
    known = [time for time in times if time is not None]
    if not known:
        remedy = "Take the file that was sealed, from a copy"
        raise InputError(
            Problem(
                str(place),
                "a trial that the ledger does not hold",
                f"one sealed in {ledger}",
                remedy,
            )
        )
    if min(known).date() >= file.first:
        found = f"sealed on {min(known):%Y-%m-%d}"
        raise InputError(
            Problem(
                str(ledger),
                found,
                f"a day before {file.first}",
                "A trial that was seen is no trial",
            )
        )


def _check_secret(file: TrialFile, seed_file: Path, trial: Path) -> None:
    secret = read_secret(seed_file, trial if trial.is_dir() else trial.parent)
    if not hmac.compare_digest(trial_key(secret, file.kind, file.name, file.first), file.key):
        raise InputError(
            Problem(
                str(seed_file),
                "a secret that is not that of the trial",
                "the one it was drawn with",
            )
        )


def _read_outcomes(file: TrialFile, paths: Sequence[Path], remarks: list[str]) -> _Outcomes:
    """Return the outcomes of filled forms."""
    if not paths:
        raise InputError(Problem("outcomes", "no file", f"the filled {FORM} of the trial"))
    sums = _FormSums(file)
    problems = ProblemList()
    for path in paths:
        with problems.collected():
            table = _form(path, remarks)
            faults = problems.of_file(path)
            for k, line in enumerate(table.number):
                place, begin, shift, *texts = (
                    table.text.get(name, [""] * len(table))[k] for name in READ_COLUMNS
                )
                if not any(texts):
                    continue
                # The first rule that a row breaks is told: those below presume that the
                # ones above hold.
                if place not in sums.place_of:
                    where = f"{path}, line {line}, column 'place'"
                    problems.append(unknown_name(where, place, list(sums.place_of)))
                elif sums.takes(line, place, begin, shift, faults) and _counts_hold(
                    file, line, texts, faults
                ):
                    sums.add(place, begin, shift, [_count(text) for text in texts])
    problems.raise_if_any()
    missing = len(file.cells) - int(sums.rows.sum())
    if missing == len(file.cells):
        raise InputError(
            Problem(str(paths[0]), "no outcome", "rows with `found` and `of`", "Fill in the form")
        )
    if missing:
        remarks.append(
            message(
                "{missing} have no outcome and are left out: the effect holds if that does not"
                " depend on the arm.",
                missing=counted_message(
                    "{count} row of the form", "{count} rows of the form", missing
                ),
            )
        )
    return _Outcomes(sums.found, sums.amount, sums.delivered)


class _FormSums:
    """What the rows of filled forms come to, for each place and time of a trial."""

    def __init__(self, file: TrialFile) -> None:
        self.place_of = {safe_cell(unit.id): u for u, unit in enumerate(file.units)}
        self._time_of = {
            (p.begin.isoformat(), safe_cell(p.shift)): t for t, p in enumerate(file.periods)
        }
        self._wanted = np.zeros((len(file.units), len(file.periods)))  # rows of the form
        for cell in file.cells:
            self._wanted[cell.unit, cell.period] += 1
        self.found, self.amount, self.delivered, self.rows = (
            np.zeros_like(self._wanted) for _ in range(4)
        )

    def takes(self, line: int, place: str, begin: str, shift: str, faults: FileProblems) -> bool:
        """Return whether the form has a row for a place and time that was not read yet;
        else tell it.
        """
        u, t = self.place_of[place], self._time_of.get((begin, shift), -1)
        if t < 0 or not self._wanted[u, t]:
            one = f"{begin or 'no day'}{', ' + shift if shift else ''}"
            faults.add(
                line,
                f"{place} on {one}",
                "a row of this trial's form",
                "Take out what chance did not draw",
            )
            return False
        if self.rows[u, t] >= self._wanted[u, t]:
            faults.add(line, f"{place} on {begin} again", "each row of the form once")
            return False
        return True

    def add(self, place: str, begin: str, shift: str, counts: Sequence[float]) -> None:
        """Add a row: what was found, of how much, and the share delivered (NaN where it
        is not said).
        """
        cell = self.place_of[place], self._time_of[begin, shift]
        self.rows[cell] += 1
        self.found[cell] += counts[0]
        self.amount[cell] += counts[1]
        self.delivered[cell] = counts[2]


def _count(text: str) -> float:
    return number_of(text) if text else float("nan")


def _counts_hold(file: TrialFile, line: int, texts: Sequence[str], faults: FileProblems) -> bool:
    """Return whether what was found, of how much, and the share delivered can be; else
    tell the first rule that is broken.
    """
    number, of, given = map(_count, texts)
    decoys = file.kind == "decoys"
    if not (0 <= number < 1e9 and number == int(number)):
        faults.add(line, repr(texts[0]), "a count", column="found")
    elif not 0 < of < 1e12 and not (of == 0 == number):
        faults.add(
            line, repr(texts[1]), "the vehicles or hours of these finds, above 0", column="of"
        )
    elif decoys and of != int(of):
        faults.add(line, repr(texts[1]), "a count of runs", column="of")
    elif number > of and (decoys or file.outcome == "audited"):
        faults.add(
            line, f"{number:g} found of {of:g}", "no more than were inspected", column="found"
        )
    elif texts[2] and not 0 <= given <= 1:
        faults.add(
            line, repr(texts[2]), "the share that was delivered, from 0 to 1", column="delivered"
        )
    else:
        return True
    return False


def _form(path: Path, remarks: list[str]) -> Any:  # noqa: ANN401 - a table of texts
    columns = WantedColumns(
        ("place", "begin", "found", "of"),
        tuple(name for name in FORM_COLUMNS if name not in {"place", "begin", "found", "of"}),
        remedy=f"Take the {FORM} that `trial design` wrote",
        show_header=True,
        numeric=("found", "of", "delivered"),
    )
    told: list[str] = []
    header = csv_header(path, "outcomes of a trial", columns.spellings())
    refuse_personal(path, header, "counts, and nothing about people")
    table = read_csv(path, "outcomes of a trial", columns, typed_by_hand=True, remarks=told)
    remarks += [f"{path}: {remark}" for remark in told]
    return table


def _effects(
    file: TrialFile, found: _Outcomes, setting: TrialSetting, warnings: list[str]
) -> Iterator[TrialRow]:
    """Yield the effects by plan, and by what was delivered where that differs."""
    arms = np.array(file.arms, dtype=np.int8)
    if file.kind == "risk":
        found = _Outcomes(
            *(
                part.sum(axis=1, keepdims=True)
                for part in (found.found, found.amount, found.delivered)
            )
        )
        planned = np.stack([arms == k for k in (1, 2)]).astype(np.float64)
        exposed, redrawn = arms.ravel(), setting.schedules.reshape(len(setting.schedules), -1)
        names, given = [f"{name} against low index" for name in CLASSES[1:]], None
    else:
        planned = doses(arms.astype(np.float64), setting.neighbours, nearby=setting.nearby)
        exposed = exposures(arms, setting.neighbours, nearby=setting.nearby)
        redrawn = exposures(setting.schedules, setting.neighbours, nearby=setting.nearby)
        names = list(_contrasts(file, setting))
        given = _given(file, arms, found)
        undrawn = (
            0
            if given is None
            else int(((arms == 0) & (found.amount > 0) & (found.delivered > 0)).sum())
        )
        if undrawn:
            warnings.append(
                message(
                    "{rows} say in `delivered` that the arm stood where it was not drawn. Where"
                    " today's layout stood there, write 0.",
                    rows=counted_message("{count} row", "{count} rows", undrawn),
                )
            )
        if file.kind == "draws" and not setting.nearby and setting.neighbours.any():
            warnings.append(
                message(
                    "At most places a neighbour stands nearly always: what neighbours change cannot"
                    " be told apart, and is part of the effect."
                )
            )
    amount = found.amount
    outcome = np.divide(found.found, amount, out=np.zeros(amount.shape), where=amount > 0)
    own = hajek_weights(exposed[None], setting.chance, amount.ravel())[0]
    weights = list(batches(redrawn, setting.chance, amount.ravel()))
    cells = int((amount > 0).sum())

    def tested(values: Floats, dose: Floats) -> list[ArmEffect]:
        together = np.concatenate([values[None], dose])
        if file.kind != "risk":
            together = without_means(together, amount, periods=analysed_units(arms))
        flat = together.reshape(len(together), -1)
        effects = effects_of(own, weights, flat[0], flat[1:])
        if effects is None:
            expected = "outcomes with and without the arm, and some of it delivered"
            raise InputError(
                Problem(
                    FORM,
                    "outcomes that tell nothing of an arm",
                    expected,
                    "Fill in more of the form",
                )
            )
        return effects

    without = mean_without(exposed, setting.chance, amount.ravel(), outcome.ravel())
    by_plan = tested(outcome, planned)
    said = "finds for each hour of equal visits" if file.kind == "risk" else COUNTED[file.outcome]
    for name, one in zip(names, by_plan, strict=True):
        yield TrialRow(said, name, one.effect, one.low, one.high, one.p, without, cells)
    if given is not None:
        as_delivered = tested(outcome, doses(given, setting.neighbours, nearby=setting.nearby))
        for name, one in zip(names, as_delivered, strict=True):
            yield TrialRow(
                said, f"{name}, as delivered", one.effect, one.low, one.high, one.p, without, cells
            )
    warnings += _moved_effort(file, amount, planned, exposed, redrawn, setting.chance)


def _moved_effort(
    file: TrialFile, amount: Floats, planned: Floats, exposed: Ints, redrawn: Ints, chance: Floats
) -> Iterator[str]:
    """Yield that what was looked at differs between arms, where that matters and is
    beyond chance.
    """
    known = (amount > 0).astype(np.float64)
    effort = np.where(amount > 0, amount / max(amount.mean(), 1e-300), 0.0)
    if file.outcome == "flow" or np.ptp(effort[amount > 0]) <= 0:
        return
    own = hajek_weights(exposed[None], chance, known.ravel())[0]
    others = batches(redrawn, chance, known.ravel())
    moved = effects_of(own, others, effort.ravel(), planned.reshape(len(planned), -1))
    if moved is not None and min(one.p for one in moved) <= ALPHA:
        yield message(
            "The vehicles or hours looked at differ between arms (p = {p:.2g}): if more effort"
            " finds other loads for each of them, the effect is one of effort. Keep effort alike in"
            " all arms.",
            p=min(one.p for one in moved),
        )


def _contrasts(file: TrialFile, setting: TrialSetting) -> Iterator[str]:
    if file.kind == "draws":
        yield "a site here"
        if setting.nearby:
            yield "sites at all neighbours"
    else:
        yield "plan against today's layout"


def _given(file: TrialFile, arms: Ints, found: _Outcomes) -> Floats | None:
    """Return (units, periods) what was delivered of the arm; None where it is what was planned."""
    given = arms.astype(np.float64)
    for cell in file.changed:
        given[cell.unit, cell.period] = 1 - given[cell.unit, cell.period]
    said = np.isfinite(found.delivered) & (found.amount > 0)
    given = np.where(said, found.delivered, given)
    return None if np.array_equal(given, arms) else given


def _decoy_rows(file: TrialFile, found: _Outcomes) -> Iterator[TrialRow]:
    """Yield the share of decoys that was found, by kind of site."""
    groups: dict[str, list[int]] = defaultdict(list)
    for u, unit in enumerate(file.units):
        groups[unit.group].append(u)
    for name, units in groups.items():
        runs, hits = int(found.amount[units].sum()), int(found.found[units].sum())
        if not runs:
            continue
        weight = found.amount[units].sum(axis=1)
        stated = float(
            weight @ np.array([file.units[u].stated or 0.0 for u in units]) / weight.sum()
        )
        low, high = map(float, clopper_pearson(hits, runs, ALPHA))
        p = float(stats.binomtest(hits, runs, min(max(stated, 0.0), 1.0)).pvalue)
        yield TrialRow("share of decoys found", name, hits / runs, low, high, p, stated, runs)


def write_results(
    out: Path,
    results: TrialResults,
    trial: Path,
    outcomes: Sequence[Path],
    *,
    ledger: Path | None = None,
    overwrite: bool = False,
    listener: Listener = SILENT,
) -> None:
    """Write the effects as CSV and JSON, all or none, and record them with the outcomes
    in the ledger.

    Raises
    ------
    InputError
        If the folder or ledger cannot be written.
    """
    folder = RESULT_FILES.folder(out, trial, *outcomes, overwrite=overwrite)
    sealed = None if ledger is None else LedgerFolder.ready(ledger)
    lines = [row.line() for row in results.rows]
    content: dict[str, Any] = {
        "schema_version": 1,
        "kind": results.file.kind,
        "analysis": results.file.analysis,
        "level": 1 - ALPHA,
    }
    content |= {"warnings": [str(each) for each in results.warnings], "rows": lines}
    write_answer(
        folder,
        Answer(tables={"trial-results": AnswerTable(lines)}, content={"trial-results": content}),
    )
    if sealed is not None:
        files = hashed(out / "trial-results.json", *outcomes)
        append_entries(
            sealed, [Entry("file", f"results of the trial of {results.file.name}", files)], listener
        )
