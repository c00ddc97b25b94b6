import mne
import numpy as np
import pytest

from hbac.eeg import ELECTRODES
from hbac.eeg.simulation.head import cortex, lead_field
from hbac.eeg.simulation.scalp import POSITIONS


@pytest.mark.parametrize("depth", [0.3, 0.5, 0.7])
def test_a_radial_dipole_in_a_homogeneous_sphere_has_its_closed_form(depth):
    dipole, above = np.array([[0, 0, depth]]), np.array([[0, 0, 1.0]])
    field = lead_field(dipole, above, conductivity=1.0)[0, 0]
    assert field == pytest.approx([0, 0, (3 - depth) / (1 - depth) ** 2], rel=1e-6)


def test_skull_smears_and_weakens():
    dipole = np.array([[0, 0, 0.8]])
    electrodes = np.array([[0, 0, 1.0], [np.sin(0.5), 0, np.cos(0.5)]])
    top, side = lead_field(dipole, electrodes)[:, 0, 2]
    plain_top, plain_side = lead_field(dipole, electrodes, conductivity=1.0)[:, 0, 2]
    assert top < 0.5 * plain_top
    assert side / top > 1.5 * plain_side / plain_top


def test_fields_are_those_of_mnes_sphere_of_three_shells():
    radius = 0.092
    sphere = mne.make_sphere_model(
        (0, 0, 0),
        head_radius=radius,
        relative_radii=(0.87, 0.92, 1.0),
        sigmas=(0.33, 0.33 / 25, 0.33),
        verbose=False,
    )
    info = mne.create_info(list(ELECTRODES), 200, "eeg", verbose=False)
    placed = dict(zip(ELECTRODES, radius * POSITIONS, strict=True))
    info.set_montage(mne.channels.make_dig_montage(placed, coord_frame="head"))
    places = cortex()[::40]
    normals = places / np.linalg.norm(places, axis=1)[:, None]
    sources = mne.setup_volume_source_space(
        pos={"rr": radius * places, "nn": normals}, sphere_units="m", verbose=False
    )
    forward = mne.make_forward_solution(
        info, None, sources, sphere, meg=False, eeg=True, mindist=0, verbose=False
    )
    theirs = forward["sol"]["data"].reshape(len(ELECTRODES), len(places), 3)
    ours = lead_field(places, POSITIONS)
    theirs, ours = (fields - fields.mean(axis=0) for fields in (theirs, ours))
    scale = np.vdot(theirs, ours) / np.vdot(ours, ours)
    assert np.linalg.norm(theirs - scale * ours) < 0.01 * np.linalg.norm(theirs)


def test_the_cortex_lies_inside_the_skull_and_reaches_under_the_temples():
    places = cortex()
    assert np.linalg.norm(places, axis=1) == pytest.approx(np.full(len(places), 0.82))
    assert places[:, 2].min() < -0.2
    # As many left as right.
    assert abs((places[:, 0] > 0).mean() - 0.5) < 0.02
