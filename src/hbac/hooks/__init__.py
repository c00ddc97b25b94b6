"""What happens around a run: checks before its first node, and a summary after its last."""

from hbac.hooks.folds import FoldsHook
from hbac.hooks.guard import GuardHook
from hbac.hooks.summary import SummaryHook

__all__ = ["FoldsHook", "GuardHook", "SummaryHook"]
