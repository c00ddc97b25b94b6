"""What happens around a run: checks and a lock before its first node, a summary after its last."""

from hbac.hooks.absent import AbsentHook
from hbac.hooks.folds import FoldsHook
from hbac.hooks.guard import GuardHook
from hbac.hooks.lock import LockHook
from hbac.hooks.log import LoggingHook
from hbac.hooks.owner import OwnerHook
from hbac.hooks.runners import RunnerHook
from hbac.hooks.summary import SummaryHook
from hbac.hooks.values import ValuesHook

__all__ = [
    "AbsentHook",
    "FoldsHook",
    "GuardHook",
    "LockHook",
    "LoggingHook",
    "OwnerHook",
    "RunnerHook",
    "SummaryHook",
    "ValuesHook",
]
