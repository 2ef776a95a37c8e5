"""The tests can fail: each known bug, put into a snippet, turns a named test red."""

import importlib.util
import warnings
from functools import cache
from itertools import product
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

HERE = Path(__file__).parent

# Texts that several variants replace.
SCALE = "1 / float(keep_prob), 0)"
DRAW = "rng.random(x.shape)"
KEPT = "kept = rng.random(x.shape) < keep_prob"
RETURN = "return np.multiply(x, mask, out=np.empty_like(mask)), mask"
BACK = "return np.multiply(grad, mask, out=np.empty_like(mask))"
RANGE = "    if not 0 < keep_prob <= 1"
EXACT = """first = np.arange(x.shape[-1]) < round(keep_prob * x.shape[-1])
    kept = rng.permuted(np.broadcast_to(first, x.shape), axis=-1)"""
CHECK_X = "    if not isinstance(x, np.ndarray)"
GATES = """gate = (z > 0) * (1.0 if masks is None else masks[layer])
        gates.append(gate.astype(z.dtype))  # the slope of ReLU and dropout together
        inputs.append(z * gates[-1])"""
DRAWN = "None if keep_probs is None else draw_masks(params, x, keep_probs, rng)"
STEP = f"""    for _ in range(steps):
        masks = {DRAWN}
"""
ONCE = f"""    masks = {DRAWN}
    for _ in range(steps):
"""
CHECK_RNG = '    if not callable(getattr(rng, "random", None))'

