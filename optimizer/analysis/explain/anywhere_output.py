"""What a post at any place would be worth, as it is written and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optimizer.analysis.explain.anywhere import PlaceAsked, PostThere
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.text.formatting import DASH, number, percent, plain
from optimizer.base.text.language import ENGLISH, term
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import translated
from optimizer.plans.plan_folder import OwnWords, made_of
from optimizer.report.answer import (
    Answer,
    AnswerFiles,
    AnswerTable,
    PageSection,
    ShortPage,
    write_answer,
)
from optimizer.report.content.report_table import Column, ReportTable

PLACE = AnswerFiles("explain --at", ("place.json", "place.csv", "place.html"))

NOTHING = 5e-5
"""Points, as a share of all loads, below which a post is said to bring nothing."""


def place_content(asked: PlaceAsked) -> dict[str, Any]:
    """Return what is known of a place, for JSON; values are those of the plan's problem."""
    return {
        "schema_version": 1,
        "plan": asked.known.name,
        "lon": asked.lon,
        "lat": asked.lat,
        "road": asked.road,
        "distance_m": round(asked.distance_m, 1),
        "listed": list(asked.listed),
        "value": asked.known.value,
        "lower": asked.known.lower,
        "posts": [_post_content(asked, post) for post in asked.posts],
        "notes": list(asked.notes),
    }


def _post_content(asked: PlaceAsked, post: PostThere) -> dict[str, Any]:
    swap = post.swap
    return {
        "kind": post.option.type,
        "label": post.option.label,
        "agency": post.option.agency,
        "uses": dict(post.option.uses),
        "opening": dict(post.option.change),
        "value": post.value,
        "adds": asked.known.value - post.value,
        "lacks": {resource.id: amount for resource, amount in post.lacks},
        "broken": list(post.broken),
        "replaces": None if swap is None else swap.goes.id,
        "value_in_its_place": None if swap is None else swap.value,
        "by_habit": post.by_habit,
        "evaders": [
            {
                "id": one.evader.id,
                "weight": one.evader.weight,
                "without": one.without,
                "with": one.with_it,
                "roads": list(one.roads),
            }
            for one in post.responses
        ],
    }


