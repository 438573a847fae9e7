"""What language models use and cost: tokens in one form for every provider, and prices."""
