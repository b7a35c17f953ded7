"""Keys come from ordered sources and have public names without secrets. Malformed keys get clear messages."""

from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.errors.keys import NoKeysError
from app.keypool.keys import compare_keys, fingerprint, load_keys, load_keys_again, make_keys, mask
from app.settings import Settings, load_settings

_LONG = "sk-proj-abcDEFghiJKLmnoPQRstuVWXyz1"


def _settings(monkeypatch: pytest.MonkeyPatch, **env: str) -> Settings:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def _secrets(settings: Settings) -> list[str]:
    return [key.secret.get_secret_value() for key in load_keys(settings).keys]


@pytest.mark.parametrize(
    ("env", "secrets"),
    [
        ({"OPENAI_API_KEYS": " sk-key1, ,sk-key2,,sk-key3 "}, ["sk-key1", "sk-key2", "sk-key3"]),
        ({"OPENAI_API_KEY_10": "sk-ten", "OPENAI_API_KEY_2": "sk-two"}, ["sk-two", "sk-ten"]),
        ({"OPENAI_API_KEY": "sk-single", "OPENAI_API_KEY_1": "sk-numbered"}, ["sk-numbered"]),
        ({"OPENAI_API_KEYS": "sk-list", "OPENAI_API_KEY_1": "sk-numbered"}, ["sk-list"]),
        ({"OPENAI_API_KEYS": " , ", "OPENAI_API_KEY": "sk-single"}, ["sk-single"]),
        ({}, []),
    ],
)
def test_the_first_of_list_numbered_keys_and_single_key_is_used(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], secrets: list[str]
) -> None:
    """The specification sets this order. Keys are trimmed, and blank entries are skipped."""
    assert _secrets(_settings(monkeypatch, **env)) == secrets


def test_a_missing_keys_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = _settings(monkeypatch, OPENAI_API_KEYS_FILE=str(tmp_path / "absent"))
    with pytest.raises(ConfigurationError, match=r"OPENAI_API_KEYS_FILE: .*absent cannot be read"):
        load_keys(settings)


