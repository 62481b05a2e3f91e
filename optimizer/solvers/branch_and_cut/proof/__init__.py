"""What a search leaves for a certificate of its bound, and the certificate."""
