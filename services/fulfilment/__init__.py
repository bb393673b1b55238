"""What happens to an order after its checkout, split by verb: opening, shipping, delivering, cancelling."""
