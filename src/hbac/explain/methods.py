"""Every class-activation map by name, known without Keras.

A map of your own is a ``Method`` in a file of its own and a line in ``METHODS``; see
docs/extending.md.
"""

from hbac.registry import Registry

METHODS = Registry(
    fusion="hbac.explain.fusion:fusion",
    gradcam="hbac.explain.gradcam:gradcam",
    gradcam_plusplus="hbac.explain.gradcam_plusplus:gradcam_plusplus",
    hirescam="hbac.explain.hirescam:hirescam",
    layercam="hbac.explain.layercam:layercam",
    eigencam="hbac.explain.eigencam:eigencam",
)
"""By the name that the parameter ``explainability.method`` takes."""
