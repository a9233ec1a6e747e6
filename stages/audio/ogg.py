"""Ogg files (RFC 3533): whether they are complete, and the streams that follow each other in joined files."""

import io
import os

PAGE_HEADER = 27  # bytes, before the table of segments
MAX_PAGE = PAGE_HEADER + 255 + 255 * 255
BEGINS, ENDS = 2, 4  # flags of a page


def streams(file: io.FileIO) -> list[tuple[int, int]]:
    """Where each stream begins, and its bytes; none of a file that is not Ogg or has several at a time."""
    found: list[int] = []
    place, size, is_open = 0, os.fstat(file.fileno()).st_size, False
    while place < size:
        file.seek(place)
        header = file.read(PAGE_HEADER + 255)
        if not header.startswith(b"OggS") or len(header) < PAGE_HEADER:
            break
        if header[5] & BEGINS:
            if is_open:
                return []
            found.append(place)
            is_open = True
        if header[5] & ENDS:
            is_open = False
        place += _page_bytes(header)
    ends = [*found, size][1:]
    return [(start, end - start) for start, end in zip(found, ends, strict=True)]


def is_cut(file: io.FileIO) -> bool:
    """Whether the last page is missing or cut; libsndfile reads a shorter stream. False if it is not Ogg."""
    file.seek(0)
    if file.read(4) != b"OggS":
        return False
    file.seek(-min(MAX_PAGE, file.seek(0, os.SEEK_END)), os.SEEK_END)
    end = file.read(MAX_PAGE)
    page = end[max(0, end.rfind(b"OggS")) :]
    if not page.startswith(b"OggS") or len(page) < PAGE_HEADER:
        return True
    return not page[5] & ENDS or len(page) < _page_bytes(page)


def _page_bytes(header: bytes) -> int:
    num_segments = header[PAGE_HEADER - 1]
    return PAGE_HEADER + num_segments + sum(header[PAGE_HEADER : PAGE_HEADER + num_segments])
