"""Stock as staff see it and change it. All figures are units."""
