"""XGrad-CAM, drawn and tested by the project without a change to it.

Run it from the project's folder as you would run ``kedro run``, once networks are trained:

  python docs/examples/new_cam.py --pipeline explainability --params explainability.method=xgradcam

Fu, Hu, Dong, Guo, Gao and Li, Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation
of CNNs, BMVC 2020, arXiv:2008.02312.
"""

from __future__ import annotations

import numpy as np

from hbac.explain.method import Method

SMALLEST_SHARE = 0.1
"""Of the sum of a feature map's absolute values that its sum must reach. The paper has in mind
features behind a ReLU; where others cancel, the weight would grow without bound."""


def _weigh(features: list[np.ndarray], gradients: list[np.ndarray], signed: bool) -> np.ndarray:
    """Weigh each feature map by the mean of its gradients, in which cells count by their value.

    Args:
        features: of each layer, shape ``(n, h, w, k)``; the last is the deepest.
        gradients: of each layer and class, shape ``(c, n, h, w, k)``.
        signed: keep what speaks against a class.

    Returns:
        Maps, shape ``(n, c, h, w)``.
    """
    cells, slopes = features[-1], gradients[-1]
    weights = slopes.mean(axis=(2, 3))
    effects = np.einsum("cnhwk,nhwk->cnk", slopes, cells)
    totals = np.broadcast_to(cells.sum(axis=(1, 2)), effects.shape)
    enough = np.abs(totals) > SMALLEST_SHARE * np.abs(cells).sum(axis=(1, 2))
    np.divide(effects, totals, out=weights, where=enough)
    maps = np.einsum("cnk,nhwk->nchw", weights, cells, optimize=True)
    return maps if signed else np.maximum(maps, 0)


xgradcam = Method("XGrad-CAM", _weigh, resolutions=(-2,))
"""As Grad-CAM, but with a mean in which cells count by their value, so that behind a ReLU a signed
map sums up to what that of HiResCAM does. On the last layer gradients are the same in every cell
and the three are one, so it looks at the resolution before."""


if __name__ == "__main__":
    from hbac.__main__ import main
    from hbac.explain import METHODS

    METHODS["xgradcam"] = xgradcam
    main()
