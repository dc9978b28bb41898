"""Migrations and models tell the same story."""

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from billing.platform.data.base import Base
from billing.platform.data.database import Database
from tests.architecture.source import ROOT, product_modules

ON_SQLITE_ALONE = {"fk_ledger_line_entry_id"}
"""On PostgreSQL the trigger of the lines finds their entries."""


def test_migrations_have_one_head():
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_the_models_equal_the_migrated_schema(database: Database):
    product_modules()
    with database.write_engine.connect() as connection:
        left_out = ON_SQLITE_ALONE if connection.dialect.name == "postgresql" else set()
        options = {"compare_type": True, "include_object": lambda _, name, *_more: name not in left_out}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_pages_of_a_patient_and_of_a_payer_read_their_attempts_alone(database: Database):
    """Each page of a patient asks for all their attempts to pay, and each of a payer for those of a part."""
    found = inspect(database.write_engine).get_indexes("checkout")
    whole = [
        each["column_names"]
        for each in found
        if not set(each.get("dialect_options", {})) - {"postgresql_include"}
    ]
    assert ["patient_id"] in whole
    assert ["share_id"] in whole
