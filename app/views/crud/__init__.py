"""The workshop of lists and forms on Flask-AppBuilder: what the other rooms' record screens are made of."""
