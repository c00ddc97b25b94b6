"""What happens around a run: checks and a lock before its first node, a summary after its last."""

from hbac.hooks.absent import AbsentHook
from hbac.hooks.folds import FoldsHook
from hbac.hooks.garbage import GarbageHook
from hbac.hooks.guard import GuardHook
from hbac.hooks.lock import LockHook
from hbac.hooks.log import LoggingHook
from hbac.hooks.owner import OwnerHook
from hbac.hooks.plain import PlainHook
from hbac.hooks.runners import RunnerHook
from hbac.hooks.summary import SummaryHook
from hbac.hooks.values import ValuesHook

__all__ = [
    "AbsentHook",
    "FoldsHook",
    "GarbageHook",
    "GuardHook",
    "LockHook",
    "LoggingHook",
    "OwnerHook",
    "PlainHook",
    "RunnerHook",
    "SummaryHook",
    "ValuesHook",
]
