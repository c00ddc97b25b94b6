"""Pages as a browser shows them."""

import contextlib
import functools
import shutil
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

_BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000")
_ATTEMPTS = 4


def open_page(url, folder, *, until="", size=(1600, 2600)):
    """Open a page in headless Chromium; skips the test where there is none.

    Args:
        url: of the page.
        folder: where the browser keeps its profile.
        until: a text that is there once the page is complete; a busy machine may show it before.
        size: of the window, in pixels.

    Returns:
        The page's HTML after its scripts have run.
    """
    if not _BROWSER:
        pytest.skip("no chromium here to open the page in")
    window = "--window-size={},{}".format(*size)
    profile = f"--user-data-dir={folder / 'browser'}"
    command = [_BROWSER, *_FLAGS, window, profile, "--dump-dom", url]
    for _ in range(_ATTEMPTS):
        shown = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
        if until in shown:
            break
    return shown


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    """Serve a folder on loopback; yields its address."""
    handler = functools.partial(_Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
