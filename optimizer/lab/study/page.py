"""The page of the study, made from the rows alone and from the other sections that lie beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import read_text, written_whole
from optimizer.lab.study.estimators import ESTIMATORS, OURS, RAW
from optimizer.lab.study.goals import FINDS, GOALS, WORLD_WORDS
from optimizer.lab.study.loop_section import loop_section
from optimizer.lab.study.markdown import DASH, grid, listed, shown_name, value_alone, with_interval
from optimizer.lab.study.measures import ACTIVE, LATER, MONTHS
from optimizer.lab.study.pictures import save_pictures
from optimizer.lab.study.rows import LOOPS, MAPS, LoopRow, MapRow, read_rows
from optimizer.lab.study.summary import (
    Figure,
    Sample,
    audit_share,
    cover90,
    lost,
    mean_of,
    median_of,
    rel5,
    samples,
    share,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from optimizer.lab.study.goals import Samples

FRAGMENTS = ("backtest.md", "alerts.md", "exploration.md", "model.md")
"""Sections of others, in this order, where they lie beside the rows."""
EFFORT_WORDS = {
    "uniform": "even",
    "static": "habit",
    "feedback": "chasing finds",
    "tips": "chasing, with tips",
    "exploring": "chasing, a fifth explored",
}
RULES = (
    (
        "- The simulator (`optimizer.risk.simulation`) was **frozen on 24 November 2026, before the study was run**: its settings and the "
        "draws that a seed makes. Truths of the study come from streams that nothing was calibrated on. One truth is shared by all "
        "estimators, ways of searching and numbers of finds."
    ),
    (
        f"- A record is {MONTHS} months long, with about so many finds as stated. rel5: true rate in the 5 % of road length that the median "
        "ranks highest, over that of the true ranking; ties by lot. Coverage: of active segments, those with more than "
        f"{ACTIVE:g} of the mean rate. Share: of the truth's own gain in log score over one rate for all, in {LATER} later months given "
        f"their effort. Audit: the same share in {LATER} months searched evenly."
    ),
    (
        "- Means over truths (medians for shares), with 90 % bootstrap intervals over truths in brackets. Estimators are compared on the "
        "same truths."
    ),
)


def write_page(folder: Path) -> tuple[Path, list[Path]]:
    """Write the page and its pictures beside the folder of rows: `X.md` and `X-*.png` for a folder `X`.

    Raises
    ------
    InputError
        If the folder has neither rows nor sections.
    """
    maps, loops = read_rows(folder / MAPS, MapRow), read_rows(folder / LOOPS, LoopRow)
    sections = [folder / name for name in FRAGMENTS if (folder / name).is_file()]
    if not (maps or loops or sections):
        raise InputError(Problem(str(folder), "no rows", "rows of the study", "Run it first, without --table"))
    known = samples(maps)
    pictures = save_pictures(folder, known)
    others = [read_text(path, "a section of the page").strip() for path in sections]
    text = page_text(maps, loops, {path.stem.removeprefix(f"{folder.name}-"): path.name for path in pictures}, others)
    page = folder.with_name(f"{folder.name}.md")
    with written_whole(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return page, pictures


def page_text(
    maps: Sequence[MapRow], loops: Sequence[LoopRow], pictures: Mapping[str, str], others: Sequence[str]
) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    maps, loops
        The rows.
    pictures
        Name of each picture that there is -> its file.
    others
        Sections that others made.
    """
    known = samples(maps)
    regions = list(dict.fromkeys(row.region for row in maps))
    sections = ["# Risk models, judged", _rules(maps, loops)]
    if known:
        sections += [
            "## Goals",
            _goals(known, regions),
            _goal_words(known),
            "## By world",
            _picture(pictures, "rel5", "rel5 of each estimator in each world, with intervals"),
            *_by_world(known),
            "## By way of searching",
            _picture(pictures, "loss", "rel5 of each estimator under even search and under chasing"),
            *_by_effort(known),
            "## By number of finds",
            *_by_finds(known),
            "## Intervals",
            _picture(pictures, "calibration", "How often intervals hold the truth beside how often they promise to"),
            *_intervals(known),
            "## Region by region",
            _by_region(known, regions),
        ]
    if loops:
        sections += ["## The closed loop", *loop_section(loops)]
    return "\n\n".join([*(section for section in sections if section), *others]) + "\n"


