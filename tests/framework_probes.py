"""What each framework does, asked of the framework itself; run by `make parity`.

    .venv-parity/bin/python tests/framework_probes.py      print all answers as JSON

A probe runs a layer and returns a few words about what happened. The words come from the run, so
another behaviour gives other words. tests/frameworks.py compares them with those of last time.
"""

import inspect
import json
import os
import re
import sys
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")
warnings.simplefilter("ignore")  # this file looks at what happens, not at what is said

import flax.linen as linen
import jax
import jax.numpy as jnp
import keras
import numpy as np
import torch
from flax import nnx

jax.config.update("jax_enable_x64", True)  # or float64 becomes float32
NUMBER = 0.2  # handed over as the parameter; never 0.5, which hides its meaning
SIZE = 40_000  # drops 8000 or 32000 of them; 0.1 away from the share is 50 standard deviations
F = torch.nn.functional

# ---- one way to call them all --------------------------------------------------------
# layer(number) -> call(x, training, seed) -> array; gradient: call(x, ...) with respect to x.


def torch_call(make):
    def of(number, **options):
        function = make(number, **options)

        def call(x, training=True, seed=0, gradient=False):
            torch.manual_seed(seed)
            x = torch.tensor(x, requires_grad=gradient)
            out = function(x, training)
            if not gradient:
                return out.detach().numpy()
            out.sum().backward()
            return x.grad.numpy()

        return call

    return of


def torch_module(number, **options):
    module = torch.nn.Dropout(number, **options)
    return lambda x, training: module.train(training)(x)


def torch_function(number):
    return lambda x, training: F.dropout(x, number, training=training)


def keras_call(make):
    def of(number, **options):
        def call(x, training=True, seed=0, gradient=False):
            function = make(number, seed, **options)  # seeded anew
            given = torch.tensor(x, requires_grad=gradient)
            out = function(given, training)
            if not gradient:
                return out.detach().numpy()
            if not out.requires_grad:
                return None  # cut off: backward() would raise an error
            out.sum().backward()
            return given.grad.numpy()

        return call

    return of


def keras_layer(number, seed, **options):
    """As most people write it, and another path through Keras than with seed=."""
    keras.utils.set_random_seed(seed)
    layer = keras.layers.Dropout(number, **options)
    return lambda x, training: layer(x, training=training)


def keras_seeded(number, seed, **options):
    layer = keras.layers.Dropout(number, seed=seed, **options)
    return lambda x, training: layer(x, training=training)


def keras_function(number, seed, **options):
    return lambda x, training: keras.random.dropout(x, number, seed=seed, **options)


def jax_call(make):
    def of(number, **options):
        function = make(number, **options)

        def call(x, training=True, seed=0, gradient=False):
            def run(x):
                return function(x, training, jax.random.key(seed))

            if gradient:
                return np.array(jax.grad(lambda x: run(x).sum())(jnp.array(x)))
            return np.array(run(jnp.array(x)))

        return call

    return of


def linen_module(number, **options):
    module = linen.Dropout(number, **options)

    def call(x, training, key):
        return module.apply({}, x, deterministic=not training, rngs={"dropout": key})

    return call


def nnx_module(number, **options):
    def call(x, training, key):
        module = nnx.Dropout(number, rngs=nnx.Rngs(dropout=key), **options)
        return module(x, deterministic=not training)

    return call


def by_hand(keep_prob):
    """As on the page: a parameter to keep, not to drop."""

    def call(x, training, key):
        if not 0 < keep_prob <= 1:
            raise ValueError(f"keep_prob must be in (0, 1], got {keep_prob}")
        if not training:
            return x
        kept = jax.random.bernoulli(key, keep_prob, x.shape)
        return jnp.where(kept, x / keep_prob, 0)

    return call


LAYERS = {
    "PyTorch, nn.Dropout": torch_call(torch_module),
    "PyTorch, F.dropout": torch_call(torch_function),
    "Keras, layers.Dropout": keras_call(keras_layer),
    "Keras, layers.Dropout(seed=)": keras_call(keras_seeded),
    "Keras, random.dropout(seed=)": keras_call(keras_function),
    "Flax, linen.Dropout": jax_call(linen_module),
    "Flax, nnx.Dropout": jax_call(nnx_module),
    "JAX, by hand": jax_call(by_hand),
}
SIGNATURES = {
    "PyTorch, nn.Dropout": torch.nn.Dropout.__init__,
    "PyTorch, F.dropout": F.dropout,
    "Keras, layers.Dropout": keras.layers.Dropout.__init__,
    "Keras, layers.Dropout(seed=)": keras.layers.Dropout.__init__,
    "Keras, random.dropout(seed=)": keras.random.dropout,
    "Flax, linen.Dropout": linen.Dropout,
    "Flax, nnx.Dropout": nnx.Dropout.__init__,
}

