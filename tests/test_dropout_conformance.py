"""The conformance suite passes right layers, names the bug of broken ones, and trusts nobody."""

import json
import math
import subprocess
import sys
import textwrap
from fractions import Fraction

import numpy as np
import pytest

from snippets import dropout_conformance as suite
from tests import layers, misbehaving

FILE = suite.__file__
SOURCE = suite.__spec__.loader.get_source(suite.__name__)  # with the change of a claim
FAST = ["keep-all", "zero-or-scaled"]  # take milliseconds


def name_of(layer):
    return layer.__name__


@pytest.mark.parametrize("layer", layers.RIGHT, ids=name_of)
def test_a_right_layer_passes_every_property(layer):
    """Right layers of many kinds, shared masks and activations among them, raise no alarm."""
    found = suite.check(layer)

    assert [v["property"] for v in found] == suite.NAMES
    assert [v for v in found if v["verdict"] == "fail"] == []


@pytest.mark.parametrize("layer", layers.BROKEN, ids=name_of)
def test_a_broken_layer_fails_the_property_that_names_its_bug(layer):
    """Each of more than eighty broken layers fails the one property chosen for it."""
    (verdict,) = suite.check(layer, names=[layers.BROKEN[layer]])

    assert verdict["verdict"] == "fail", verdict
    assert verdict["measured"]
    assert verdict["expected"]


def test_every_property_is_failed_by_a_broken_layer():
    """No property is idle: a broken layer is known for each."""
    assert set(layers.BROKEN.values()) == set(suite.NAMES)
    assert len(layers.BROKEN) >= 40


def test_a_forward_only_layer_is_tested_on_forward_and_told_so():
    """Without `backward` the three properties of the gradient do not apply."""
    found = {v["property"]: v for v in suite.check(layers.ForwardOnly)}
    left_out = [n for n, v in found.items() if v["verdict"] == "not applicable"]

    assert left_out == [
        "backward-is-the-mask",
        "zeros-get-gradient",
        "backward-after-evaluation",
    ]
    assert "only forward is tested" in found["zeros-get-gradient"]["measured"]


# ---- false alarms and power ------------------------------------------------------------


def exact(n, q):
    """Return the probabilities of Binomial(n, q) as fractions."""
    return [math.comb(n, j) * q**j * (1 - q) ** (n - j) for j in range(n + 1)]


@pytest.mark.parametrize("n", [1, 7, 64, 200])
@pytest.mark.parametrize("q", [Fraction(4, 5), Fraction(3, 10), Fraction(17, 25)])
@pytest.mark.parametrize("level", [1e-2, 1e-6, 1e-10])
def test_bounds_are_exact_binomial_quantiles(n, q, level):
    """Each tail has at most half of the level, and one count more would have too much."""
    chances = exact(n, q)
    low, high = suite.bounds(n, float(q), level)

    assert sum(chances[:low]) <= level / 2 < sum(chances[: low + 1])
    assert sum(chances[high + 1 :]) <= level / 2 < sum(chances[high:])
    outside = float(sum(chances[:low]) + sum(chances[high + 1 :]))
    assert math.isclose(suite.outside(n, float(q), low, high), outside, abs_tol=1e-16)


def test_tails_of_many_draws_are_those_of_exact_arithmetic():
    """Twenty thousand draws: the tail below a bound, summed in whole numbers."""
    n, low = 20_000, 15_680
    term = math.comb(n, low - 1) * 4 ** (low - 1)  # times 5**-n
    tail = 0
    for j in range(low - 1, low - 1000, -1):
        tail += term
        term = term * j // (4 * (n - j + 1))
    want = float(Fraction(tail, 5**n))

    assert 1e-10 < want < 1e-6
    assert math.isclose(suite.outside(n, 0.8, low, n), want, rel_tol=1e-9)


@pytest.mark.parametrize(
    "keep_probs", [(0.8, 0.3), (0.99, 0.02), (0.6,), (0.9, 0.7, 0.4)]
)
def test_a_run_raises_a_false_alarm_in_fewer_than_one_of_a_million(keep_probs):
    """The bounds of all properties, added up, stay below 1e-6; each is printed by --list."""
    rows = suite.listing(keep_probs)

    assert 0 < sum(row["false_alarm"] for row in rows) < 1e-6
    assert all(row["smallest_defect"] for row in rows)


