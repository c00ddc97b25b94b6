"""Every class-activation map by name, known without Keras.

A map of your own is a ``Method`` in a file of its own and a line in ``METHODS``; see
docs/extending.md.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hbac.explain.method import Method


class Methods(MutableMapping):
    """Methods by name; one that is given as ``module:name`` is imported when it is asked for.

    Args:
        methods: by name.
    """

    def __init__(self, methods: dict[str, Method | str]):
        self._methods = dict(methods)

    def __getitem__(self, name: str) -> Method:
        method = self._methods[name]
        return pkgutil.resolve_name(method) if isinstance(method, str) else method

    def __setitem__(self, name: str, method: Method | str) -> None:
        self._methods[name] = method

    def __delitem__(self, name: str) -> None:
        del self._methods[name]

    def __contains__(self, name: object) -> bool:
        return name in self._methods

    def __iter__(self) -> Iterator[str]:
        return iter(self._methods)

    def __len__(self) -> int:
        return len(self._methods)


METHODS = Methods(
    {
        "fusion": "hbac.explain.fusion:fusion",
        "gradcam": "hbac.explain.gradcam:gradcam",
        "gradcam_plusplus": "hbac.explain.gradcam_plusplus:gradcam_plusplus",
        "hirescam": "hbac.explain.hirescam:hirescam",
        "layercam": "hbac.explain.layercam:layercam",
        "eigencam": "hbac.explain.eigencam:eigencam",
    }
)
"""By the name that the parameter ``explainability.method`` takes."""
