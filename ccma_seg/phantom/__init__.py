"""Synthetic exams with known truth."""