def _rules(maps: Sequence[MapRow], loops: Sequence[LoopRow]) -> str:
    made = "Made by `python cli.py risk study --table` from the raw rows of `python cli.py risk study`; not written by hand."
    rows = [*maps, *loops]
    if not rows:
        return made
    dates = sorted(row.date[:10] for row in rows)
    span = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
    sizes = ", ".join(f"{name.capitalize()} ({size:,} segments)" for name, size in _sizes(maps).items())
    roads = sizes or listed(row.region for row in rows)
    source = f"source {listed(row.code for row in rows)}, settings {listed(row.settings for row in rows)}"
    lines = [
        f"- Roads: {roads}. Machine: {listed(row.cpu for row in rows)}, one core a fit. {span}.",
        (
            f"- This package {listed(row.version for row in rows)}, Python {listed(row.python for row in rows)}; {source}. "
            f"{len(maps)} rows of maps, {len(loops)} of closed loops."
        ),
        *RULES,
    ]
    if len({row.code for row in rows}) > 1 or len({row.settings for row in rows}) > 1:
        lines.append("- **The rows come from more than one source or setting: figures mix them.**")
    return "\n".join([made, "", *lines])


def _sizes(maps: Sequence[MapRow]) -> dict[str, int]:
    return {row.region: row.segments for row in maps}


def _goals(known: Samples, regions: Sequence[str]) -> str:
    head = [
        "figure",
        "goal",
        "all truths",
        "",
        *([r.capitalize() for r in regions] if len(regions) > 1 else []),
        "the truth itself",
    ]
    body = []
    for goal in GOALS:
        found = goal.figure(known)
        parts = []
        if len(regions) > 1:
            for region in regions:
                mine = {name: part for name, sample in known.items() if len(part := sample.of_region(region))}
                parts.append(with_interval(goal.figure(mine)))
        verdict = goal.verdict(found)
        mark = f"**{verdict}**" if verdict.startswith("missed") else verdict
        reach = goal.reach(known) if goal.reach is not None else None
        body.append([goal.words, goal.bound, with_interval(found), mark, *parts, value_alone(reach)])
    return grid(head, body)


def _goal_words(known: Samples) -> str:
    words = (
        f'Effort chases finds, about {FINDS} finds. Kernel density counts with the better of its reaches. "The truth itself" is what the true '
        'ranking makes of the same ratio: nothing can do better. "Within chance": the interval reaches across the goal.'
    )
    lines = [words]
    even, chased = known.get(("mixed", "uniform", FINDS)), known.get(("mixed", "feedback", FINDS))
    if even is not None and chased is not None:
        lines.append(
            f"Raw counts lose {with_interval(lost(even, chased, RAW))} of rel5 from uniform to feedback effort in the mixed world."
        )
    truths = sorted(
        {len(sample) for (_, effort, finds), sample in known.items() if (effort, finds) == ("feedback", FINDS)}
    )
    if truths:
        lines.append(
            f"Truths behind each figure: {' to '.join(str(n) for n in dict.fromkeys((truths[0], truths[-1])))} a world."
        )
    return " ".join(lines)


def _by_world(known: Samples) -> list[str]:
    here = {world: known[world, "feedback", FINDS] for world in WORLD_WORDS if (world, "feedback", FINDS) in known}
    if not here:
        return []
    shares = [
        _table(ESTIMATORS, here, lambda sample, name: median_of(sample.values(name, share))),
        _table(ESTIMATORS, here, lambda sample, name: median_of(sample.values(name, audit_share))),
    ]
    return [
        f"rel5, finds chased, about {FINDS} finds, both regions:",
        _table(ESTIMATORS, here, lambda sample, name: mean_of(sample.values(name, rel5))),
        "Share of the truth's own log-score gain in later months, median; below 0 a map says less than one rate for all:",
        shares[0],
        "The same in months searched evenly (the uniform audit):",
        shares[1],
    ]