def write_place(
    folder: OutputFolder,
    asked: PlaceAsked,
    language: str = ENGLISH,
    own_words: OwnWords | None = None,
) -> None:
    """Write the files of a place, all or none; the page is in the language.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    content = place_content(asked)
    single = ("kind", "label", "agency", "value", "adds", "replaces", "value_in_its_place")
    rows = [
        {name: post[name] for name in single}
        | {"lacks": " ".join(post["lacks"]), "broken": " | ".join(post["broken"])}
        for post in content["posts"]
    ]
    answer = Answer(
        tables={"place": AnswerTable(rows, (*single, "lacks", "broken"))},
        content={"place": content},
        page={"place": lambda: place_page(asked, own_words)},
        made=lambda: made_of(folder.sources),
        translations=None if own_words is None else own_words.translations,
    )
    write_answer(folder, answer, language)


def place_page(asked: PlaceAsked, own_words: OwnWords | None = None) -> ShortPage:
    """Return the page of a place: what the best kind of post there would be worth, all
    kinds, and how evaders would answer.
    """
    best = asked.posts[0]
    where = _("{road}, {metres} m from the point").format(
        road=plain(asked.road), metres=number(round(asked.distance_m))
    )
    listed = (
        (_("The scenario lists a site there already: {sites}.").format(sites=_named(asked)),)
        if asked.listed
        else ()
    )
    return ShortPage(
        title=_("A post anywhere: {name}").format(name=Path(asked.known.name).name),
        headline=" ".join((_worth(asked, best), _room(asked, best))),
        warnings=(*listed, *(translated(note) for note in asked.notes)),
        sections=(
            PageSection(
                title=where,
                tables=(_kinds(asked),),
                sentences=(
                    *_lacks(best, own_words or OwnWords()),
                    *(translated(text) for text in best.broken),
                ),
            ),
            *_answers(asked, best),
        ),
    )


def _named(asked: PlaceAsked) -> str:
    return ", ".join(plain(term(name)) for name in asked.listed)


def _name(post: PostThere) -> str:
    return plain(term(post.option.label or post.option.id))


def _worth(asked: PlaceAsked, post: PostThere) -> str:
    """Say what a post adds beside the plan."""
    values = asked.text
    if asked.known.value - post.value <= NOTHING:
        said = _("{post} would change nothing: {value} gets through with it and without.")
        return said.format(post=_name(post), value=values.value(asked.known.value))
    said = _("{post} would let {points} less through: {value} in place of {before}.")
    return said.format(
        post=_name(post),
        points=values.points(values.less(asked.known.value, post.value)),
        value=values.value(post.value),
        before=values.value(asked.known.value),
    )


def _room(asked: PlaceAsked, post: PostThere) -> str:
    """Say whether the plan can have a post, and whose place it would take."""
    values, swap = asked.text, post.swap
    if post.fits:
        return _("The plan has room for it.")
    if swap is None:
        return _("The plan has no room for it, also in place of one of its sites.")
    goes = plain(term(swap.goes.label or swap.goes.id))
    apart = asked.known.value - swap.value
    if apart > 0:
        said = _("The plan has no room for it; in place of {site} {points} less would get through.")
        return said.format(
            site=goes, points=values.points(values.less(asked.known.value, swap.value))
        )
    said = _("The plan has no room for it; in place of {site} {points} more would get through.")
    return said.format(site=goes, points=values.points(values.less(swap.value, asked.known.value)))


def _lacks(post: PostThere, own_words: OwnWords) -> tuple[str, ...]:
    """Say which resources the plan has too little of for a post."""
    if not post.lacks:
        return ()
    missing = []
    for resource, amount in post.lacks:
        said = f"{number(amount, 3)} {plain(term(resource.unit or resource.name or resource.id))}"
        owner = plain(own_words.agency(resource.agency))
        missing.append(f"{said} ({owner})" if owner else said)
    return (_("For it the plan lacks {amounts}.").format(amounts=", ".join(missing)),)


def _kinds(asked: PlaceAsked) -> ReportTable:
    """Return a row a kind: what it adds, and what it is worth in place of a site."""
    values = asked.text
    columns = (
        Column(_("Post")),
        Column(_("Adds, points") if values.share else _("Adds"), numeric=True),
        Column(_("Room")),
        Column(_("In place of")),
        Column(_("Then adds, points") if values.share else _("Then adds"), numeric=True),
    )
    rows = []
    for post in asked.posts:
        swap = post.swap
        rows.append(
            (
                _name(post),
                values.difference(asked.known.value - post.value),
                _("yes") if post.fits else _("no"),
                DASH if swap is None else plain(term(swap.goes.label or swap.goes.id)),
                DASH if swap is None else values.difference(asked.known.value - swap.value),
            )
        )
    caption = _("What a post there adds beside the plan, and in place of the site it replaces best")
    return ReportTable("kinds", caption, columns, tuple(rows), file="place.csv")


def _answers(asked: PlaceAsked, post: PostThere) -> tuple[PageSection, ...]:
    """Return how evaders answer a post."""
    sentences = [] if post.responses else [_("No evader who knows the plan passes here.")]
    for one in post.responses:
        said = (
            _("{evader}: from {before} to {after}, by {roads}.")
            if one.roads
            else _("{evader}: from {before} to {after}, by the same roads.")
        )
        sentences.append(
            said.format(
                evader=plain(term(one.evader.label or one.evader.id)),
                before=percent(one.without),
                after=percent(one.with_it),
                roads=", ".join(map(plain, one.roads)),
            )
        )
    if post.by_habit:
        sentences.append(
            _("Those who travel by habit do not turn away: {points} of it come from them.").format(
                points=asked.text.points(post.by_habit)
            )
        )
    return (PageSection(title=_("Who goes round it"), sentences=tuple(sentences)),)
