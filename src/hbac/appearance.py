"""What a file that can't be read looks like, and what to do about it."""

from __future__ import annotations

N_SHOWN = 24
"""First bytes that tell a file's kind, and are shown."""

_LFS_POINTER = b"version https://git-lfs"
_WEB_PAGE = (b"<!doctype", b"<html")


def _remedy(first: bytes) -> str:
    if first.startswith(_LFS_POINTER):
        return "It is a pointer of Git LFS: `git lfs pull` fetches the file itself"
    if first.lower().startswith(_WEB_PAGE):
        return "It is a web page, as a download without a login leaves: download the file again"
    return "If it was cut off or damaged, copy, download or make it again"


def appearance(size: int, first: bytes, reason: object) -> str:
    """Say what a file looks like that can't be read.

    Args:
        size: its bytes.
        first: the first ``N_SHOWN`` of them.
        reason: what its reader said.
    """
    said = str(reason).rstrip(".")
    return f"it holds {size} bytes and begins with {first!r}: {said}. {_remedy(first)}"
