"""Tags that say of a node what hooks must know."""

TAKES_WHAT_IS_THERE = "takes_what_is_there"
"""An input that was never made is None to the node, and no reason not to run it."""
