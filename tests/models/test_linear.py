from sklearn.utils.estimator_checks import parametrize_with_checks

from latentspace.models import family

NAMES = ["lsa", "nmf", "ica", "factor-analysis", "sparse-pca", "lda", "pls", "nca"]


@parametrize_with_checks([family(name)() for name in NAMES])
def test_keeps_the_estimator_contract(estimator, check):
    check(estimator)