@pytest.mark.parametrize(("n", "q"), [(400, 0.8), (32_768, 0.3), (2_097_152, 0.8)])
def test_the_smallest_defect_is_found_with_the_promised_power(n, q):
    """A shift of that size is missed once in a thousand, a smaller one more often."""
    low, high = suite.bounds(n, q, 1e-8)
    shift = suite.smallest_shift(n, q, low, high)
    missed = [suite.inside(n, q + s, low, high) for s in (shift, -shift)]
    smaller = [suite.inside(n, q + s, low, high) for s in (0.98 * shift, -0.98 * shift)]

    assert max(missed) <= 1 - suite.POWER + 1e-9
    assert max(smaller) > 1 - suite.POWER


@pytest.mark.parametrize("seed", range(5))
def test_a_defect_of_the_listed_size_is_found(seed):
    """keep-rate lists 0.0028: a layer that is off by that fails, whatever the seed."""
    (row,) = [r for r in suite.listing() if r["property"] == "keep-rate"]
    size = float(row["smallest_defect"].split()[-1])

    class Off(layers.Right):
        def draw(self, x):
            return self.rng.random(x.shape) < self.keep_prob + size

    (verdict,) = suite.check(Off, seed=seed, names=["keep-rate"])

    assert 0.002 < size < 0.004
    assert verdict["verdict"] == "fail"


@pytest.mark.parametrize("keep_prob", [0.999, 0.001, 0.75, 0.5, 0.999999])
@pytest.mark.parametrize(
    "layer", [layers.Right, layers.SharedByExamples, layers.WholeCall], ids=name_of
)
def test_extreme_keep_probs_and_small_masks_raise_no_alarm(layer, keep_prob):
    """Where chance can look like a bug, the checks that rest on it step back."""
    for seed in range(5):
        found = suite.check(layer, (keep_prob,), seed)

        assert [v for v in found if v["verdict"] == "fail"] == []


def test_no_false_alarm_of_a_shared_mask_with_inf_and_nan():
    """A cell dropped once in a thousand holds all nan of a call: that is no bug."""
    for seed in range(2000):
        (verdict,) = suite.check(layers.WholeCall, (0.999,), seed, ["inf-and-nan"])

        assert verdict["verdict"] == "pass", (seed, verdict)


def test_one_property_alone_says_what_it_says_in_a_full_run():
    """The random numbers of a property do not depend on what ran before it."""
    full = {v["property"]: v for v in suite.check(layers.Right)}

    for name in ("keep-rate", "fresh-mask", "layers-differ"):
        assert suite.check(layers.Right, names=[name]) == [full[name]]


@pytest.mark.parametrize(
    ("layer", "name", "page"),
    [
        (layers.NoScale, "backward-is-the-mask", "no-scale"),
        (layers.NoScaleInBackward, "backward-is-the-mask", "no-scale-in-backward"),
        (layers.HardCodedHalf, "mean-kept", "hard-coded-half"),
        (layers.DividedByDrop, "mean-kept", "divided-by-p"),
        (layers.NormalNumbers, "keep-rate", "randn-for-rand"),
        (layers.Swapped, "keep-rate", "keep-and-drop-swapped"),
        (layers.ScaledByTheCount, "zero-or-scaled", "scaled-by-the-count"),
        (layers.ScaledByTheCount, "half-precision", "scaled-by-the-count"),
    ],
)
def test_a_failure_names_the_bug_that_the_layer_has(layer, name, page):
    """The page of one property, and of the full run."""
    (verdict,) = suite.check(layer, names=[name])

    assert verdict["page"] == f"practice/pitfalls/{page}/"
    assert suite.likeliest(suite.check(layer))["page"] == verdict["page"]


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (layers.KeepOffByOneHundredth, "keep-rate"),
        (layers.GaussianNoise, "zero-or-scaled"),
        (layers.GradientOffByOnePercent, "backward-is-the-mask"),
        (layers.ReadsMemoryInOrder, "memory-layouts"),
    ],
)
def test_no_bug_is_named_where_none_of_the_list_fits(layer, name):
    """A wrong name costs more time than none."""
    (verdict,) = suite.check(layer, names=[name])

    assert (verdict["verdict"], verdict["bug"], verdict["page"]) == ("fail", "", "")
    assert suite.likeliest(suite.check(layer)) is None


# ---- the command line ------------------------------------------------------------------

GOOD = """
from dropout_conformance import Example
class MyDropout(Example):
    pass
"""


