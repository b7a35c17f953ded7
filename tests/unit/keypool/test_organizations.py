"""Keys of the same organization and project share limits. Shared limits are logged once, with the setting that groups
the keys.
"""

import logging

import pytest

from app.keypool.keys import make_keys
from app.keypool.organizations import SharedLimits, groups_setting

SECRETS = [f"sk-proj-{letter * 24}{n:04d}" for n, letter in enumerate("abcd", start=1)]


def _headers(organization: str | None, project: str | None) -> dict[str, str]:
    named = {"openai-organization": organization, "openai-project": project}
    return {name: value for name, value in named.items() if value is not None}


def _shared(groups: str = "") -> tuple[SharedLimits, list[object]]:
    keys = make_keys(SECRETS, groups)
    return SharedLimits(lambda: keys), list(keys)


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def test_two_keys_of_one_project_are_named_once_with_the_remedy(caplog: pytest.LogCaptureFixture) -> None:
    shared, (a, _, c, _) = _shared()
    for _ in range(3):
        shared.observe(a, _headers("org-x", "proj_1"))
        shared.observe(c, _headers("org-x", "proj_1"))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "OpenAI keys 1 (sk-proj-aaa...0001) and 3 (sk-proj-ccc...0003) belong to organization org-x (project proj_1) "
        "and share its limits, so they add no capacity. Group them: OPENAI_KEY_GROUPS=org-x=1,3"
    )


def test_a_third_key_is_named_with_the_two_before(caplog: pytest.LogCaptureFixture) -> None:
    shared, (a, b, c, _) = _shared()
    for key in (c, a, b):
        shared.observe(key, _headers("org-x", None))
    assert len(caplog.records) == 2
    assert "OPENAI_KEY_GROUPS=org-x=1,2,3" in caplog.messages[-1]
    assert "project" not in caplog.messages[-1]


def test_grouped_keys_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    shared, (a, b, *_) = _shared("us=1,2")
    shared.observe(a, _headers("org-x", "proj_1"))
    shared.observe(b, _headers("org-x", "proj_1"))
    assert caplog.records == []


def test_other_organizations_and_missing_headers_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    shared, (a, b, c, d) = _shared()
    shared.observe(a, _headers("org-x", "proj_1"))
    shared.observe(b, _headers("org-y", "proj_1"))
    shared.observe(c, _headers(None, None))
    shared.observe(d, _headers("", "proj_1"))
    assert caplog.records == []


def test_two_projects_of_one_organization_are_logged_once_as_info(caplog: pytest.LogCaptureFixture) -> None:
    """OpenAI's limits apply to an organization, and a project may have lower limits on purpose."""
    shared, (a, b, c, _) = _shared()
    for key, project in ((a, "proj_1"), (b, "proj_2"), (c, "proj_3")):
        shared.observe(key, _headers("org-x", project))
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert "different projects of organization org-x" in record.getMessage()


def test_a_key_that_was_removed_is_not_compared(caplog: pytest.LogCaptureFixture) -> None:
    """OPENAI_KEY_GROUPS names keys by their positions, so it cannot name a removed key."""
    keys = list(make_keys(SECRETS))
    shared = SharedLimits(lambda: keys)
    shared.observe(keys[0], _headers("org-x", "proj_1"))
    gone = keys.pop(0)
    shared.observe(keys[0], _headers("org-x", "proj_1"))
    shared.observe(gone, _headers("org-x", "proj_9"))
    assert caplog.records == []
    shared.observe(keys[1], _headers("org-x", "proj_1"))
    assert "OPENAI_KEY_GROUPS=org-x=1,2" in caplog.messages[-1]


def test_the_remedy_keeps_existing_groups() -> None:
    """The logged value of OPENAI_KEY_GROUPS is complete: it includes existing groups that contain one of these keys."""
    keys = make_keys(SECRETS, "us=1,2;eu=4")
    assert groups_setting(keys, [keys[1], keys[2]], "org-x") == "us=1,2,3;eu=4"
    assert groups_setting(keys, [keys[0], keys[3]], "org-x") == "us=1,2,4"
    value = groups_setting(keys, [keys[2]], "org x;=,")
    assert [key.group for key in make_keys(SECRETS, value)] == ["us", "us", "org-x-", "eu"]


def test_hostile_headers_do_not_break_the_log(caplog: pytest.LogCaptureFixture) -> None:
    shared, (a, b, *_) = _shared()
    for key in (a, b):
        shared.observe(key, _headers("org\x1b[31m" + "x" * 5000, "p\n2026 ERROR: forged"))
    (line,) = caplog.messages
    assert "\x1b" not in line
    assert "\n" not in line
    assert len(line) < 600
