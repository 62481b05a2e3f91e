"""Programs that measure: they make the rows and tables of the pages in `results`."""
