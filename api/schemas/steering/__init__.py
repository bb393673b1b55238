"""What staff see of orders under way, and what they tell them."""
