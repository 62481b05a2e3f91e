"""A real browser for tests: Debian's Chromium without a window, driven by its DevTools
protocol over the websocket client that bokeh brings.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.request import urlopen

from tornado.websocket import websocket_connect

if TYPE_CHECKING:
    from tornado.websocket import WebSocketClientConnection

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    "",
)
"""The browser; empty where there is none."""
PATIENCE = 600
"""Tenths of a second that something may take to appear, on a machine with much else to do."""


class Browser:
    """A browser with one page, as an asynchronous context manager."""

    #: What the browser told besides answers: requests, errors, messages of the console.
    events: list[dict[str, Any]]

    async def __aenter__(self) -> Self:
        """Start it."""
        self._folder = Path(tempfile.mkdtemp(prefix="browser-"))
        flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--remote-debugging-port=0",
        ]
        self._process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
            [CHROMIUM, *flags, f"--user-data-dir={self._folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = self._folder / "DevToolsActivePort"
        for _ in range(PATIENCE):
            if port.is_file() and port.read_text():
                break
            await asyncio.sleep(0.1)
        with urlopen(f"http://127.0.0.1:{port.read_text().split()[0]}/json") as answer:  # noqa: ASYNC210
            pages = [each for each in json.load(answer) if each["type"] == "page"]
        self._socket: WebSocketClientConnection = await websocket_connect(
            pages[0]["webSocketDebuggerUrl"], max_message_size=2**28
        )
        self._asked, self.events = 0, []
        for domain in ("Page", "Network", "Log", "Runtime"):
            await self.call(f"{domain}.enable")
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it."""
        self._socket.close()
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something, and return its answer."""
        self._asked += 1
        await self._socket.write_message(
            json.dumps({"id": self._asked, "method": method, "params": parameters})
        )
        while True:
            message = json.loads(await self._socket.read_message() or "{}")
            if message.get("id") == self._asked:
                assert "error" not in message, message
                return dict(message["result"])
            self.events.append(message)

    async def open(self, address: str, width: int, height: int) -> None:
        """Open a page on a screen of some pixels."""
        await self.resize(width, height)
        await self.call("Page.navigate", url=address)

    async def resize(self, width: int, height: int) -> None:
        """Show the page on a screen of some pixels."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.call("Emulation.setDeviceMetricsOverride", **screen)

    async def run(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        found = await self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until an expression is true in the page; return its value."""
        for _ in range(PATIENCE):
            if value := await self.run(script):
                return value
            await asyncio.sleep(0.1)
        raise AssertionError(f"never true: {script}")

    async def click(self, x: float, y: float) -> None:
        """Press and release the mouse at a place of the window."""
        for what in ("mouseMoved", "mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent", type=what, x=x, y=y, button="left", clickCount=1
            )

    async def press(self, key: str, code: int, text: str = "") -> None:
        """Press and release a key."""
        for what in ("keyDown", "keyUp"):
            more = {"text": text} if text and what == "keyDown" else {}
            await self.call(
                "Input.dispatchKeyEvent",
                type=what,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **more,
            )

    async def picture(self, path: Path) -> None:
        """Save what the whole page looks like."""
        size = (await self.call("Page.getLayoutMetrics"))["cssContentSize"]
        clip = {
            "x": 0,
            "y": 0,
            "width": size["width"],
            "height": min(size["height"], 4000),
            "scale": 1,
        }
        shot = await self.call(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip
        )
        path.write_bytes(base64.b64decode(shot["data"]))  # noqa: ASYNC240

    def renderer_ms(self) -> float:
        """Return how many milliseconds of processor time the processes that draw pages
        have taken, as Linux counts them (steps of 10 ms).
        """
        ours, spent = {self._process.pid}, 0.0
        for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda each: int(each.name)):
            try:
                words = (folder / "stat").read_text().rpartition(")")[2].split()
                command = (folder / "cmdline").read_text()
            except OSError:  # it has ended
                continue
            if int(words[1]) in ours:
                ours.add(int(folder.name))
                spent += int(words[11]) + int(words[12]) if "--type=renderer" in command else 0
        return 1000 * spent / os.sysconf("SC_CLK_TCK")

    @property
    def requested(self) -> list[str]:
        """Addresses that the page has asked for."""
        sent = [
            event["params"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]
        opened = [
            event["params"]
            for event in self.events
            if event["method"] == "Network.webSocketCreated"
        ]
        return [each["request"]["url"] for each in sent] + [each["url"] for each in opened]
