"""Random layers that misbehave: raise, hang, end the process, return anything, change anything."""

import random

HEAD = """
import os, random, signal, sys, threading, time
import numpy as np


class Evil(np.ndarray):
    def __ne__(self, other):
        raise RuntimeError("no comparison")
    def __truediv__(self, other):
        return "a string"
    def __bool__(self):
        raise KeyboardInterrupt


class Unprintable(Exception):
    def __str__(self):
        raise ValueError("not even this")
    __repr__ = __str__


class Layer:
    def __init__(self, keep_prob, rng):
        self.keep_prob, self.rng = keep_prob, rng
        self.calls = 0
        {init}

    def forward(self, x, training=True):
        self.calls += 1
        self.mask = np.ones_like(x)
        if training:
            {training}
            kept = self.rng.random(x.shape) < self.keep_prob
            self.mask = np.where(kept, 1 / self.keep_prob, 0).astype(x.dtype)
        else:
            {evaluation}
        out = x * self.mask
        {forward}
        return out

    def backward(self, grad):
        {backward}
        return grad * self.mask

{more}
"""
DEEDS = [
    "raise ValueError",
    "raise ValueError('')",
    "raise ZeroDivisionError('x' * 100_000)",
    "raise Unprintable",
    "raise KeyboardInterrupt",
    "raise GeneratorExit",
    "raise MemoryError",
    "raise StopIteration",
    "sys.exit(0)",
    "sys.exit('bye')",
    "os._exit(0)",
    "os._exit(3)",
    "os.abort()",
    "os.kill(os.getpid(), signal.SIGKILL)",
    "os.kill(os.getpid(), signal.SIGSTOP)",
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)",
    "time.sleep(1000)",
    "while True: pass",
    "[0 for _ in iter(int, 1)]",
    "threading.Lock().acquire() and threading.Event().wait()",
    "threading.Thread(target=time.sleep, args=(1000,)).start()",
    "os.fork() or time.sleep(1000)",
    "time.sleep(0.05)",
    "sys.setrecursionlimit(10**6) if False else (lambda f: f(f))(lambda f: f(f))",
    "print('{\"done\": 1}' * 1000, flush=True)",
    "os.write(1, b'{\"done\": {}}\\n' * 100)",
    "os.close(0)",
    "os.closerange(0, 100)",
    "sys.stdout.close()",
    "return None",
    "return 'text'",
    "return x if training else None",
    "return [1.0, 2.0]",
    "return lambda: 0",
    "return np.array('text')",
    "return np.array([object()])",
    "return np.ma.masked_array(x, x > 1.5)",
    "return x.astype(complex)",
    "return x.astype('M8[s]')",
    "return x.astype(np.longdouble)",
    "return x.view(Evil)",
    "return x[..., :-1]",
    "return x.T",
    "return np.zeros((0,))",
    "return x * np.nan",
    "return x * 0",
    "return np.broadcast_to(x, (3, *x.shape))",
    "x[...] = np.nan",
    "x.flags.writeable = False",
    "x.resize((1,), refcheck=False)",
    "x.shape = (-1,)",
    "np.random.seed(self.calls)",
    "random.seed(1); np.random.random()",
    "np.seterr(all='raise')",
    "np.random.default_rng = None",
    "np.where = lambda *a: 1 / 0",
    "np.array_equal = lambda *a, **k: True",
    "np.sum = None",
    "self.rng = None",
    "del self.mask",
    "self.keep_prob = self.keep_prob / 2",
    "self.keep_prob = 'gone'",
    "self.rng.bit_generator.state = np.random.default_rng(1).bit_generator.state",
    "type(self).forward = None",
    "type(self).__init__ = None",
    "sys.modules.clear()",
    "__builtins__.clear() if isinstance(__builtins__, dict) else None",
    "import builtins; builtins.print = None; builtins.len = None",
    "os.chdir('/')",
    "if self.calls > 20: time.sleep(1000)",
    "if self.calls > 40: os._exit(1)",
    "if self.calls % 7 == 6: raise OSError('now and then')",
    "if x.dtype == np.float32: return x.astype(float)",
    "if x.ndim > 2: raise IndexError('only two axes')",
]
MORE = [
    "",
    "    activation = 3",
    "    activation = staticmethod(lambda x: None)",
    "    activation = staticmethod(lambda x: x[:1])",
    "    activation = staticmethod(lambda x: 1 / 0)",
    "    activation = staticmethod(lambda x: x * 0)",
    "    mask_shape = None",
    "    mask_shape = (1, 2)",
    "    def mask_shape(self, shape): return 'abc'",
    "    def mask_shape(self, shape): return (1,)",
    "    def mask_shape(self, shape): return (-1,) * len(shape)",
    "    def mask_shape(self, shape): raise ValueError('never')",
    "    def mask_shape(self, shape): raise KeyError('never')",
    "    def mask_shape(self, shape): return [1.5] * len(shape)",
    "    def mask_shape(self, shape): time.sleep(1000)",
    "    __slots__ = ()",
    "    def __getattr__(self, name): raise SystemExit(name)",
    "    def __getattribute__(self, name): return object.__getattribute__(self, name)",
    "    def __del__(self): raise ValueError",
    "    backward = 7",
    "    backward = property(lambda self: 1 / 0)",
    "    forward = property(lambda self: 1 / 0)",
    "    forward = staticmethod(len)",
    "Layer = 3",
    "Layer = Layer(0.8, None)",
    "def Layer(keep_prob, rng, _layer=Layer): return _layer(keep_prob, rng)",
    "def Layer(p): return p",
    "Layer = np.multiply",
    "class Layer: pass",
    "del Layer",
    "time.sleep(1000)",
    "os._exit(0)",
    "raise SystemExit",
    "1 +",
]
PLACES = ("init", "training", "evaluation", "forward", "backward", "more")


def source(number):
    """Return the module of one random layer: one to three deeds in random places."""
    chance = random.Random(number)
    parts = dict.fromkeys(PLACES, "pass") | {"more": ""}
    for place in chance.sample(PLACES, chance.choice((1, 1, 2, 3))):
        deeds = MORE if place == "more" else DEEDS
        parts[place] = chance.choice(deeds)
        if place == "init" and parts[place].startswith("return"):
            parts[place] = "return 3"
        if place == "backward":
            parts[place] = f"x, training = grad, True; {parts[place]}"
    text = HEAD
    for place, deed in parts.items():
        text = text.replace(f"{{{place}}}", deed)
    return text
