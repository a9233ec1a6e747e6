"""The base class of all searches that evaluate.search may name."""


class Search:
    """Turns the outputs of a task for a batch into hypotheses; each task declares which kind it takes.

    See CTCSearch for searches over framewise log-probabilities.
    """
