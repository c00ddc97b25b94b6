"""Every class-activation map by name."""

from __future__ import annotations

from hbac.explain.eigencam import eigencam
from hbac.explain.fusion import fusion
from hbac.explain.gradcam import gradcam
from hbac.explain.gradcam_plusplus import gradcam_plusplus
from hbac.explain.hirescam import hirescam
from hbac.explain.layercam import layercam

METHODS = {
    "fusion": fusion,
    "gradcam": gradcam,
    "gradcam_plusplus": gradcam_plusplus,
    "hirescam": hirescam,
    "layercam": layercam,
    "eigencam": eigencam,
}
"""By the name that the parameter ``method`` takes."""
