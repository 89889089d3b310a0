"""The looks of the figures, and the paper's confusion matrices beside ours."""

import itertools

import matplotlib
import numpy as np
import pytest
from factory import run

from reluclf.judging import paper
from reluclf.judging.status import Status
from reluclf.showing import figures, ledger


def test_a_confusion_figure_has_three_panels_and_the_difference_of_ours():
    ours = run("mnist", "ffnn", "relu", "carried", 1)
    figure = figures.confusion(2, [ours])
    difference = np.array(ours.test.confusion_matrix) - paper.matrix(2).counts
    drawn = {text.get_text() for text in figure.axes[2].texts}
    assert len(figure.axes) == 3 and f"{difference[0, 0]:+d}".replace("-", "−") in drawn
    assert "n = 1" in figure.axes[1].get_title()


def test_runs_that_lose_a_class_have_a_panel_of_their_own_and_do_not_enter_the_difference():
    whole, lost = 890, 100
    runs = [
        run("mnist", "ffnn", "relu", "carried", 1, [0.9] * 10, [whole] * 10),
        run("mnist", "ffnn", "relu", "carried", 2, [0.9] * 10, [lost, *[whole] * 9]),
    ]
    panels = {panel.get_title(): panel for panel in figures.confusion(2, runs).axes}
    assert next(iter(panels)) == "paper, Figure 2" and len(panels) == 4

    def corner(title):
        return panels[title].texts[0].get_text()

    assert corner("ours (n = 1)") == str(whole)
    assert corner("ours, class lost (n = 1)") == str(lost)
    assert corner("ours − paper") == f"−{paper.matrix(2).counts[0, 0] - whole}"


def test_without_a_whole_record_a_confusion_figure_still_shows_the_papers():
    others = [
        run("wdbc", "ffnn", "relu", "carried", 1, [0.9] * 3, features="raw"),
        run("wdbc", "ffnn", "relu", "carried", 1),
    ]
    figure = figures.confusion(10, others)
    assert {"49", "15", "1", "106"} == {text.get_text() for text in figure.axes[0].texts}
    assert figure.axes[1].texts[0].get_text() == "no whole record yet"


def test_the_palette_differs_in_lightness_too_so_that_it_survives_grey_print():
    rgb = np.array(
        [matplotlib.colors.to_rgb(figures.COLOURS[name]) for name in ("paper", "carried", "fresh")]
    )
    lightness = np.sort(rgb @ [0.299, 0.587, 0.114])
    assert np.diff(lightness).min() > 0.1


#: What the colour-blind see of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
SEEN_BY = {
    "everyone": np.eye(3),
    "protanopes": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopes": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopes": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def cielab(colour, seen):
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.clip(
        seen @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4), 0, 1
    )
    xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ] @ linear
    f = np.cbrt(np.maximum(xyz / [0.95047, 1, 1.08883], 0.008856))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("reader", SEEN_BY)
def test_the_colour_blind_can_tell_the_lines_and_the_verdicts_apart(reader):
    for palette in (
        list(figures.COLOURS.values()),
        {colour for colour, _ in ledger.LOOKS.values()},
    ):  # alike where the meaning is
        seen = [cielab(colour, np.array(SEEN_BY[reader])) for colour in palette]
        assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 15


def test_a_verdict_has_a_letter_of_its_own_that_can_be_read_on_its_colour():
    assert set(ledger.LOOKS) == set(Status)
    assert len({mark for _, mark in ledger.LOOKS.values()}) == len(Status)
    for colour, _ in ledger.LOOKS.values():
        light, dark = sorted(
            (figures.luminance(colour), figures.luminance(figures.ink(colour))), reverse=True
        )
        assert (light + 0.05) / (dark + 0.05) > 4.5
