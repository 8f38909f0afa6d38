"""The rules on what is entered, one set for the three doors. Standard library only, no clock."""
