"""What a timeline of predictions says: events, burden, and the formats that carry them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "bids": ["bids_events", "bids_sidecar", "bids_stem"],
        "burden": ["measure_burden"],
        "edf_annotations": ["annotations_as_edf"],
        "events": ["PATTERNS", "EventDefinition", "find_events"],
        "peaks": ["PeakRule"],
        "prevalence": ["prevalence_word"],
        "references": ["Reference", "find_reference"],
        "scores": ["ScoringRules", "join_scores", "score_events"],
        "szcore": ["szcore_annotations"],
    },
)
