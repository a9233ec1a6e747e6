"""HTML pages: a template for each, and the pieces that they share."""
