"""Run the command line from a checkout: `python cli.py --help`."""

import sys

try:
    from optimizer.cli import main
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] == "optimizer":
        raise
    sys.exit(
        f"Error: {sys.executable}: found no package {error.name}; expected a Python with what this"
        " program needs. Run .venv/bin/python cli.py, or install first: README.md, two commands."
    )

if __name__ == "__main__":
    main()
