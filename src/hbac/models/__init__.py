"""Keras networks: what they see, how they are built, trained and joined.

Names load on first use, so that a pipeline that trains nothing never imports Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "architecture": ["build_model", "builder_of"],
        "augmentation": ["Augmentation"],
        "blend": ["Blend", "fit_blend", "learn_blend"],
        "compiled": ["borrowed_model", "compiled_model", "copy_of", "reset"],
        "device": ["has_gpu", "resolve_precision"],
        "eeg_ensemble": ["EEGEnsemble"],
        "ensemble": ["named_networks", "predict_with_networks"],
        "image": ["ImageLayout", "build_image"],
        "inputs": ["ARCHITECTURES", "INPUTS", "register_architecture", "split_names"],
        "prediction": ["predict"],
        "runtime": ["keras_in_force"],
        "sampling": ["Sampler"],
        "schedule": ["Cosine"],
        "targets": ["soften", "vote_weights"],
        "training": ["Checkpoint", "Stage", "fit"],
        "waveform": ["WaveformLayout"],
    },
)
