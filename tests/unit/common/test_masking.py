import pytest

from modalmesh_services.common.configuration.masking import masked


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://cache:6379/0", "redis://cache:6379/0"),
        ("redis://reader@cache/0", "redis://reader@cache/0"),
        ("redis://reader:secret@cache:6379/0", "redis://reader:***@cache:6379/0"),
        ("rediss://:secret@cache:6379/0", "rediss://:***@cache:6379/0"),
        ("redis://:sec@ret@cache/0", "redis://:***@cache/0"),
        ("redis://:sec/r#e?t@cache/0", "redis://:***@cache/0"),
        ("redis://:secret@[::1", "redis://:***@[::1"),
        ("unix:///run/redis.sock?db=0&password=secret", "unix:///run/redis.sock?db=0&password=***"),
        ("redis://cache:6379/0?password=sec@ret&db=1", "redis://cache:6379/0?password=***&db=1"),
        ("reader:secret@cache", "***"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert masked(url) == shown
