"""How a page becomes a proof. Nothing in here knows about dropout.

Reading order: pages (what a page contains), fences (code blocks), claims (claims, citations),
tracing (numbers), maths, figures, execute (running code), proof (verdicts, proof.json), seals
(what readers see of it). The rest connects them: pytest_plugin to pytest, notebooks and hooks
to MkDocs, __main__ to make.
"""