def run(folder, module, *arguments, name="MyDropout"):
    """Run the suite alone in a folder, on a module with that text."""
    (folder / "dropout_conformance.py").write_text(SOURCE, "utf8")
    (folder / "my_module.py").write_text(textwrap.dedent(module), "utf8")
    command = [sys.executable, "dropout_conformance.py", f"my_module.py:{name}"]
    return subprocess.run(
        [*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )


def test_exit_status_0_and_a_line_for_each_property(tmp_path):
    """A right layer: 34 lines that say pass, and a summary."""
    done = run(tmp_path, GOOD)
    lines = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:2] for line in lines[:-1]] == [
        ["pass", n] for n in suite.NAMES
    ]
    assert lines[-1].startswith(f"0 failed, {len(suite.NAMES)} passed")


def test_exit_status_1_names_measure_expectation_bug_and_page(tmp_path):
    """A broken layer: what was measured and expected, the usual bug, the page about it."""
    broken = GOOD + "    def forward(self, x, training=True):\n        return x\n"
    done = run(tmp_path, broken, "--only", "mode-is-obeyed")

    assert done.returncode == 1
    assert (
        "FAIL  mode-is-obeyed            a training call changes nothing" in done.stdout
    )
    assert "expected                  dropout" in done.stdout
    assert "usually                   training does not drop" in done.stdout
    assert "read                      practice/pitfalls/never-drops/" in done.stdout
    assert done.stdout.endswith("1 failed, 0 passed (keep_prob 0.8 and 0.3, seed 0)\n")


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("1 +", "cannot be imported: SyntaxError"),
        ("import no_such_module", "cannot be imported: ModuleNotFoundError"),
        ("raise SystemExit(0)", "cannot be imported: SystemExit"),
        ("import os; os._exit(0)", "ended the process while it was loaded"),
        ("import time; time.sleep(99)", "did not load in 2 s; give --timeout more"),
        ("x = 1", "my_module.py has no MyDropout"),
        ("MyDropout = 3", "it is a int, not a class"),
        ("class MyDropout:\n    pass", "not made as Layer(keep_prob, rng)"),
        (
            "class MyDropout:\n    def __init__(self, p):\n        pass",
            "not made as Layer(keep_prob, rng): too many positional arguments",
        ),
        (
            "class MyDropout:\n    def __init__(self, keep_prob, rng):\n        pass",
            "it has no forward method",
        ),
        (
            GOOD + "    def forward(self, x):\n        return x",
            "forward does not take (x, training): got an unexpected keyword argument",
        ),
    ],
)
def test_exit_status_2_says_why_nothing_can_be_tested(tmp_path, module, message):
    """A module that does not load, or a class without the protocol."""
    done = run(tmp_path, module, "--timeout", "2")

    assert done.returncode == 2, done.stdout
    assert "my_module.py:MyDropout cannot be tested: " in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no_module.py:X"], "there is no file no_module.py"),
        (["my_module.py"], "is not of the form my_module.py:MyDropout"),
        (["my_module.py:X", "--only", "mean"], "unknown property 'mean'; see --list"),
        (["my_module.py:X", "--keep-prob", "1.2"], "give numbers between 0 and 1"),
        (["my_module.py:X", "--timeout", "inf"], "and a number of seconds"),
        (["my_module.py:X", "--seed", "-1"], "give a seed that is not negative"),
        (["my_module.py:X", "--only", ""], "no property is left to test"),
    ],
)
def test_wrong_arguments_end_with_2_and_a_reason(arguments, message):
    """Arguments that mean nothing are named."""
    done = subprocess.run(
        [sys.executable, FILE, *arguments], capture_output=True, text=True
    )

    assert done.returncode == 2
    assert message in done.stderr


def test_json_holds_what_the_table_shows(tmp_path):
    """--json: verdict, seed, keep_prob, and for each property measure, expectation, bug, page."""
    broken = GOOD + "    def backward(self, grad):\n        return grad\n"
    arguments = ["--only", "keep-all,backward-is-the-mask", "--seed", "3"]
    done = run(tmp_path, broken, "--json", *arguments, "--keep-prob", "0.7")
    told = json.loads(done.stdout)

    assert done.returncode == 1
    assert (told["verdict"], told["seed"], told["keep_prob"]) == ("fail", 3, [0.7])
    assert told["layer"] == "my_module.py:MyDropout"
    assert [p["verdict"] for p in told["properties"]] == ["pass", "fail"]
    assert told["properties"][1] == {
        "property": "backward-is-the-mask",
        "verdict": "fail",
        "measured": "backward returns grad as it is",
        "expected": "0 or 1.4286 times grad, as forward did",
        "bug": "backward forgets the mask",
        "page": "practice/pitfalls/no-mask-in-backward/",
    }


