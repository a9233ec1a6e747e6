"""The five DVC stages and their vocabulary: a file here is a stage, a folder is vocabulary."""

from stages.program.parents import die_with_dvc

die_with_dvc()  # before seconds of imports, in which dvc may be killed
