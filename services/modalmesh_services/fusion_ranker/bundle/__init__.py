"""What a trained ranker is kept as: a folder of plain files, each of them hashed, and no pickle among them."""

from modalmesh_services.fusion_ranker.bundle.contents import Bundle, Encoders, Learned
from modalmesh_services.fusion_ranker.bundle.reading import read_bundle
from modalmesh_services.fusion_ranker.bundle.writing import check_writable, write_bundle

__all__ = ["Bundle", "Encoders", "Learned", "check_writable", "read_bundle", "write_bundle"]
