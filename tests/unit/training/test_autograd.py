"""The tutorial's loop and its seeded start."""

import numpy as np
import torch

from service.training import autograd


def test_a_seeded_start_is_that_of_the_tutorial():
    torch.manual_seed(20)
    expected = torch.randn(3).numpy().astype(float)
    np.testing.assert_array_equal(autograd.seeded_weights(20, 3), expected)


def test_a_seeded_start_does_not_change_the_global_generator():
    torch.manual_seed(1)
    expected = torch.randn(2)
    torch.manual_seed(1)
    autograd.seeded_weights(20, 3)
    assert torch.equal(torch.randn(2), expected)
