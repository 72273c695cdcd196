"""Requests made up from the server's own description, valid and not: no answer is a server's error."""

import pytest
from hypothesis import HealthCheck, given, settings

from latentspace.web.app import make_app
from latentspace.web.opened import Opened

schemathesis = pytest.importorskip("schemathesis")
HEADERS = {"authorization": "Bearer t", "host": "testserver"}


@pytest.fixture(scope="module")
def operations(pictures, texts):
    return described(pictures, texts)


def described(*spaces):
    """Every route of a server of these spaces, as it describes itself."""
    app = make_app([Opened(space) for space in spaces], token="t", hosts={"testserver"})
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=HEADERS)
    return {f"{one.ok().method.upper()} {one.ok().path}": one.ok() for one in schema.get_all_operations()}


def test_every_route_is_described(operations):
    assert len(operations) >= 20


def test_no_request_is_a_servers_error(operations):
    for operation in operations.values():
        asking(operation)()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sounds", "table", "vectors", "pairs", "interactions", "one"])
def test_no_request_of_very_many_is_a_servers_error(name, spaces, texts):
    for operation in described(spaces(name), texts).values():
        asking(operation, 150)()


def asking(operation, examples=15):
    """The test of one route."""

    @given(case=operation.as_strategy())
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(case):
        own = case.path_parameters or {}
        for name in ("s", "row", "d", "number"):  # most numbers name nothing that is there; half of these do
            if isinstance(own.get(name), int) and own[name] % 2:
                own[name] = own[name] % (2 if name == "s" else 8)
        answer = case.call(headers=HEADERS)
        assert answer.status_code < 500, f"{operation.label}: {answer.text}"

    return ask
