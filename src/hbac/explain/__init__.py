"""Explanations: where in picture or EEG a network found the evidence for each class.

Names load on first use, so that Keras is imported only to explain. No name here is that of its
module, which would take its place: a method such as Grad-CAM is ``METHODS["gradcam"]``, or
``from hbac.explain.gradcam import gradcam``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "curves": ["area", "insertion_deletion"],
        "baselines": ["centre_prior", "random_maps"],
        "evidence": ["chain_shares", "describe", "locate", "shaded_stretches"],
        "fills": ["blurred", "mean_spectrum", "replace_by", "replace_by_line"],
        "gradients": ["ClassGradients"],
        "importance": ["importance_table", "marginal"],
        "interpolation": ["upsample"],
        "layers": ["feature_layers", "last_feature_layer"],
        "logits": ["pooled_logits", "probabilities"],
        "method": ["map_by_methods"],
        "methods": ["METHODS"],
        "planted": ["chance", "exchanged_mass", "mass_inside", "planted_mask"],
        "randomisation": ["cascade", "rank_correlation"],
        "road": [
            "noisy_interpolation",
            "noisy_linear_imputation",
            "remove_and_debias",
            "road_score",
        ],
        "sensitivity": ["sensitivity_n", "subset_drops"],
        "sparseness": ["gini"],
        "tiles": ["Replace", "Score", "Tiles"],
    },
)