def test_keys_that_are_not_used_are_counted_and_named_in_remarks(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {"OPENAI_API_KEY_1": "sk-n1", "OPENAI_API_KEY_2": "sk-n2", "OPENAI_API_KEY": "sk-single"}
    found = load_keys(_settings(monkeypatch, OPENAI_API_KEYS="sk-a,sk-b,sk-a", **others))
    assert (len(found.keys), found.duplicates, found.source) == (2, 1, "OPENAI_API_KEYS")
    assert found.remarks() == (
        "OPENAI_API_KEYS repeats 1 key; each is used once",
        "The keys of OPENAI_API_KEYS are used, and those of OPENAI_API_KEY_1..n (2 keys), OPENAI_API_KEY (1 key)"
        " are ignored",
    )


def test_the_same_keys_in_two_variables_need_no_remark(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_keys(_settings(monkeypatch, OPENAI_API_KEYS="sk-a,sk-b", OPENAI_API_KEY="sk-b")).remarks() == ()


@pytest.mark.parametrize("between", [";", "; ", "\n", " "])
def test_keys_with_another_separator_get_the_remedy(monkeypatch: pytest.MonkeyPatch, between: str) -> None:
    settings = _settings(monkeypatch, OPENAI_API_KEYS=f"{_LONG}{between}sk-other-key-of-some-length")
    with pytest.raises(ConfigurationError, match=r"key 1 is malformed.*Separate keys with commas") as caught:
        load_keys(settings)
    assert "sk-other" not in str(caught.value)


@pytest.mark.parametrize(
    "bad", ['"sk-quoted"', "sk-with blank", "sk-new\tline", "sk-ünicode", "sk-your-key", "sk-abc..."]
)
def test_a_malformed_key_is_named_by_position_and_never_shown(monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    settings = _settings(monkeypatch, OPENAI_API_KEYS=f"sk-good,{bad}")
    with pytest.raises(ConfigurationError, match=r"OPENAI_API_KEYS: key 2 is") as caught:
        load_keys(settings)
    assert bad not in str(caught.value)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        (_LONG, "sk-proj-abc...Xyz1"),
        ("sk-abcdefghijklmnopqrstuvwxyz0123456789", "sk-abc...6789"),
        ("sk-svcacct-abcdefghijklmnopqrst", "sk-svcacct-abc...qrst"),
        ("sk-proj-abc1234567890xyz", "sk-proj-abc...0xyz"),
        ("sk-proj-abc1234567890xy", f"key-{fingerprint('sk-proj-abc1234567890xy')[:8]}"),
    ],
)
def test_a_mask_shows_kind_three_characters_and_the_last_four_unless_the_key_is_short(secret: str, shown: str) -> None:
    """The mask of a key with fewer than 24 characters is shorter, because seven characters would reveal too much."""
    assert mask(secret) == shown


def test_equal_masks_get_a_fingerprint() -> None:
    one, two = "sk-proj-abcAAAAAAAAAAAAAAAAxyz1", "sk-proj-abcBBBBBBBBBBBBBBBBxyz1"
    keys = make_keys([one, two, _LONG])
    assert [k.mask for k in keys] == [
        f"sk-proj-abc...xyz1#{fingerprint(one)[:8]}",
        f"sk-proj-abc...xyz1#{fingerprint(two)[:8]}",
        "sk-proj-abc...Xyz1",
    ]


def test_groups_name_keys_by_position() -> None:
    keys = make_keys(["sk-a", "sk-b", "sk-c"], "team-a=1,3")
    assert [k.group for k in keys] == ["team-a", keys[1].key_id, "team-a"]


@pytest.mark.parametrize("groups", ["team-a=4", "team-a=x", "=1", "team-a=0", "team-a"])
def test_groups_that_name_no_key_are_refused(groups: str) -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_KEY_GROUPS"):
        make_keys(["sk-a", "sk-b", "sk-c"], groups)


def test_keys_have_their_own_base_urls_by_position(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = "1=https://one.example/v1/; 2,3 = https://two.example:8000/v1"
    keys = load_keys(_settings(monkeypatch, OPENAI_API_KEYS="sk-a,sk-b,sk-c,sk-d", OPENAI_KEY_BASE_URLS=urls)).keys
    assert [key.base_url for key in keys] == ["https://one.example/v1", *["https://two.example:8000/v1"] * 2, ""]


def test_a_keys_file_has_one_key_a_line_which_may_name_its_base_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    lines = ["# team a", "sk-one https://one.example/v1", "", "  sk-one\thttps://two.example/v1/  ", "sk-one", "sk-one"]
    file.write_text("\n".join(lines))
    found = load_keys(_settings(monkeypatch, OPENAI_API_KEYS_FILE=str(file)))
    assert [key.base_url for key in found.keys] == ["https://one.example/v1", "https://two.example/v1", ""]
    assert {key.secret.get_secret_value() for key in found.keys} == {"sk-one"}
    assert len({key.key_id for key in found.keys}) == len({key.mask for key in found.keys}) == 3
    assert found.keys[2].key_id == fingerprint("sk-one")
    assert found.duplicates == 1


@pytest.mark.parametrize(
    "urls",
    [
        "3=https://one.example/v1",
        "0=https://one.example/v1",
        "https://one.example/v1",
        "1=https://one.example/v1;1=https://two.example/v1",
        "1=one.example/v1",
        "1=",
        "7=https://me:hunter2@one.example/v1",
        "1=http://me:hunter2/x@one.example/v1",
        "1=https://me:hunter2@x@one.example/v1",
    ],
)
def test_invalid_base_urls_are_refused_without_their_logins(monkeypatch: pytest.MonkeyPatch, urls: str) -> None:
    settings = _settings(monkeypatch, OPENAI_API_KEYS="sk-a,sk-b", OPENAI_KEY_BASE_URLS=urls)
    with pytest.raises(ConfigurationError, match="OPENAI_KEY_BASE_URLS: ") as caught:
        load_keys(settings)
    assert "hunter2" not in str(caught.value)


def test_no_representation_contains_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(monkeypatch, OPENAI_API_KEYS=_LONG, OPENAI_API_KEY_1="sk-numbered-secret-1")
    for text in (repr(load_keys(settings)), repr(settings), settings.model_dump_json()):
        assert _LONG not in text
        assert "sk-numbered-secret-1" not in text


def test_a_change_is_counted_and_named_by_masks() -> None:
    secrets = [f"sk-proj-{letter * 24}{n:04d}" for n, letter in enumerate("abcde", start=1)]
    change = compare_keys(make_keys(secrets[:4]), make_keys(secrets[1:]))
    assert str(change) == "1 added (sk-proj-eee...0005), 1 draining (sk-proj-aaa...0001), 3 unchanged"
    assert change


def test_another_order_or_group_is_no_change_of_keys() -> None:
    change = compare_keys(make_keys(["sk-a", "sk-b"]), make_keys(["sk-b", "sk-a"], "us=1,2"))
    assert not change
    assert str(change) == "0 added, 0 draining, 2 unchanged"


def test_a_running_process_does_not_accept_an_empty_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty keys file is an error, even if another variable contains keys."""
    with pytest.raises(NoKeysError):
        load_keys_again(_settings(monkeypatch))
    file = tmp_path / "keys"
    file.write_text("# nothing\n")
    with pytest.raises(ConfigurationError, match="contains no key"):
        load_keys_again(_settings(monkeypatch, OPENAI_API_KEYS_FILE=str(file), OPENAI_API_KEYS="sk-other"))
    file.write_text("sk-one\n")
    assert len(load_keys_again(load_settings()).keys) == 1
