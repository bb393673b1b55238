"""Our side of the comparison with a provider: what we have, what differed, and what is booked to mend it."""
