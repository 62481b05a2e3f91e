"""Border interdiction route-risk optimizer."""
