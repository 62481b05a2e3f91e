"""The recommended risk model: a latent field on the roads and the flow of trafficking,
fitted together.
"""
