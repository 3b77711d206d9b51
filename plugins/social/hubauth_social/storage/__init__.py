"""The five storage classes of python-social-auth on hubauth's tables.

https://python-social-auth.readthedocs.io/en/latest/storage.html
"""

from __future__ import annotations

from social_core.storage import AssociationMixin, BaseStorage, NonceMixin, UserMixin
from sqlalchemy.exc import IntegrityError

from ..store import SocialStore
from .accounts import Person, SocialAccount
from .once import Association, Nonce
from .waiting import Code, Partial

__all__ = ["Association", "Code", "Nonce", "Partial", "Person", "SocialAccount", "SocialStorage", "storage_on"]


class SocialStorage(BaseStorage):
    """What a strategy is given; `storage_on` makes the one of a store."""

    user: type[UserMixin] = SocialAccount
    nonce: type[NonceMixin] = Nonce
    association: type[AssociationMixin] = Association
    code = Code
    partial = Partial

    @classmethod
    def is_integrity_error(cls, exception: BaseException) -> bool:
        """Whether the database said that there is one already."""
        return isinstance(exception, IntegrityError) or isinstance(exception.__cause__, IntegrityError)


def storage_on(store: SocialStore, base: type[SocialStorage] = SocialStorage) -> type[SocialStorage]:
    """The storage of one provider: python-social-auth calls its methods on classes, so each store has its own."""
    names = ("user", "nonce", "association", "code", "partial")
    kinds = {name: getattr(base, name) for name in names}
    return type(
        base.__name__, (base,), {name: type(kind.__name__, (kind,), {"tables": store}) for name, kind in kinds.items()}
    )
