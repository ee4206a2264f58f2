from modalmesh_gateway.overview import namespace_status
from modalmesh_gateway.views import NamespaceView


def test_a_namespace_is_loading_until_all_of_it_was_read() -> None:
    view = NamespaceView("shop")
    assert namespace_status(view).loading
    view.loaded.set()
    assert not namespace_status(view).loading
