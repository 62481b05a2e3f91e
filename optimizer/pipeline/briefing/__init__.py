"""What the report says of a plan, made from the plan file, the compiled scenario and
the comparison.
"""
