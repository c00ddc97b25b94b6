"""What a timeline of predictions says: events, burden, and the formats that carry them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "events": ["PATTERNS", "EventDefinition", "find_events"],
    },
)
