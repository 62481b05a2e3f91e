"""Tests: behaviour, against brute force, closed forms and independent libraries."""
