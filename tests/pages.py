"""What is wrong with a page of ours at the widths of telephones, tablets, halves of a
window and desks: rules of accessibility, things that cover one another, a page wider
than its screen, errors in the console.

`AXE=FILE` names axe.min.js (npm package axe-core); without it no rules are checked.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.browser import Browser

SCREENS = {390: 844, 700: 900, 768: 1024, 820: 1180, 1024: 768, 1440: 900}
"""Heights of screens, by their widths: a telephone, half a window, tablets, desks."""

COLOURS = ("light", "dark")

AXE = Path(os.environ["AXE"]).read_text(encoding="utf-8") if os.environ.get("AXE") else ""

DRAWN = (
    "document.readyState === 'complete' && (typeof Bokeh === 'undefined' ||"
    " Bokeh.documents.every(each => each.is_idle))"
)
"""Whether a page has drawn everything, its Bokeh plots too."""

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

RULES = (
    "axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n =>"
    " n.html.slice(0, 150)).join(' | ')))"
)

OVERLAPS = r"""(() => {
  // Things that a reader looks at: lines of text, and boxes of pictures and controls. Text is
  // a little smaller than its line box, as lines of one paragraph may touch.
  const boxes = "img, svg, canvas, video, iframe, input, select, textarea, button, .bk-Figure";
  const things = [];
  const up = node => node.parentElement || (node.getRootNode().host ?? null);
  const inside = (node, outer) => {
    for (let each = node; each; each = up(each)) if (each === outer) return true;
    return false;
  };
  const cut = (rect, node) => {
    let [left, top, right, bottom] = [rect.left, rect.top, rect.right, rect.bottom];
    for (let each = node; each && each !== document.body; each = up(each)) {
      const style = getComputedStyle(each);
      if (style.overflowX === "visible" && style.clipPath === "none") continue;
      const box = each.getBoundingClientRect();
      [left, top] = [Math.max(left, box.left), Math.max(top, box.top)];
      [right, bottom] = [Math.min(right, box.right), Math.min(bottom, box.bottom)];
    }
    return [left, top, right, bottom];
  };
  const add = (node, rect, says) => {
    const [left, top, right, bottom] = cut(rect, node);
    if (right - left > 2 && bottom - top > 2) things.push({node, left, top, right, bottom, says});
  };
  const shown = node => node.checkVisibility({opacityProperty: true, visibilityProperty: true,
                                              contentVisibilityAuto: true});
  const walk = root => {
    for (const node of root.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) {
        const said = node.data.trim().replace(/\s+/g, " "), parent = node.parentElement ?? root.host;
        if (!said || !parent || !shown(parent)) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const rect of range.getClientRects()) {
          const by = rect.height / 5;
          add(parent, new DOMRect(rect.x + 1, rect.y + by, rect.width - 2, rect.height - 2 * by),
              `"${said.slice(0, 60)}"`);
        }
      } else if (node.nodeType === Node.ELEMENT_NODE && !/^(SCRIPT|STYLE)$/.test(node.tagName)) {
        const whole = node.matches(boxes), isButton = node.tagName === "BUTTON";
        if (whole && shown(node)) {
          const called = node.getAttribute("aria-label") || node.getAttribute("alt") || "";
          const name = `${node.tagName.toLowerCase()} ${called || node.className.baseVal || node.className}`;
          add(node, node.getBoundingClientRect(), name.trim().slice(0, 60));
        }
        if (whole && !isButton) continue;
        if (node.shadowRoot) walk(node.shadowRoot);
        walk(node);
      }
    }
  };
  walk(document.body);
  // A card or a legend that is laid over a map on purpose is absolute or fixed, has a
  // ground of its own, and stands in the same frame as what it covers.
  const laidOver = (one, other) => {
    for (let each = one; each && !inside(other, each); each = up(each)) {
      const style = getComputedStyle(each);
      if (!/absolute|fixed/.test(style.position)) continue;
      if (/^bk-/.test(each.className)) continue;
      const frame = each.offsetParent ?? document.body;
      if (style.position === "fixed" || inside(other, frame)) return true;
    }
    return false;
  };
  things.sort((a, b) => a.top - b.top);
  const found = new Set();
  let open = [];
  for (const one of things) {
    open = open.filter(each => each.bottom > one.top + 2);
    for (const other of open) {
      const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const high = Math.min(one.bottom, other.bottom) - one.top;
      if (wide <= 2 || high <= 2 || inside(one.node, other.node) || inside(other.node, one.node)) continue;
      if (laidOver(one.node, other.node) || laidOver(other.node, one.node)) continue;
      found.add(`${other.says} and ${one.says}: ${Math.round(wide)} x ${Math.round(high)} pixels`);
    }
    open.push(one);
  }
  return Array.from(found);
})()"""
"""What covers one another on the page as it stands, a text each."""


async def broken_rules(browser: Browser) -> list[str]:
    """Return which rules of accessibility the page shown breaks, as axe-core finds them;
    none where `AXE` names no file.
    """
    if not AXE:
        return []
    await browser.call("Runtime.evaluate", expression=AXE)
    return list(await browser.run(RULES))


async def overlaps(browser: Browser) -> list[str]:
    """Return which texts, pictures and controls of the page shown cover one another."""
    return list(await browser.run(OVERLAPS))


async def in_colours(browser: Browser, colours: str) -> None:
    """Let the system say that it has `light` or `dark` colours."""
    feature = {"name": "prefers-color-scheme", "value": colours}
    await browser.call("Emulation.setEmulatedMedia", media="", features=[feature])


def told(browser: Browser) -> list[str]:
    """Return the errors that the browser told of since it began: of the console, of a
    script, of a request.
    """
    return [text for event in browser.events if (text := _error(event))]


def _error(event: dict[str, Any]) -> str:
    if event["method"] == "Runtime.exceptionThrown":
        return f"script: {event['params']['exceptionDetails']}"[:300]
    if event["method"] == "Log.entryAdded":
        return f"console: {event['params']['entry'].get('text', '')}"[:300]
    if event["method"] == "Runtime.consoleAPICalled" and event["params"]["type"] == "error":
        return f"console: {event['params']['args'][:1]}"[:300]
    return ""


async def _wider(browser: Browser) -> int:
    """Return by how many pixels a page is wider than its screen, once it has had a second
    to follow a change of the screen.
    """
    for _ in range(5):
        if (more := int(await browser.run(WIDER))) <= 0:
            break
        await asyncio.sleep(0.2)
    return more


async def page_faults(
    browser: Browser,
    address: str = "",
    widths: Iterable[int] = SCREENS,
    ready: str = DRAWN,
) -> list[str]:
    """Return what is wrong with a page, each fault with the width at which it was seen.

    Parameters
    ----------
    browser
        A browser.
    address
        Opened at each width; empty for the page that is shown, of which only the width
        changes.
    widths
        Widths of `SCREENS`, in pixels.
    ready
        What is true in the page once it can be looked at.
    """
    faults: list[str] = []
    for width in widths:
        before = len(browser.events)
        if address:
            await browser.open(address, width, SCREENS[width])
        else:
            await browser.resize(width, SCREENS[width])
        await browser.until(ready)
        await browser.run("scrollTo(0, 0)")  # what sticks to the top then covers nothing
        if (more := await _wider(browser)) > 0:
            faults.append(f"{width} pixels: the page is {more} pixels wider than its screen")
        faults += [f"{width} pixels: {each}" for each in await overlaps(browser)]
        for colours in COLOURS if width in {min(SCREENS), max(SCREENS)} else COLOURS[:1]:
            await in_colours(browser, colours)
            faults += [f"{width} pixels, {colours}: {e}" for e in await broken_rules(browser)]
        await in_colours(browser, COLOURS[0])
        errors = [text for event in browser.events[before:] if (text := _error(event))]
        faults += [f"{width} pixels: {each}" for each in errors]
    return faults
