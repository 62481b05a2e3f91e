"""What crews carry: a sheet for each team and shift, tracks and waypoints for phones. Everything opens without a network."""
