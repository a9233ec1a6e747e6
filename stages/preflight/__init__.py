"""Values of params.yaml against the classes that they are for, before anything runs."""
