"""What teams could do: posts, and the field of patrols over them."""
