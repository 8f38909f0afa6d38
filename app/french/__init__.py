"""How French is written on screens, in mails and in documents: no-break spaces, and what « de » and « à » become before a name.

Known to every floor, knows none.
"""