def _by_effort(known: Samples) -> list[str]:
    found = []
    for world in WORLD_WORDS:
        here = {effort: known[world, effort, FINDS] for effort in EFFORT_WORDS if (world, effort, FINDS) in known}
        if len(here) > 1:
            found += [
                f"rel5, {WORLD_WORDS[world]}, about {FINDS} finds:",
                _table(ESTIMATORS, here, lambda sample, name: mean_of(sample.values(name, rel5)), EFFORT_WORDS),
            ]
    return found


def _by_finds(known: Samples) -> list[str]:
    found = []
    for world in WORLD_WORDS:
        counts = sorted({finds for w, effort, finds in known if (w, effort) == (world, "feedback")})
        here = {str(finds): known[world, "feedback", finds] for finds in counts}
        if len(here) > 1:
            found += [
                f"rel5, {WORLD_WORDS[world]}, finds chased:",
                _table(
                    ESTIMATORS,
                    here,
                    lambda sample, name: mean_of(sample.values(name, rel5)),
                    {n: f"{n} finds" for n in here},
                ),
            ]
    return found or ["Not run yet."]


def _intervals(known: Samples) -> list[str]:
    here = {world: known[world, "feedback", FINDS] for world in WORLD_WORDS if (world, "feedback", FINDS) in known}
    found = [
        "Coverage of 90 % intervals, finds chased:",
        _table(ESTIMATORS, here, lambda sample, name: mean_of(sample.values(name, cover90))),
    ]
    ways = {
        effort: {world: known[world, effort, FINDS] for world in WORLD_WORDS if (world, effort, FINDS) in known}
        for effort in EFFORT_WORDS
    }
    rows = [
        [
            words,
            *(
                with_interval(mean_of(samples_[world].values(OURS, cover90)) if world in samples_ else None)
                for world in WORLD_WORDS
            ),
        ]
        for effort, words in EFFORT_WORDS.items()
        if (samples_ := ways[effort])
    ]
    return [*found, f"Of `{OURS}`, by way of searching:", grid(["", *WORLD_WORDS.values()], rows)] if here else []


def _by_region(known: Samples, regions: Sequence[str]) -> str:
    head = ["", "", *WORLD_WORDS.values()]
    measures: list[tuple[str, Callable[[Sample], Figure | None]]] = [
        ("rel5", lambda sample: mean_of(sample.values(OURS, rel5))),
        ("share, median", lambda sample: median_of(sample.values(OURS, share))),
        ("audit share, median", lambda sample: median_of(sample.values(OURS, audit_share))),
        ("coverage", lambda sample: mean_of(sample.values(OURS, cover90))),
        ("belief in flows", lambda sample: mean_of(sample.values(OURS, lambda row: row.flows_believed))),
        ("finds", lambda sample: mean_of(sample.values(OURS, lambda row: float(row.found)))),
        ("segments searched", lambda sample: mean_of(sample.values(OURS, lambda row: row.searched))),
        ("seconds", lambda sample: median_of(sample.values(OURS, lambda row: row.seconds))),
    ]
    body = []
    for region in regions:
        here = {
            world: known[world, "feedback", FINDS].of_region(region)
            for world in WORLD_WORDS
            if (world, "feedback", FINDS) in known
        }
        body += [
            [
                region.capitalize(),
                words,
                *(value_alone(of(here[world])) if world in here else DASH for world in WORLD_WORDS),
            ]
            for words, of in measures
        ]
    return f"`{OURS}`, finds chased, about {FINDS} finds:\n\n" + grid(head, body)


def _table(
    names: Iterable[str],
    here: Mapping[str, Sample],
    of: Callable[[Sample, str], Figure | None],
    words: Mapping[str, str] = WORLD_WORDS,
) -> str:
    body = [[shown_name(name), *(with_interval(of(sample, name)) for sample in here.values())] for name in names]
    return grid(["", *(words[name] for name in here)], body)


def _picture(pictures: Mapping[str, str], name: str, words: str) -> str:
    return f"![{words}]({pictures[name]})" if name in pictures else ""