# snippet: (bug, text of the snippet, text in its place, tests that must fail).
BROKEN = {
    "inverted_dropout": [
        (
            "no scale",
            SCALE,
            "1, 0)",
            "test_mean_output_is_the_input",
            "test_mask_is_zero_or_one_over_keep_prob",
            "test_every_output_is_zero_or_the_input_divided_by_keep_prob",
        ),
        (
            "scaled by the drop probability",
            SCALE,
            "1 / (1 - float(keep_prob)), 0)",
            "test_mean_output_is_the_input",
            "test_variance_of_the_output_is_drop_over_keep_times_x_squared",
        ),
        (
            "multiplied by keep_prob instead of divided",
            SCALE,
            "float(keep_prob), 0)",
            "test_mean_output_is_the_input",
            "test_mean_loss_is_not_preserved",
        ),
        (
            "keep and drop swapped",
            KEPT,
            KEPT.replace("<", ">="),
            "test_mean_output_is_the_input",
            "test_number_kept_is_binomial_for_each_unit_and_each_example",
        ),
        (
            "kept with the drop probability",
            KEPT,
            KEPT.replace("< ", "< 1 - "),
            "test_number_kept_is_binomial_for_each_unit_and_each_example",
            "test_mean_after_the_next_relu_is_not_preserved",
        ),
        (
            "> for <",
            KEPT,
            KEPT.replace("<", ">"),
            "test_mean_output_is_the_input",
        ),
        (
            "<= for <",
            KEPT,
            KEPT.replace("<", "<="),
            "test_a_draw_equal_to_keep_prob_drops",
        ),
        (
            "normal draws for uniform ones",
            DRAW,
            "rng.standard_normal(x.shape)",
            "test_number_kept_is_binomial_for_each_unit_and_each_example",
        ),
        (
            "draws rounded to the dtype of x",
            DRAW,
            "rng.random(x.shape).astype(x.dtype)",
            "test_probability_is_not_rounded_to_the_dtype_of_x",
        ),
        (
            "an exact fraction dropped",
            KEPT,
            EXACT,
            "test_number_kept_is_not_an_exact_fraction",
        ),
        (
            "one mask for the whole batch",
            DRAW,
            "np.broadcast_to(rng.random((1, *x.shape[1:])), x.shape)",
            "test_every_example_has_its_own_mask",
            "test_two_examples_keep_the_same_unit_as_often_as_chance",
            "test_every_element_is_decided_by_its_own_draw",
        ),
        (
            "one draw for each example",
            DRAW,
            "np.broadcast_to(rng.random((*x.shape[:1], 1)), x.shape)",
            "test_two_units_are_kept_together_as_often_as_chance",
            "test_number_kept_is_binomial_for_each_unit_and_each_example",
            "test_every_element_is_decided_by_its_own_draw",
        ),
        (
            "draws used twice",
            DRAW,
            "np.minimum(d := rng.random(x.shape), np.roll(d, 1))",
            "test_every_element_is_decided_by_its_own_draw",
            "test_different_elements_have_no_covariance",
        ),
        (
            "seed inside the function",
            DRAW,
            "np.random.default_rng(0).random(x.shape)",
            "test_every_call_draws_a_new_mask",
            "test_same_generator_state_gives_the_same_masks",
        ),
        (
            "global seed inside the function",
            KEPT,
            "np.random.seed(1)\n    " + KEPT,
            "test_global_random_state_is_not_touched",
        ),
        (
            "global generator",
            DRAW,
            "np.random.random(x.shape)",
            "test_global_random_state_is_not_touched",
            "test_same_generator_state_gives_the_same_masks",
        ),
        (
            "zeros always dropped",
            KEPT,
            KEPT.replace("kept = ", "kept = (x != 0) & (") + ")",
            "test_mask_does_not_depend_on_the_data",
            "test_a_kept_input_of_exactly_zero_gets_gradient",
        ),
        (
            "mask inferred from zeros of the output",
            RETURN,
            "return (out := x * mask), (out != 0) / float(keep_prob)",
            "test_a_kept_input_of_exactly_zero_gets_gradient",
            "test_mask_is_zero_or_one_over_keep_prob",
        ),
        (
            "negative inputs lost",
            RETURN,
            "return np.maximum(x, 0) * mask, mask",
            "test_every_output_is_zero_or_the_input_divided_by_keep_prob",
            "test_keep_prob_one_is_the_identity",
        ),
        (
            "unscaled mask returned",
            RETURN,
            "return x * mask, np.asarray(kept, dtype=x.dtype)",
            "test_mask_is_zero_or_one_over_keep_prob",
            "test_backward_is_the_derivative_of_forward",
            "test_backward_is_the_transpose_of_forward",
        ),
        (
            "selected instead of multiplied",
            RETURN,
            "return np.where(kept, x * mask, 0), mask",
            "test_dropped_inf_and_nan_become_nan",
        ),
        (
            "scalar instead of a 0-d array",
            RETURN,
            "return x * mask, mask",
            "test_output_mask_and_gradient_have_the_shape_and_dtype_of_x",
        ),
        (
            "x changed in place",
            RETURN,
            "return np.multiply(x, mask, out=x), mask",
            "test_input_gradient_and_mask_are_not_mutated",
        ),
        (
            "x itself returned for keep_prob = 1",
            KEPT,
            "if keep_prob == 1:\n        return x, np.ones_like(x)\n    " + KEPT,
            "test_input_gradient_and_mask_are_not_mutated",
            "test_every_call_consumes_one_draw_per_element",
        ),
        (
            "dtype lost",
            ".astype(x.dtype)",
            "",
            "test_output_mask_and_gradient_have_the_shape_and_dtype_of_x",
        ),
        (
            "scale rounded to the type of keep_prob",
            SCALE,
            "1 / keep_prob, 0)",
            "test_scale_is_one_over_keep_prob_rounded_once",
        ),
        (
            "backward without mask",
            BACK,
            "return grad.copy()",
            "test_backward_is_grad_times_the_scaled_mask",
            "test_backward_is_the_derivative_of_forward",
            "test_mean_gradient_is_the_gradient_of_the_mean_loss",
        ),
        (
            "backward without scale",
            BACK,
            "return grad * (mask != 0)",
            "test_backward_is_grad_times_the_scaled_mask",
            "test_backward_is_the_derivative_of_forward",
            "test_mean_gradient_is_the_gradient_of_the_mean_loss",
        ),
        (
            "backward scales twice",
            BACK,
            "return grad * mask * np.max(mask)",
            "test_backward_is_the_derivative_of_forward",
            "test_backward_is_the_transpose_of_forward",
        ),
        (
            "gradient changed in place",
            BACK,
            "return np.multiply(grad, mask, out=grad)",
            "test_input_gradient_and_mask_are_not_mutated",
        ),
        (
            "gradient in the dtype of grad",
            BACK,
            "return np.multiply(grad, mask, out=np.empty_like(grad))",
            "test_output_mask_and_gradient_have_the_shape_and_dtype_of_x",
        ),
        (
            "gradient broadcast to the mask",
            "if grad.shape != np.shape(mask):",
            "if False:",
            "test_gradient_and_mask_of_different_shapes_are_a_value_error",
        ),
        (
            "zero allowed",
            RANGE,
            "    if keep_prob == 0:\n        return 0 * x, 0 * x\n" + RANGE,
            "test_keep_prob_outside_its_range_is_a_value_error",
        ),
        (
            "negative keep_prob allowed",
            RANGE,
            RANGE.replace("keep_prob", "abs(keep_prob)"),
            "test_keep_prob_outside_its_range_is_a_value_error",
        ),
        (
            "nan allowed",
            RANGE,
            "    if keep_prob <= 0 or keep_prob > 1",
            "test_keep_prob_outside_its_range_is_a_value_error",
        ),
        (
            "infinite scale allowed",
            " or 1 / float(keep_prob) > float(np.finfo(x.dtype).max)",
            "",
            "test_keep_prob_too_small_for_the_dtype_is_a_value_error",
        ),
        (
            "bool allowed as keep_prob",
            '"iuf"',
            '"biuf"',
            "test_keep_prob_of_a_wrong_type_is_a_type_error",
        ),
        (
            "integers allowed",
            CHECK_X,
            "    x = x * 1.0 if getattr(x, 'dtype', None) == int else x\n" + CHECK_X,
            "test_only_float_arrays_are_accepted",
        ),
        (
            "lists allowed",
            CHECK_X,
            "    x = np.asarray(x)\n" + CHECK_X,
            "test_only_float_arrays_are_accepted",
        ),
        (
            "seed allowed as generator",
            CHECK_RNG,
            "    rng = np.random.default_rng(rng)\n" + CHECK_RNG,
            "test_a_seed_in_place_of_a_generator_is_a_type_error",
        ),
        (
            "drawn before the checks",
            CHECK_X,
            "    if hasattr(rng, 'random'):\n        rng.random(np.shape(x))\n"
            + CHECK_X,
            "test_only_float_arrays_are_accepted",
            "test_keep_prob_outside_its_range_is_a_value_error",
            "test_keep_prob_of_a_wrong_type_is_a_type_error",
            "test_every_call_consumes_one_draw_per_element",
        ),
    ],
    "original_dropout": [
        (
            "scaled in training as well",
            RETURN,
            "return x * mask / keep_prob, mask",
            "test_training_output_is_zero_or_the_input",
            "test_evaluation_is_the_mean_of_training",
            "test_original_and_inverted_are_the_same_model",
        ),
        (
            "not scaled in evaluation",
            "np.multiply(x, float(keep_prob))",
            "x.copy()",
            "test_evaluation_is_the_mean_of_training",
            "test_scaling_the_next_weights_is_the_same_as_scaling_the_activation",
        ),
        (
            "divided in evaluation",
            "np.multiply(x, float(keep_prob))",
            "np.divide(x, float(keep_prob))",
            "test_evaluation_is_the_mean_of_training",
        ),
        (
            "scaled by the drop probability in evaluation",
            "np.multiply(x, float(keep_prob))",
            "np.multiply(x, 1 - float(keep_prob))",
            "test_evaluation_is_the_mean_of_training",
            "test_keep_prob_one_is_the_identity",
        ),
        (
            "keep and drop swapped",
            DRAW + " < keep_prob",
            DRAW + " >= keep_prob",
            "test_evaluation_is_the_mean_of_training",
            "test_keep_prob_is_the_probability_to_stay",
        ),
        (
            "one mask for the whole batch",
            DRAW,
            "np.broadcast_to(rng.random((1, *x.shape[1:])), x.shape)",
            "test_every_call_and_every_example_draws_its_own_mask",
        ),
        (
            "x changed in place",
            RETURN,
            "return np.multiply(x, mask, out=x), mask",
            "test_input_is_not_mutated",
        ),
        (
            "no check in evaluation",
            "    _check(x, keep_prob)\n    return",
            "    return",
            "test_keep_prob_outside_its_range_is_a_value_error",
        ),
    ],
    "mask_shapes": [
        (
            "shared and own axes swapped",
            "[1 if i in shared else n",
            "[n if i in shared else 1",
            "test_mask_has_size_one_along_the_shared_axes",
        ),
        (
            "negative axes ignored",
            "{axis % len(shape) for",
            "{axis for",
            "test_mask_has_size_one_along_the_shared_axes",
            "test_impossible_axes_and_sizes_are_value_errors",
        ),
        (
            "mask as large as x, drawn without sharing",
            "[1 if i in shared else n",
            "[n",
            "test_mask_has_size_one_along_the_shared_axes",
            "test_sharing_over_the_batch_keeps_the_noise_of_the_batch_mean",
        ),
        (
            "no scale",
            SCALE,
            "1, 0)",
            "test_mask_is_zero_or_one_over_keep_prob",
            "test_mean_output_is_the_input_however_the_mask_is_shared",
        ),
        (
            "<= for <",
            "draws < keep_prob",
            "draws <= keep_prob",
            "test_mask_is_zero_or_one_over_keep_prob",
        ),
        (
            "dtype ignored",
            ".astype(dtype)",
            "",
            "test_mask_has_the_dtype_asked_for",
        ),
        (
            "seed inside the function",
            "draws = rng.",
            "draws = np.random.default_rng(0).",
            "test_every_call_draws_a_new_mask",
        ),
    ],
    "gradient_check": [
        (
            "forward differences",
            "for sign in (1, -1):",
            "for sign in (2, 0):",
            "test_central_differences_have_an_error_of_second_order",
        ),
        (
            "step not halved",
            "/ (2 * step)",
            "/ step",
            "test_right_gradient_has_a_tiny_error",
        ),
        (
            "sign ignored",
            "np.linalg.norm(grad - numeric)",
            "np.linalg.norm(abs(grad) - abs(numeric))",
            "test_opposite_gradient_has_error_one",
        ),
        (
            "absolute instead of relative",
            "- numeric) / size",
            "- numeric)",
            "test_error_is_the_distance_divided_by_the_sum_of_the_norms",
            "test_backward_without_the_scale_has_a_known_error",
        ),
        (
            "nan passes",
            "if size else 0.0",
            "if size > 0 else 0.0",
            "test_nan_is_returned_and_passes_no_comparison",
        ),
        (
            "0 / 0 is nan",
            " if size else 0.0",
            "",
            "test_two_zero_gradients_agree",
        ),
        (
            "x changed in place",
            "point = x.copy()",
            "point = x",
            "test_arguments_are_not_mutated",
        ),
        (
            "step of 0.1",
            "step: float = 1e-5",
            "step: float = 0.1",
            "test_default_step_is_small",
        ),
    ],
    "dropout_network": [
        (
            "no scale",
            "< k) / k for",
            "< k) * 1.0 for",
            "test_masks_are_zero_or_one_over_keep_prob",
            "test_mean_of_the_next_pre_activation_is_evaluation",
        ),
        (
            "keep and drop swapped",
            "rng.random(shape) < k)",
            "rng.random(shape) >= k)",
            "test_masks_are_zero_or_one_over_keep_prob",
            "test_mean_of_the_next_pre_activation_is_evaluation",
            "test_keep_prob_one_equals_no_dropout_bit_for_bit",
        ),
        (
            "one mask for the whole batch",
            "rng.random(shape) < k)",
            "np.broadcast_to(rng.random((*shape[:-2], 1, shape[-1])), shape) < k)",
            "test_every_example_and_every_step_has_its_own_mask",
            "test_stacked_networks_have_their_own_masks",
        ),
        (
            "mask reused in every step",
            STEP,
            ONCE,
            "test_training_draws_new_masks_in_every_step",
        ),
        (
            "seed inside the function",
            "rng.random(shape) < k)",
            "np.random.default_rng(0).random(shape) < k)",
            "test_every_example_and_every_step_has_its_own_mask",
            "test_same_generator_state_gives_the_same_training",
        ),
        (
            "mask missing in backward",
            GATES,
            """gates.append((z > 0) * 1.0)
        inputs.append(z * gates[-1] * (1.0 if masks is None else masks[layer]))""",
            "test_gradient_is_the_slope_of_the_loss",
        ),
        (
            "scale missing in backward",
            "* gates[i - 1]",
            "* (gates[i - 1] > 0)",
            "test_gradient_is_the_slope_of_the_loss",
        ),
        (
            "fresh mask in backward",
            "* gates[i - 1]",
            "* np.roll(gates[i - 1], 1, axis=-2)",
            "test_gradient_is_the_slope_of_the_loss",
        ),
        (
            "ReLU without its slope",
            "(z > 0) *",
            "(z == z) *",
            "test_forward_is_relu_layers_and_a_linear_output",
        ),
        (
            "dropout at evaluation",
            "1.0 if masks is None",
            "np.random.default_rng().random(z.shape) if masks is None",
            "test_evaluation_is_deterministic_and_draws_nothing",
        ),
        (
            "L2 without its strength",
            "+ l2 * params[i][0]",
            "+ params[i][0]",
            "test_l2_adds_its_strength_times_the_weights_to_the_gradient",
            "test_gradient_is_the_slope_of_the_loss",
        ),
        (
            "L2 missing in backward",
            "+ l2 * params[i][0]",
            "",
            "test_l2_adds_its_strength_times_the_weights_to_the_gradient",
            "test_gradient_is_the_slope_of_the_loss",
        ),
        (
            "L2 without the half",
            "for w, _ in params) / 2",
            "for w, _ in params)",
            "test_l2_adds_half_its_strength_times_the_squared_weights_to_the_loss",
            "test_gradient_is_the_slope_of_the_loss",
        ),
        (
            "L2 on the biases",
            "delta.sum(axis=-2, keepdims=True)))",
            "delta.sum(axis=-2, keepdims=True) + l2 * params[i][1]))",
            "test_l2_adds_its_strength_times_the_weights_to_the_gradient",
            "test_gradient_is_the_slope_of_the_loss",
        ),
        (
            "not divided by the batch size",
            "- y) / logits.shape[-2]",
            "- y)",
            "test_gradient_is_the_slope_of_the_loss",
        ),
        (
            "exponential that overflows",
            "np.logaddexp(0, logits) - y",
            "np.log(1 + np.exp(logits)) - y",
            "test_large_logits_neither_overflow_nor_lose_the_gradient",
        ),
        (
            "uphill",
            "(w - rate * dw",
            "(w + rate * dw",
            "test_one_step_subtracts_the_rate_times_the_gradient",
            "test_training_lowers_the_loss",
        ),
        (
            "parameters changed in place",
            "(w - rate * dw",
            "(w.__isub__(rate * dw)",
            "test_inputs_are_not_mutated",
        ),
        (
            "weights without He's factor",
            "np.sqrt(2 / p[0])",
            "np.sqrt(1 / p[0])",
            "test_first_weights_have_variance_two_over_inputs",
        ),
        (
            "flat labels allowed",
            "np.shape(y) == logits.shape",
            "True",
            "test_labels_of_another_shape_are_refused_by_loss_and_backward",
        ),
        (
            "an axis of y in front allowed",
            "np.shape(y) == logits.shape",
            "np.shape(y)[-2:] == logits.shape[-2:]",
            "test_labels_of_another_shape_are_refused_by_loss_and_backward",
            "test_bad_labels_are_a_value_error_that_names_them",
        ),
        (
            "wrong biases allowed",
            "fit == [(w.shape, b.shape) for w, b in params]",
            "[w for w, _ in fit] == [w.shape for w, _ in params]",
            "test_params_that_do_not_fit_are_a_value_error_before_a_draw",
        ),
        (
            "gates widen float32",
            "gate.astype(z.dtype)",
            "gate",
            "test_float32_stays_float32",
        ),
        (
            "labels widen float32",
            "np.asarray(y, logits.dtype)",
            "np.asarray(y)",
            "test_float32_stays_float32",
        ),
        (
            "nan allowed in x",
            "np.isfinite(forward(params, x)[0]).all()",
            "True",
            "test_numbers_that_are_not_finite_are_a_value_error_before_a_draw",
        ),
        (
            "nan allowed as rate",
            "0 < rate < np.inf > l2",
            "not rate <= 0",
            "test_bad_numbers_are_a_value_error_that_names_them",
        ),
        (
            "zero allowed as keep_prob",
            "0 < k <= 1",
            "0 <= k <= 1",
            "test_bad_keep_probs_are_a_value_error_that_names_them",
        ),
        (
            "drawn before the labels are checked",
            "    loss(params, forward(params, x)[0], y)  #",
            """    keep_probs and draw_masks(params, x, keep_probs, rng)
    loss(params, forward(params, x)[0], y)  #""",
            "test_bad_labels_are_a_value_error_that_names_them",
        ),
    ],
}
ROWS = [(snippet, *row) for snippet, rows in BROKEN.items() for row in rows]
IDS = [f"{snippet}-{row[0]}" for snippet, rows in BROKEN.items() for row in rows]


