"""What pages for people are made of, of whatever they tell: markup, one style sheet, histograms."""
