"""Pages for people, of whatever they tell: a template for each, and the pieces that they share."""
