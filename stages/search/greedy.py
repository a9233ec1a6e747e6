"""Best path decoding for CTC."""

from torch import Tensor

from stages.search.ctc_search import CTCSearch


class Greedy(CTCSearch):
    """The best token of each frame. Repeats are merged, then blanks dropped: l _ l gives ll."""

    def __call__(self, log_probs: Tensor, lengths: Tensor, blank_index: int) -> list[list[int]]:
        best = log_probs.argmax(-1)  # (B, T)
        decoded = []
        for path, length in zip(best.cpu(), lengths.tolist(), strict=True):
            collapsed = path[:length].unique_consecutive()
            decoded.append(collapsed[collapsed != blank_index].tolist())
        return decoded