# ---- questions -----------------------------------------------------------------------


REFUSALS = (ValueError, TypeError, RuntimeError)  # no AssertionError: that is a probe's


def refused(function, *given) -> str:
    """Return the answer, or the name of the error, where an error is an answer."""
    try:
        return function(*given)
    except REFUSALS as error:
        return type(error).__name__


# The frameworks' own arrays: an error for a NumPy array would look like an answer.


def ones(name: str, shape=1000, dtype="float32"):
    if name.startswith(("PyTorch", "Keras")):
        return torch.ones(shape, dtype=getattr(torch, dtype))
    return jnp.ones(shape, dtype)


def ready(name: str, seed=1):
    """One layer or function in training, seeded once."""
    if name == "PyTorch, nn.Dropout":
        torch.manual_seed(seed)
        return torch.nn.Dropout(NUMBER)
    if name == "PyTorch, F.dropout":
        torch.manual_seed(seed)
        return lambda x: F.dropout(x, NUMBER)
    if name.startswith("Keras"):
        make = {
            "Keras, layers.Dropout": keras_layer,
            "Keras, layers.Dropout(seed=)": keras_seeded,
            "Keras, random.dropout(seed=)": keras_function,
        }[name]
        function = make(NUMBER, seed)
        return lambda x: function(x, True)
    key = jax.random.key(seed)
    if name == "Flax, nnx.Dropout":
        return nnx.Dropout(NUMBER, rngs=nnx.Rngs(dropout=key))
    if name == "Flax, linen.Dropout":
        layer, keys = linen.Dropout(NUMBER), {"dropout": key}
        return lambda x: layer.apply({}, x, deterministic=False, rngs=keys)
    return lambda x: by_hand(NUMBER)(x, True, key)


def parameter(name: str) -> str:
    """The first parameter that is no array, as the signature has it."""
    if name not in SIGNATURES:
        return "keep_prob"
    names = inspect.signature(SIGNATURES[name]).parameters
    return next(n for n in names if n not in ("self", "input", "inputs", "x"))


def default(name: str) -> str:
    if name not in SIGNATURES:
        return "none"
    given = inspect.signature(SIGNATURES[name]).parameters[parameter(name)].default
    return "none" if given is inspect.Parameter.empty else str(given)


def meaning(layer) -> str:
    """What 0.2 does to ones: how many go, and what the others become."""
    out = layer(NUMBER)(np.ones(SIZE))
    share = np.mean(out == 0)
    assert min(abs(share - NUMBER), abs(share - 1 + NUMBER)) < 0.1, share
    return "drop" if share < 0.5 else "keep"


def factor(layer, training: bool) -> str:
    """What a kept 1 becomes at 0.2."""
    values = np.unique(layer(NUMBER)(np.ones(SIZE), training))
    kept = values[values != 0]
    assert kept.size == 1, values
    return f"× {kept[0]:.4g}"


def evaluation(layer) -> str:
    x = np.linspace(-3, 3, 50).astype("float32")  # Keras makes it so, if it is not
    out = layer(NUMBER)(x, training=False)
    return "returns its input" if out.tobytes() == x.tobytes() else "something else"


def at(layer, number: float) -> str:
    """Training with an extreme number: outputs, and the gradient of their sum."""
    x = np.linspace(1, 2, 50).astype("float32")
    out, slope = layer(number)(x), layer(number)(x, gradient=True)
    if slope is None:
        return "something else" if out.any() else "zeros, cut off from the gradient"
    words = {
        "input": np.array_equal(out, x) and np.array_equal(slope, np.ones(50)),
        "zeros": not out.any() and not slope.any(),
        "NaN in the gradient": np.isnan(slope).any(),
        "NaN": np.isnan(out).any(),
    }
    return next((word for word, holds in words.items() if holds), "something else")


def outside(layer, number: float) -> str:
    x = np.ones(50)
    out = layer(number)(x)
    return f"accepts it, returns {np.unique(out).round(3).tolist()}"


