import numpy as np
import pytest

from app.vision.colour import Lab, hex_of, lab_of, linearise
from app.vision.skin import robust_mean


def _lab(red: int, green: int, blue: int) -> Lab:
    return lab_of(linearise(np.array([red, green, blue], dtype=np.uint8)))


@pytest.mark.parametrize(
    ("rgb", "expected"),  # B. Lindbloom's calculator, sRGB under D65
    [
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
    ],
)
def test_lab_agrees_with_published_values(
    rgb: tuple[int, int, int], expected: tuple[float, float, float]
) -> None:
    lab = _lab(*rgb)
    assert (lab.L, lab.a, lab.b) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("rgb", [(0, 0, 0), (1, 2, 3), (200, 130, 101), (255, 255, 255)])
def test_a_colour_survives_the_way_to_linear_light_and_back(rgb: tuple[int, int, int]) -> None:
    assert hex_of(linearise(np.array(rgb, dtype=np.uint8))) == "#{:02X}{:02X}{:02X}".format(*rgb)


def test_hue_chroma_and_ita_of_average_korean_skin() -> None:
    skin = Lab(64.2, 9.0, 18.3)  # Yun 2010, n = 148
    assert skin.hue == pytest.approx(63.8, abs=0.1)
    assert skin.chroma == pytest.approx(20.4, abs=0.1)
    assert skin.ita == pytest.approx(37.8, abs=0.1)


def test_the_mean_ignores_shine_shadow_and_hair() -> None:
    random = np.random.default_rng(1)
    skin = random.normal([200, 150, 125], 4, (800, 3))
    shine = random.normal([245, 240, 235], 3, (80, 3))
    hair = random.normal([40, 30, 25], 5, (120, 3))
    pixels = np.clip(np.concatenate([skin, shine, hair]), 0, 255).astype(np.uint8)
    clean, mixed = lab_of(robust_mean(linearise(pixels[:800]))), lab_of(robust_mean(linearise(pixels)))
    assert (mixed.L, mixed.a, mixed.b) == pytest.approx((clean.L, clean.a, clean.b), abs=1.5)