@cache
def load_tests(snippet):
    """Return the module with the tests of a snippet, loaded apart from pytest's own."""
    path = HERE / f"test_{snippet}.py"
    spec = importlib.util.spec_from_file_location(f"{path.stem}_of_variants", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def variant(snippet, old, new):
    """Return the snippet as a module, with one text replaced wherever it occurs."""
    source = (HERE.parent / "snippets" / f"{snippet}.py").read_text(encoding="utf-8")
    assert old in source, f"{snippet}.py no longer contains {old!r}"
    module = ModuleType(snippet)
    exec(
        compile(source.replace(old, new), f"broken {snippet}", "exec"), module.__dict__
    )
    return module


def cases(test):
    """Yield the arguments of each case of a parametrised test."""
    marks = [m for m in getattr(test, "pytestmark", []) if m.name == "parametrize"]
    names = [[m.args[0]] if isinstance(m.args[0], str) else m.args[0] for m in marks]
    for values in product(*(m.args[1] for m in marks)):
        pairs = zip(names, values, strict=True)
        yield {
            name: value
            for group, given in pairs
            for name, value in zip(
                group, [given] if len(group) == 1 else given, strict=True
            )
        }


def is_red(test):
    """Return whether a case fails by an assertion; any other error is not caught."""
    for arguments in cases(test):
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                test(**arguments)
        except (AssertionError, pytest.fail.Exception):
            return True
    return False


@pytest.mark.parametrize(
    ("snippet", "bug", "old", "new", "tests"),
    [(snippet, bug, old, new, tests) for snippet, bug, old, new, *tests in ROWS],
    ids=IDS,
)
def test_broken_variant_turns_the_named_tests_red(
    snippet, bug, old, new, tests, monkeypatch
):
    """Green with the snippet itself, red with the bug, by a failed assertion."""
    module = load_tests(snippet)
    for name in tests:
        monkeypatch.setattr(module, snippet, variant(snippet, old, old))
        assert not is_red(getattr(module, name)), f"{name} is red without {bug}"

        monkeypatch.setattr(module, snippet, variant(snippet, old, new))
        assert is_red(getattr(module, name)), f"{name} is green with {bug}"
