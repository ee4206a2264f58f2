from pathlib import Path

import pytest

from modalmesh.local.shop import write_shop
from modalmesh.local.shop.catalogue import Product, products


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole shop, written once."""
    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder)
    return folder


@pytest.fixture(scope="session")
def goods() -> list[Product]:
    return products()
