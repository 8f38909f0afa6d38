"""What the throw-away child knows of spreadsheets: tabs, cells, values, the two formats, by quick means and by careful ones.

Offers: child, the script that `imports.reading` runs.
May know: nothing of the program but `validators.memory` and its like; it is loaded where nothing else is.
"""
