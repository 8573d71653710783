"""How good is the list of suspicious examples? Planted label errors, and who finds them.

From the top folder::

    python -m benchmarks.labels train --scratch FOLDER       # networks; run again, it goes on
    python -m benchmarks.labels choose --scratch FOLDER      # the rule, on Fashion-MNIST alone
    python -m benchmarks.labels judge --scratch FOLDER       # all methods in all settings

`settings.py` says what is trained, `noise.py` how labels are made wrong, `others.py` what is
compared, `rules.py` the rule and those it was chosen from, `judging.py` how they are scored.
"""
