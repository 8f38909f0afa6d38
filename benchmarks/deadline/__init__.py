"""The day before a deadline, in small: many clients at three doors while workers, base and queue are killed under them.

Run: `make deadline [FACTOR=0.03]`. What was acknowledged must stand, once; the program writes the day's figures to docs/.
"""
