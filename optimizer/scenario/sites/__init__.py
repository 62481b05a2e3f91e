"""Sites on their roads: who may run them, which options they give, and who bears the
searches there.
"""
