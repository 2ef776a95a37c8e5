"""How a page becomes a proof. Nothing in here knows about dropout.

Reading order: pages (what a page contains), fences (Markdown code blocks), claims (claims,
citations, numbers), maths, figures, execute (running code), proof (verdicts and proof.json).
The rest connects them: pytest_plugin to pytest, notebooks to mkdocs-jupyter, __main__ to make.
"""
