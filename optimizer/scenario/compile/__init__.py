"""From a checked scenario to an instance: options, burden, measures at the source, and
draws of what is not known.
"""
