from __future__ import annotations

import numpy as np
import pytest

from darkclr.errors import InputError
from darkclr.plausibility import exact_integers, refuse_infinite


@pytest.mark.parametrize("value", [0.5, np.nan, -np.inf, 128, -129, 1e30, np.uint64(2**64 - 1)])
def test_numbers_that_a_type_cannot_hold_are_refused_with_their_jet(value):
    values = np.array([1, 2, value, 3])
    with pytest.raises(InputError, match=r"a\.h5: the rank .* of jet 2 is no whole number"):
        exact_integers(values, np.int8, "rank", "a.h5")


@pytest.mark.parametrize("kind", [np.int8, np.uint16, np.int64, np.float32, np.float64, bool])
def test_numbers_that_a_type_can_hold_stay_what_they_are(kind):
    values = np.array([0, 1, 1, 0], dtype=kind)
    result = exact_integers(values, np.int8, "label", None)
    assert result.dtype == np.int8
    assert result.tolist() == [0, 1, 1, 0]


def test_what_is_no_number_is_no_integer():
    with pytest.raises(InputError, match="column 'event' is of type"):
        exact_integers(np.array(["1", "2"]), np.int64, "event", None)


@pytest.mark.parametrize("shape", [(6,), (6, 3)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_first_jet_without_a_number_is_named(shape, value):
    values = np.ones(shape)
    refuse_infinite({"z": values}, np.arange(6) + 10, np.zeros(6, int))
    values[4] = values[2] = value
    with pytest.raises(InputError, match=r"z is .* for 2 of 6 jets, .* jet 0 of event 12"):
        refuse_infinite({"z": values}, np.arange(6) + 10, np.zeros(6, int))
