"""The claims of the paper: what is trained for each, what is measured, and the rule of its verdict.

`recipes` holds them as TOML: collections by dataset, and one file for each claim. A claim reads
logs, finds evidence, and a rule that was fixed before makes a verdict of it.
"""
