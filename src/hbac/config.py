"""Kedro's loader of configuration, which reads each kind of it once."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from kedro.config import OmegaConfigLoader


class ConfigLoader(OmegaConfigLoader):
    """Remembers what it has read and resolved, since Kedro and most hooks of a run ask for it.

    To read the files again takes a tenth of a second each time.
    """

    def __getitem__(self, key: str) -> dict[str, Any]:
        """A copy of what the files hold, or of what was set; see ``OmegaConfigLoader``."""
        if key not in self:
            self.data[key] = super().__getitem__(key)
        return deepcopy(self.data[key])