def test_properties_can_be_chosen_and_left_out(tmp_path):
    """--only and --skip."""
    only = run(tmp_path, GOOD, "--only", ",".join(FAST))
    rest = run(tmp_path, GOOD, "--only", ",".join(FAST), "--skip", FAST[0])

    assert only.stdout.count("pass") == 3  # two lines and the summary
    assert FAST[0] not in rest.stdout


def test_list_prints_bound_and_smallest_defect_of_each_property():
    """--list, in words and as JSON."""
    words = subprocess.run(
        [sys.executable, FILE, "--list"], capture_output=True, text=True
    )
    data = subprocess.run(
        [sys.executable, FILE, "--list", "--json"], capture_output=True, text=True
    )
    rows = json.loads(data.stdout)["properties"]

    assert (words.returncode, data.returncode) == (0, 0)
    assert [row["property"] for row in rows] == suite.NAMES
    assert "false alarm of a whole run below" in words.stdout.splitlines()[-1]
    for row in rows:
        assert row["property"] in words.stdout
        assert row["meaning"] in words.stdout
        assert row["smallest_defect"] in words.stdout


# ---- layers that nobody trusts ---------------------------------------------------------


def test_a_layer_that_hangs_fails_that_property_and_the_next_are_tested(tmp_path):
    """Evaluation never returns: what uses it fails, the rest passes, in limited time."""
    hangs = GOOD + (
        "    def forward(self, x, training=True):\n"
        "        while not training: pass\n"
        "        return super().forward(x, training)\n"
    )
    chosen = "evaluation-is-identity,keep-all,zero-or-scaled"
    done = run(tmp_path, hangs, "--only", chosen, "--timeout", "6")

    assert done.returncode == 1
    assert "FAIL  evaluation-is-identity    no answer in 1.5 s" in done.stdout
    assert done.stdout.count("pass  ") == 2


def test_a_layer_that_ends_the_process_fails_and_the_next_are_tested(tmp_path):
    """os._exit in training: a verdict, not silence."""
    exits = GOOD + (
        "    def forward(self, x, training=True):\n"
        "        if x.dtype == 'f4': __import__('os')._exit(0)\n"
        "        return super().forward(x, training)\n"
    )
    done = run(tmp_path, exits, "--only", "zero-or-scaled,keep-all")

    assert done.returncode == 1
    assert "FAIL  zero-or-scaled            the layer ended the process" in done.stdout
    assert "pass  keep-all" in done.stdout


def test_what_a_layer_prints_is_not_taken_for_a_verdict(tmp_path):
    """A layer that writes JSON to the standard output changes nothing."""
    prints = GOOD + (
        "    def forward(self, x, training=True):\n"
        "        print('{\"end\": true}', flush=True)\n"
        "        return super().forward(x, training)\n"
    )
    done = run(tmp_path, prints, "--only", ",".join(FAST))

    assert (done.returncode, done.stdout.count("pass  ")) == (0, 2)


def before_each_call(deed, more=""):
    """Return a right layer that does something before each forward call."""
    method = f"    def forward(self, x, training=True):\n        {deed}\n"
    call = "        return super().forward(x, training)\n"
    return f"import os, sys\nimport numpy as np\n{more}{GOOD}{method}{call}"


WRITE = """
def write(text):
    for number in range(3, 12):
        try:
            os.write(number, text)
        except OSError:
            pass
"""


@pytest.mark.parametrize(
    "line",
    [
        "3",
        "[]",
        '["done", {}]',
        '["done", {"property": ["x"], "verdict": "pass", "measured": 1}]',
        '["start", "no such property"]',
        "[" * 50_000,
        '["done", {"property": "keep-all", "verdict": "fail"}]',
    ],
)
def test_a_layer_that_finds_the_pipe_cannot_break_the_suite(tmp_path, line):
    """Whatever is written between the verdicts, they arrive."""
    layer = before_each_call(f"write(b'\\n' + {line!r}.encode() + b'\\n')", WRITE)
    done = run(tmp_path, layer, "--only", ",".join(FAST))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("pass  ") == 2


