"""Still maps: drawn with matplotlib into the axes they are given."""
