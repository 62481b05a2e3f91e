"""Command line: arguments in, the pipeline or one step called, tables and exit codes out."""

from optimizer.cli.app import main

__all__ = ["main"]