def dropped(layer, value: float) -> str:
    """What a dropped NaN or infinity becomes."""
    out = layer(NUMBER)(np.full(200, value))
    gone = layer(NUMBER)(np.ones(200)) == 0
    assert 5 < gone.sum() < 195
    if (out[gone] == 0).all():
        return "0"
    return "NaN" if np.isnan(out[gone]).all() else "mixed"


def dtypes(name: str) -> str:
    """Floating-point types in training: those that come out as they went in."""
    types = ("float16", "bfloat16", "float32", "float64")
    came = [
        str(ready(name)(ones(name, 20, t)).dtype).removeprefix("torch.") for t in types
    ]
    if came == list(types):
        return "kept"
    return f"become {came[0]}" if len(set(came)) == 1 else ", ".join(came)


def integers(name: str) -> str:
    out = ready(name)(3 * ones(name, 200, "int32"))
    values = np.unique(np.array(out)).round(4).tolist()
    return f"become {str(out.dtype).removeprefix('torch.')}, {values}"


def repeats(layer) -> str:
    """The same seed or key for a new layer."""
    x = np.ones(1000)
    first, same, other = (layer(NUMBER)(x, seed=seed) for seed in (1, 1, 2))
    assert (first != other).any()
    return "same mask" if np.array_equal(first, same) else "another mask"


def second_call(name: str) -> str:
    """One layer called twice without a new seed."""
    layer, x = ready(name), ones(name)
    calls = [np.array(layer(x)) for _ in range(2)]
    assert (calls[0] == 0).any()
    return "same mask" if np.array_equal(*calls) else "another mask"


class TwoLinen(linen.Module):
    @linen.compact
    def __call__(self, x):
        return [linen.Dropout(NUMBER, deterministic=False)(x) for _ in range(2)]


def twins(name: str) -> str:
    """Two layers of one model, seeded by one number."""
    x = ones(name)
    if name == "PyTorch, nn.Dropout":
        torch.manual_seed(1)
        calls = [torch.nn.Dropout(NUMBER)(x) for _ in range(2)]
    elif name == "Keras, layers.Dropout":
        keras.utils.set_random_seed(1)
        layers = [keras.layers.Dropout(NUMBER) for _ in range(2)]
        calls = [layer(x, training=True) for layer in layers]
    elif name == "Keras, layers.Dropout(seed=)":
        calls = [keras_seeded(NUMBER, 1)(x, True) for _ in range(2)]
    elif name == "Flax, linen.Dropout":
        calls = TwoLinen().apply({}, x, rngs={"dropout": jax.random.key(1)})
    elif name == "Flax, nnx.Dropout":
        rngs = nnx.Rngs(1)
        calls = [nnx.Dropout(NUMBER, rngs=rngs)(x) for _ in range(2)]
    else:
        return "no layer"
    first, second = (np.array(call) for call in calls)
    assert (first == 0).any()
    return "same mask" if np.array_equal(first, second) else "other masks"


def switch(name: str) -> str:
    """What a newly made layer does when nothing is said about training."""
    x = ones(name)
    if name == "PyTorch, nn.Dropout":
        out = torch.nn.Dropout(NUMBER)(x)
    elif name == "PyTorch, F.dropout":
        out = F.dropout(x, NUMBER)
    elif name == "Keras, layers.Dropout":
        out = keras.layers.Dropout(NUMBER)(x)
    elif name == "Keras, layers.Dropout(seed=)":
        out = keras.layers.Dropout(NUMBER, seed=1)(x)
    elif name == "Keras, random.dropout(seed=)":
        out = keras.random.dropout(x, NUMBER, seed=1)
    elif name == "Flax, linen.Dropout":
        keys = {"dropout": jax.random.key(1)}
        out = linen.Dropout(NUMBER).apply({}, x, rngs=keys)
    elif name == "Flax, nnx.Dropout":
        out = nnx.Dropout(NUMBER, rngs=nnx.Rngs(1))(x)
    else:
        return "as written"
    return "drops" if (np.array(out) == 0).any() else "does not drop"


def shape(name: str) -> str:
    """The option that makes rows share a mask, tried."""
    if name.startswith("PyTorch"):
        given = torch.ones(1, 500, 2, 2, 2)
        for function, axes in ((F.dropout1d, 1), (F.dropout2d, 2), (F.dropout3d, 3)):
            out = function(given.reshape(1, 500, *[2] * (axes - 1), -1), NUMBER)
            assert one_mask(out.numpy().reshape(500, -1).T), function
        return "none; dropout1d, 2d, 3d drop channels"
    option = {"noise_shape": (1, 500)} if "Keras" in name else {"broadcast_dims": (0,)}
    if name == "JAX, by hand":
        return "the shape of the mask"
    out = LAYERS[name](NUMBER, **option)(np.ones((8, 500), "float32"))
    assert one_mask(out), out[:3]
    return f"{next(iter(option))}="


