"""What a page shows does not depend on the processor: every program again, as on an old one."""

import json
import os
import platform
import subprocess
import sys
import tempfile

import pytest

from sitekit import execute, pages

EXAMPLES = [
    example
    for record in pages.all_records().values()
    for example in record.examples
    if example.kind != "needs"
]
DISPATCHED = """
import json, numpy
core = numpy._core._multiarray_umath
names = [name for name in core.__cpu_dispatch__ if core.__cpu_features__[name]]
print(json.dumps(names))
"""


@pytest.fixture(scope="module")
def old_processor():
    """Settings that keep NumPy and OpenBLAS from using what newer processors can do."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.fail("these settings are known for x86-64 only")
    command = [execute.READER, "-I", "-c", DISPATCHED]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    newer = " ".join(json.loads(found.stdout))
    assert newer or not sys.platform.startswith("linux")
    return {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": newer}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_a_program_prints_the_same_on_an_old_processor(example, old_processor):
    """Text exactly, numbers to 1e-9: the last digits may differ, what is shown may not."""
    settings = pages.CACHE / "matplotlib"
    with tempfile.TemporaryDirectory() as empty:
        home = {"MPLBACKEND": "agg", "MPLCONFIGDIR": str(settings), "HOME": empty}
        done = subprocess.run(
            [execute.READER, "-I", "-c", example.program],
            cwd=empty,
            env={**home, **old_processor, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
        )
    usual = execute.program_result(example.program)

    assert (done.returncode != 0) == (example.kind == "wrong"), done.stderr
    assert execute.difference(usual.printed, done.stdout) == ""
