"""Measures how steady and how right the analyzer is: `python -m eval`; docs/analyzer.md has the results."""
