"""What holds for the whole suite: a test asserts behaviour, never a time, so hypothesis gives no deadline."""

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
