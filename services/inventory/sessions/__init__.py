"""Staff receive a delivery or count a shelf: lines are gathered while the session is open, and booked all at once.

A count's line remembers what the book said when it was counted. Applying books the difference from that, so that what
was sold between the count and its booking stays sold.
"""
