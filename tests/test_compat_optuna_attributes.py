"""A user attribute of a trial that Optuna created earlier."""

import optuna

from stages.compat.optuna_attributes import set_user_attribute


def test_an_attribute_is_set_of_a_trial_that_another_process_asked_for() -> None:
    study = optuna.create_study()
    for _ in range(2):
        study.ask()
    set_user_attribute(study, 1, "epoch", 7)
    assert [trial.user_attrs for trial in study.get_trials()] == [{}, {"epoch": 7}]