def test_a_layer_that_writes_without_an_end_is_stopped(tmp_path):
    """A flood of messages does not prolong the run."""
    flood = 'write(b\'["start", "keep-all"]\\n\' * 999)'
    layer = before_each_call(f"while True: {flood}", WRITE)
    done = run(tmp_path, layer, "--only", ",".join(FAST), "--timeout", "1")

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("FAIL  ") == 2


@pytest.mark.parametrize(
    ("deed", "status"),
    [
        ("self.forked = getattr(self, 'forked', None) or [os.fork()]", 0),
        ("os._exit = lambda status: None", 0),
        ("raise ValueError('\\ud800 \\x1b[2J')", 1),
        ("raise type('\\x1b[2J', (ValueError,), {})('no')", 1),
    ],
)
def test_odd_deeds_end_in_plain_verdicts(tmp_path, deed, status):
    """Forks, replaced functions, and texts that no terminal should see."""
    done = run(tmp_path, before_each_call(deed), "--only", ",".join(FAST))

    assert (done.returncode, done.stderr) == (status, "")
    assert "\x1b" not in done.stdout
    assert sum(line[:4] in ("pass", "FAIL") for line in done.stdout.splitlines()) == 2


def test_replaced_functions_of_numpy_are_noticed(tmp_path):
    """A layer that makes every comparison true does not pass."""
    layer = before_each_call("np.allclose = lambda *a, **k: True")
    done = run(tmp_path, layer, "--only", "keep-all,global-state-untouched")

    assert done.returncode == 1
    assert "np.allclose was replaced" in done.stdout


def test_a_report_that_nobody_reads_to_its_end_is_no_error(tmp_path):
    """`| head -1` closes the pipe: no traceback."""
    (tmp_path / "dropout_conformance.py").write_text(SOURCE, "utf8")
    command = f"{sys.executable} dropout_conformance.py | head -1"
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True
    )

    assert done.stderr == ""


@pytest.mark.parametrize("number", [0, 7, 18, 21, 33, 45])
def test_a_misbehaving_layer_gets_a_verdict(tmp_path, number):
    """Some of the random layers of tests/misbehaving.py; the nightly run takes 200."""
    assert_verdict(tmp_path, number, "--timeout", "4")


def assert_verdict(folder, number, *arguments):
    done = run(folder, misbehaving.source(number), *arguments, name="Layer")

    assert done.returncode in (1, 2), misbehaving.source(number)
    assert "Traceback" not in done.stdout + done.stderr
    if done.returncode == 1:
        words = [line.split()[:2] for line in done.stdout.splitlines()]
        told = [w[1] for w in words if w and w[0] in ("pass", "FAIL", "n/a")]
        assert told == suite.NAMES
    else:
        assert "cannot be tested: " in done.stderr


# ---- as pytest -------------------------------------------------------------------------


def test_three_lines_make_a_pytest_test_for_each_property(tmp_path):
    """as_tests: right, forward only, broken and hanging layers in one run."""
    (tmp_path / "dropout_conformance.py").write_text(SOURCE, "utf8")
    (tmp_path / "my_module.py").write_text(
        GOOD + "class Hangs(MyDropout):\n"
        "    def forward(self, x, training=True):\n"
        "        while True: pass\n"
    )
    (tmp_path / "test_it.py").write_text(
        "from dropout_conformance import as_tests\n"
        "from my_module import MyDropout\n"
        "test_my_dropout = as_tests(MyDropout)\n"
        "\n"
        "import dropout_conformance, my_module\n"
        f"rest = [n for n in dropout_conformance.NAMES if n != {FAST[0]!r}]\n"
        "test_hangs = as_tests(my_module.Hangs, skip=rest, seconds=0.5)\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "test_it.py",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )

    assert f"1 failed, {len(suite.NAMES)} passed" in done.stdout, done.stdout
    assert f"test_hangs[{FAST[0]}]" in done.stdout
    assert "no answer in 0.5 s" in done.stdout


def test_a_global_random_state_is_left_as_it_was():
    """Testing a layer does not disturb the caller's own randomness."""
    np.random.seed(5)
    before = str(np.random.get_state())
    suite.check(layers.SeedsTheGlobalGenerator, names=["global-state-untouched"])

    assert str(np.random.get_state()) == before
