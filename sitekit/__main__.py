"""Commands behind the Makefile: `python -m sitekit build [folder] | serve | verify | parity | experiments`."""

import os
import socket
import sys

from sitekit import proof
from sitekit.pages import ROOT

os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")


def build(folder: str = "site") -> int:
    from mkdocs.__main__ import cli

    proof.say(f"building into {folder}")
    return cli(
        ["build", "--strict", "--quiet", "--site-dir", folder], standalone_mode=True
    )


def serve() -> int:
    import functools
    import gc
    import logging

    from mkdocs.commands import serve as command

    warnings = logging.StreamHandler()
    warnings.setLevel(logging.WARNING)  # a dead link is named, as in a build
    logging.getLogger("mkdocs").addHandler(warnings)

    port = free_port(8000)
    if port != 8000:
        proof.say(f"port 8000 is taken, using {port}")
    os.environ["SITE_URL"] = f"http://127.0.0.1:{port}/"
    proof.say(f"building; then open http://127.0.0.1:{port}/ (Ctrl-C stops)")
    gc.set_threshold(100_000)  # a rebuild makes many objects and few cycles
    command.LiveReloadServer = functools.partial(
        command.LiveReloadServer, polling_interval=0.1
    )
    command.serve(
        config_file=str(ROOT / "mkdocs.yml"), dev_addr=f"127.0.0.1:{port}", strict=True
    )
    return 0


def free_port(first: int) -> int:
    """Return the first port from `first` on that nothing listens on."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise SystemExit(
        f"no free port between {first} and {first + 99}; stop what listens there"
    )


def verify() -> int:
    problems = proof.verify()
    for problem in problems:
        proof.say(problem)
    return 1 if problems else 0


def experiments(*arguments: str) -> int:
    from sitekit.experiments import main

    return main(list(arguments))


def parity() -> int:
    return proof.run_needs()


if __name__ == "__main__":
    commands = {"build": build, "serve": serve, "verify": verify, "parity": parity}
    commands["experiments"] = experiments
    most = {"build": 1, "experiments": 99}
    name, *arguments = sys.argv[1:] or [""]
    if name not in commands or len(arguments) > most.get(name, 0):
        raise SystemExit(__doc__)
    os.chdir(ROOT)
    sys.exit(commands[name](*arguments))
