"""What evaluate.search may name: the base of all searches."""


class Search:
    """From what a task computes of a batch to hypotheses; a task says which kind it takes.

    See CTCSearch for those over framewise log-probabilities.
    """
