"""Migrations and models tell the same story."""

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from billing.platform.data.base import Base
from billing.platform.data.database import Database
from tests.architecture.source import ROOT, product_modules


def test_migrations_have_one_head():
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_the_models_equal_the_migrated_schema(database: Database):
    product_modules()
    with database.write_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