def one_mask(rows) -> bool:
    """All rows are equal, and the mask keeps some and drops some."""
    return bool((rows == rows[0]).all() and 0 < np.mean(rows[0] == 0) < 1)


def same_mask(layer) -> str:
    """How closely NumPy with the framework's mask gives its outputs and gradients."""
    x = np.random.default_rng(1).standard_normal(2000)
    mask = layer(NUMBER)(np.ones(2000), seed=3) != 0
    keep_prob = 1 - NUMBER if meaning(layer) == "drop" else NUMBER
    out, slope = layer(NUMBER)(x, seed=3), layer(NUMBER)(x, seed=3, gradient=True)
    close = 1e-12 if out.dtype == np.float64 else 3e-7  # Keras makes it float32
    wanted = np.where(mask, x / keep_prob, 0)
    assert np.allclose(out, wanted, rtol=close, atol=0), "outputs"
    assert np.allclose(slope, mask / keep_prob, rtol=close, atol=0), "gradients"
    return f"to {close:g}, in {out.dtype}"


# ---- what switches dropout off, and what does not ---------------------------------------


class Functional(torch.nn.Module):
    """A model that calls functions, as people write it."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(self, x)


def attends(module, x):
    """Attention over rows; its value is the identity, so that a dropped weight shows."""
    one = torch.eye(x.shape[-1], dtype=x.dtype)
    return F.scaled_dot_product_attention(x, x, one, dropout_p=NUMBER)


def torch_modes() -> dict:
    x = torch.ones(200, 200)
    module = torch.nn.Dropout(NUMBER)
    functional = Functional(lambda m, x: F.dropout(x, NUMBER))
    guarded = Functional(lambda m, x: F.dropout(x, NUMBER, training=m.training))
    fresh = Functional(lambda m, x: torch.nn.Dropout(NUMBER)(x))
    listed = Functional(lambda m, x: m.layers[0](x))
    listed.layers = [torch.nn.Dropout(NUMBER)]  # not registered as a part
    alpha = Functional(lambda m, x: F.alpha_dropout(x, NUMBER))
    heads = torch.nn.MultiheadAttention(8, 2, dropout=0.9)
    lstm = torch.nn.LSTM(8, 8, num_layers=2, dropout=0.9)
    row = torch.ones(1, 20, 8)

    def two_calls(model, *given):
        calls = [model(*given) for _ in range(2)]
        return not torch.equal(*(c[0] if isinstance(c, tuple) else c for c in calls))

    # the probe sees it drop where it does
    assert two_calls(heads.train(), row, row, row)
    assert two_calls(lstm.train(), row)

    def without_gradient(context):
        with context():
            return two_calls(torch.nn.Dropout(NUMBER), x)

    def frozen():
        model = torch.nn.Sequential(torch.nn.Linear(200, 200), torch.nn.Dropout(NUMBER))
        return two_calls(model.requires_grad_(False), x)

    return {
        ("PyTorch", "model.eval(), with nn.Dropout"): two_calls(module.eval(), x),
        ("PyTorch", "model.eval(), with F.dropout(x, p)"): two_calls(
            functional.eval(), x
        ),
        ("PyTorch", "model.eval(), with F.dropout(x, p, self.training)"): two_calls(
            guarded.eval(), x
        ),
        ("PyTorch", "model.eval(), with nn.Dropout(p)(x) made in forward"): two_calls(
            fresh.eval(), x
        ),
        (
            "PyTorch",
            "model.eval(), with scaled_dot_product_attention(dropout_p=)",
        ): two_calls(Functional(attends).eval(), x),
        ("PyTorch", "model.eval(), with nn.MultiheadAttention"): two_calls(
            heads.eval(), row, row, row
        ),
        ("PyTorch", "model.eval(), with nn.LSTM(dropout=)"): two_calls(
            lstm.eval(), row
        ),
        ("PyTorch", "model.eval(), with nn.Dropout in a Python list"): two_calls(
            listed.eval(), x
        ),
        ("PyTorch", "model.train(), with F.alpha_dropout(x, p)"): two_calls(
            alpha.train(), x
        ),
        ("PyTorch", "torch.no_grad()"): without_gradient(torch.no_grad),
        ("PyTorch", "torch.inference_mode()"): without_gradient(torch.inference_mode),
        ("PyTorch", "model.requires_grad_(False)"): frozen(),
    }


class KerasFunctional(keras.layers.Layer):
    def call(self, x):
        return keras.random.dropout(x, NUMBER)


def keras_modes() -> dict:
    x = np.ones((50, 50), "float32")
    model = keras.Sequential([keras.Input((50,)), keras.layers.Dropout(NUMBER)])
    model.compile()
    frozen = keras.Sequential([keras.Input((50,)), keras.layers.Dropout(NUMBER)])
    frozen.trainable = False
    functional = keras.Sequential([keras.Input((50,)), KerasFunctional()])
    inputs = keras.Input((50,))
    asked = keras.Model(inputs, keras.layers.Dropout(NUMBER)(inputs, training=True))
    fitted = keras.Sequential([keras.Input((50,)), keras.layers.Dropout(NUMBER)])
    fitted.compile(loss="mse")

    def two_calls(run):
        return not np.array_equal(*(np.array(run().detach()) for _ in range(2)))

    return {
        ("Keras", "model(x)"): two_calls(lambda: model(x)),
        ("Keras", "model(x, training=True)"): two_calls(
            lambda: model(x, training=True)
        ),
        ("Keras", "model.predict(x)"): two_calls(
            lambda: torch.tensor(model.predict(x, verbose=0))
        ),
        ("Keras", "model.fit(x, y)"): fitted.fit(x, x, verbose=0).history["loss"][0]
        > 0,
        ("Keras", "model.evaluate(x, y)"): fitted.evaluate(x, x, verbose=0) > 0,
        (
            "Keras",
            "model.predict(x), with layers.Dropout(p)(x, training=True)",
        ): two_calls(lambda: torch.tensor(asked.predict(x, verbose=0))),
        ("Keras", "model.predict(x), with random.dropout(x, p) in call"): two_calls(
            lambda: torch.tensor(functional.predict(x, verbose=0))
        ),
        ("Keras", "model.trainable = False, then model(x, training=True)"): two_calls(
            lambda: frozen(x, training=True)
        ),
    }


def flax_modes() -> dict:
    x = jnp.ones((50, 50))
    old = linen.Dropout(NUMBER)
    layer = nnx.Dropout(NUMBER, rngs=nnx.Rngs(0))
    model = nnx.Sequential(nnx.Dropout(NUMBER, rngs=nnx.Rngs(0)))

    def two_keys(deterministic):
        keys = [{"dropout": jax.random.key(n)} for n in (1, 2)]
        calls = (
            old.apply({}, x, deterministic=deterministic, rngs=key) for key in keys
        )
        return not np.array_equal(*calls)

    def two_calls(model, **options):
        return not np.array_equal(model(x, **options), model(x, **options))

    found = {
        ("Flax linen", "deterministic=False, with two keys"): two_keys(False),
        ("Flax linen", "deterministic=True"): two_keys(True),
        ("Flax nnx", "nothing said"): two_calls(layer),
        ("Flax nnx", "layer(x, deterministic=True)"): two_calls(
            layer, deterministic=True
        ),
    }
    model.eval()
    found["Flax nnx", "model.eval()"] = two_calls(model)
    found["Flax nnx", "model.eval(), then layer(x, deterministic=False)"] = two_calls(
        model.layers[0], deterministic=False
    )
    heads = nnx.MultiHeadAttention(
        2, 8, dropout_rate=0.9, decode=False, rngs=nnx.Rngs(0)
    )
    rows = jnp.ones((1, 20, 8))
    heads.train()
    assert not np.array_equal(heads(rows), heads(rows))
    heads.eval()
    found["Flax nnx", "model.eval(), with nnx.MultiHeadAttention"] = not np.array_equal(
        heads(rows), heads(rows)
    )
    return found


def all_modes() -> list[list[str]]:
    """Framework, what was said, and whether two calls differ."""
    every = {**torch_modes(), **keras_modes(), **flax_modes()}
    return [
        [*what, "drops" if differ else "does not drop"]
        for what, differ in every.items()
    ]


# ---- the functions' own defaults ---------------------------------------------------------

FUNCTIONS = {
    "torch.nn.Dropout": torch.nn.Dropout,
    "torch.nn.functional.dropout": F.dropout,
    "torch.nn.functional.dropout1d": F.dropout1d,
    "torch.nn.functional.dropout2d": F.dropout2d,
    "torch.nn.functional.dropout3d": F.dropout3d,
    "torch.nn.functional.alpha_dropout": F.alpha_dropout,
    "torch.nn.functional.feature_alpha_dropout": F.feature_alpha_dropout,
    "torch.nn.functional.scaled_dot_product_attention": F.scaled_dot_product_attention,
    "torch.nn.functional.multi_head_attention_forward": F.multi_head_attention_forward,
    "torch.nn.MultiheadAttention": torch.nn.MultiheadAttention,
    "torch.nn.TransformerEncoderLayer": torch.nn.TransformerEncoderLayer,
    "torch.nn.LSTM": torch.nn.LSTM,
    "keras.layers.Dropout": keras.layers.Dropout,
    "keras.layers.SpatialDropout2D": keras.layers.SpatialDropout2D,
    "keras.layers.MultiHeadAttention": keras.layers.MultiHeadAttention,
    "keras.layers.LSTM": keras.layers.LSTM,
    "keras.random.dropout": keras.random.dropout,
    "flax.linen.Dropout": linen.Dropout,
    "flax.linen.MultiHeadDotProductAttention": linen.MultiHeadDotProductAttention,
    "flax.nnx.Dropout": nnx.Dropout,
    "flax.nnx.MultiHeadAttention": nnx.MultiHeadAttention,
}
RATES = ("p", "rate", "dropout", "dropout_p", "dropout_rate", "recurrent_dropout")
MODES = ("training", "deterministic")


def with_defaults(function, chosen) -> str:
    """Return those of the chosen parameters that a function has, with their defaults."""
    if function is torch.nn.LSTM:  # its signature is *args
        given = {"dropout": torch.nn.LSTM(1, 1).dropout}
    elif function is F.scaled_dot_product_attention:  # built in: it has none
        words = re.findall(r"(\w+)=([\w.]+)", function.__doc__.split(") ->")[0])
        given = dict(words)
        assert "dropout_p" in given, given
    else:
        made = function.__init__ if inspect.isclass(function) else function
        found = inspect.signature(made).parameters
        given = {name: one.default for name, one in found.items()}
    empty = inspect.Parameter.empty
    return ", ".join(
        n if given[n] is empty else f"{n}={given[n]}" for n in chosen if n in given
    )


def modes(function) -> str:
    """Where the switch is: in the call, or when it is made, or in the model only."""
    made = with_defaults(function, MODES)
    if not inspect.isclass(function):
        return made or "none"
    if issubclass(function, keras.layers.Layer):
        call = with_defaults(function.call, MODES)
    elif issubclass(function, (linen.Module, nnx.Module)):
        call = with_defaults(function.__call__, MODES)
    else:
        return "the model's mode"
    return ", ".join(
        f"{words} ({when})"
        for words, when in ((made, "when made"), (call, "in the call"))
        if words
    )


def all_functions() -> list[list[str]]:
    """Name, its parameters of dropout with their defaults, its switch with its default."""
    return [[name, with_defaults(f, RATES), modes(f)] for name, f in FUNCTIONS.items()]


def all_answers() -> dict:
    found = {}
    for name, layer in LAYERS.items():
        functional = name == "Keras, random.dropout(seed=)"  # always in training
        found[name] = {
            "parameter": parameter(name),
            "meaning": meaning(layer),
            "default": default(name),
            "factor in training": factor(layer, True),
            "at evaluation": "no such mode" if functional else evaluation(layer),
            "said nothing": refused(switch, name),
            "at 0": refused(at, layer, 0.0),
            "at 1": refused(at, layer, 1.0),
            "at 1.2": refused(outside, layer, 1.2),
            "at -0.2": refused(outside, layer, -0.2),
            "dropped NaN": dropped(layer, np.nan),
            "dropped infinity": dropped(layer, np.inf),
            "floats": dtypes(name),
            "integers": refused(integers, name),
            "shape": shape(name),
            "same seed, new layer": repeats(layer),
            "second call": second_call(name),
            "two layers": twins(name),
            "same mask as NumPy": same_mask(layer),
        }
    return found


if __name__ == "__main__":
    found = {
        "layers": all_answers(),
        "modes": all_modes(),
        "functions": all_functions(),
    }
    json.dump(found, sys.stdout, indent=1, ensure_ascii=False)
    print()
