"""A headless Chromium that a test drives as a reader does: keys, window, colours.

It is spoken to in the protocol of its developer tools, over a pair of pipes: no port is opened.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)

# Of the keys that tests press: code, number and text.
_KEYS = {"Tab": 9, "ArrowRight": 39, "ArrowLeft": 37, "ArrowDown": 40, "Home": 36, " ": 32}


class Page:
    """A page that is open."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back, self._rest, self._number = to, os.fdopen(back, "rb"), b"", 0
        self.complaints: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if hasattr(self, "_session"):
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._back.fileno(), 1 << 20)
            assert piece, "the browser has gone"
            self._rest += piece
        text, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(text)
        if message.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.complaints.append(json.dumps(message["params"]))
        return message

    def open(self, path: Path) -> None:
        """Load a file to its end."""
        self._call("Page.navigate", url=path.as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        number = {"key": key, "code": "Space" if key == " " else key}
        number["windowsVirtualKeyCode"] = _KEYS[key]
        text = {"text": key} if key == " " else {}
        self._call("Input.dispatchKeyEvent", type="keyDown", **number, **text)
        self._call("Input.dispatchKeyEvent", type="keyUp", **number)

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript is, as plain data."""
        result = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def look(self, width: int, *, height: int = 900, dark: bool = False) -> None:
        """Give the window a size, and the reader a taste."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[feature])


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A browser with a profile in a folder; it ends with the block."""
    (hears, to), (back, says) = os.pipe(), os.pipe()
    command = (
        f'exec "$0" "$@" 3<&{hears} 4>&{says}',
        *(str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"),
        *("--disable-background-networking", "--disable-sync", "--no-first-run"),
        f"--user-data-dir={folder}",
    )
    process = subprocess.Popen(
        ["bash", "-c", *command], pass_fds=(hears, says), stderr=subprocess.DEVNULL
    )
    os.close(hears)
    os.close(says)
    try:
        yield Page(to, back)
    finally:
        os.close(to)
        process.terminate()
        process.wait(30)
