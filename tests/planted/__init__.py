"""Faults planted in the program, one at a time, and the referees that must find each."""
