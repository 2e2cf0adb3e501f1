"""A Mall is the operator: members and value belong to it. Sites are its buildings, a Shop is a tenant's unit in one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import Model


class Mall(Model):
    """The operator (商场). The one table above the wall between malls."""

    __tablename__ = "malls"
    __table_args__ = (CheckConstraint("code ~ '^[a-z0-9-]{2,40}$'", name="code_is_a_slug"),)

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    timezone: Mapped[str] = mapped_column(server_default=text("'Asia/Shanghai'"), default="Asia/Shanghai")
    currency: Mapped[str] = mapped_column(server_default=text("'CNY'"), default="CNY")
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"), default=dict)
