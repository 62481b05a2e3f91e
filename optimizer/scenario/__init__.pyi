from .file.kinds import Effect as Effect
from .file.kinds import KindModel as KindModel
from .file.model import add_kind as add_kind
