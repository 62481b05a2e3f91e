"""Foreign records as the CSV files of seizures and search effort that a scenario reads.

Each importer reads a whitelist of columns, says what became of every row, and writes a
folder: `seizures.csv`, `effort.csv`, `records.toml` (the lines a scenario needs to use
them) and `import.json` (the counts). No column about a person is ever among those that
are read.
"""
