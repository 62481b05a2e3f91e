"""Exchange: seizures and tips as STIX 2.1, GeoJSON and CSV, there and back."""
