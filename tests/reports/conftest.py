"""What tests of other rooms have made ready."""

from tests.tracking.conftest import empty_store, hook, root

__all__ = ["empty_store", "hook", "root"]
