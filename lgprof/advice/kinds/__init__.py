"""The kinds of advice. Each has one function, ``find(observed)``, that yields its findings."""
