"""Base: errors, files, schemas and rows of JSON; knows nothing of roads."""
